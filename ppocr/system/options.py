"""How pages are read: the settings of the system of detector, classifier and recogniser."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppocr.deploy.backends.base import RuntimeOptions, processors

MOST_STREAMS = 8  # each has memory of its own
LINE_KERNELS = 1000  # of the 45 widths of lines: 330 MB, and a third less time than with none


@dataclass(frozen=True)
class SystemOptions:
    """What a page reader does besides running its models.

    Args:
        drop_score: lines recognised with a lower confidence are left out.
        rec_batch_num: most lines the recogniser sees at once; one where its backend has several streams.
        cls_batch_num: lines the classifier sees at once.
        cls_thresh: probability from which the classifier is believed.
        return_word_box: give the boxes of words and characters too.
        slice_length: pages with a longer side are detected in overlapping slices of this many pixels; 0 never slices.
    """

    drop_score: float = 0.5
    rec_batch_num: int = 6
    cls_batch_num: int = 6
    cls_thresh: float = 0.9
    return_word_box: bool = False
    slice_length: int = 4000


def line_runtime(options: RuntimeOptions) -> RuntimeOptions:
    """Return the options a recogniser of lines reads fastest with: on a CPU, several lines at once, one a run.

    Measured with PP-OCRv4 on two processors, 40 lines: OpenVINO takes 650 ms of processor time instead of 990 in
    batches of six that all threads share, ONNX Runtime 1010 instead of 3120.

    Args:
        options: how models are run.
    """
    if options.use_gpu:
        return options
    streams = min(MOST_STREAMS, options.cpu_threads or processors())
    return replace(options, streams=streams, cached_kernels=LINE_KERNELS)
