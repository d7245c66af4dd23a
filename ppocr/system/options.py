"""How pages are read: the settings of the system of detector, classifier and recogniser."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SystemOptions:
    """What a page reader does besides running its models.

    Args:
        drop_score: lines recognised with a lower confidence are left out.
        rec_batch_num: lines the recogniser sees at once.
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
