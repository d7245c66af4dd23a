"""The lines of pages through classifier and recogniser, in batches of equal width."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from ppocr.deploy.long_lines import Piece, cut, joined
from ppocr.deploy.predictor import WIDEST, Predictor, batches_of_equal_size
from ppocr.errors import PpocrError, SampleError, one_sample
from ppocr.results import Recognition
from ppocr.system.crop import LineCrop
from ppocr.system.options import SystemOptions
from ppocr.system.timings import Timings

WIDTH_STEPS = ((640, 32), (1280, 64), (math.inf, 128))  # lines up to this width are padded to multiples of that
LEAST_PADDING = 16  # behind the text: without any, the last character of some lines is lost
BATCH_WIDTH = 6400  # of the lines of a batch together: bounds the memory of a batch of long lines

Read = Recognition | SampleError
Sample = dict[str, Any]


class LineReader:
    """Recognises lines. What is read of a line does not depend on the lines it shares a batch with.

    The official runtimes pad every line of a batch to the widest one, at least 320 pixels. Here the width of a
    line follows from itself alone: with at least `LEAST_PADDING` pixels behind it, up to one of `WIDTH_STEPS`.

    Args:
        rec: the recogniser.
        cls: a classifier of lines with the labels 0 and 180, or None.
        options: batch sizes and thresholds.
        timings: where the time of the stages is added.
    """

    def __init__(self, rec: Predictor, cls: Predictor | None, options: SystemOptions, timings: Timings) -> None:
        self.rec = with_positions(rec) if options.return_word_box else rec
        self.cls = cls
        self.options, self.timings = options, timings
        _, self._height, width = rec.pipeline.output_shape()
        self._free = width < 1

    def upright(self, crops: Sequence[LineCrop]) -> list[LineCrop | SampleError]:
        """Return the crops, those rotated by 180 degrees that the classifier is sure about."""
        if self.cls is None:
            return list(crops)
        found: list[LineCrop | SampleError] = list(crops)
        samples = _prepared(
            self.cls, [crop.image for crop in crops], range(len(crops)), found, self.timings.stage("cls")
        )
        for numbers in batches_of_equal_size(samples, self.options.cls_batch_num):
            with self.timings.stage("cls"):
                results = _each(self.cls, [samples[n] for n in numbers])
            for number, result in zip(numbers, results):
                if isinstance(result, SampleError):
                    found[number] = result
                elif replace(result, threshold=self.options.cls_thresh).degrees == 180:
                    found[number] = crops[number].upside_down()
        return found

    def read(self, crops: Sequence[LineCrop]) -> list[Read]:
        """Return what is read of each crop, or why it cannot be; positions are fractions of the crop's width."""
        pieces = [self._pieces(crop.image) for crop in crops]
        images = [crop.image[:, p.start : p.end] for crop, parts in zip(crops, pieces) for p in parts]
        read = iter(self._read(images))
        self.timings.count(lines=len(crops))
        return [_joined(parts, [next(read) for _ in parts]) for parts in pieces]

    def _pieces(self, image: np.ndarray) -> list[Piece]:
        """Return the parts of a line, one where it is not too long for the recogniser."""
        height, width = image.shape[:2]
        return cut(image, max(1, WIDEST * height // self._height) if self._free else width)

    def _read(self, images: Sequence[np.ndarray]) -> list[Read]:
        found: list[Any] = [None] * len(images)
        streams = getattr(self.rec.backend, "streams", 1)
        if streams == 1:
            self._read_group(images, range(len(images)), found)
            return found
        # narrow ones first: the engine changes between widths as seldom as with batches
        order = sorted(range(len(images)), key=lambda n: images[n].shape[1] / images[n].shape[0])
        with ThreadPoolExecutor(min(streams, max(1, len(images)))) as pool:
            list(pool.map(lambda n: self._read_group(images, (n,), found), order))
        return found

    def _read_group(self, images: Sequence[np.ndarray], numbers: Sequence[int], found: list[Any]) -> None:
        """Put what is read of some of the images into its places."""
        samples = _prepared(self.rec, images, numbers, found, self.timings.stage("rec_resize"))
        filled = {}
        with self.timings.stage("rec_resize"):
            for number, sample in samples.items():
                sample["image"], filled[number] = self._fitted(sample["image"], images[number].shape)
        for batch in batches_of_equal_size(samples, self.options.rec_batch_num, BATCH_WIDTH * self._height):
            for number, result in zip(batch, self._recognised([samples[n] for n in batch])):
                found[number] = _within(result, filled[number])

    def _recognised(self, samples: Sequence[Sample]) -> list[Read]:
        try:
            with self.timings.stage("rec"):
                preds = self.rec.forward(samples)
        except PpocrError as error:
            return _one_by_one(self._recognised, samples, error)
        with self.timings.stage("decode"):
            return [_finite(result) for result in self.rec.results(preds, samples)]

    def _fitted(self, image: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, float]:
        """Return the image of a line, float32 [C, H, W], with the padding of its own width, and the part it fills."""
        natural = math.ceil(self._height * shape[1] / shape[0])
        if self._free:
            width = padded_width(natural)
            extra = width - image.shape[2]
            image = np.pad(image, ((0, 0), (0, 0), (0, extra))) if extra > 0 else image[:, :, :width]
        return image, min(1.0, natural / image.shape[2])


def with_positions(rec: Predictor) -> Predictor:
    """Return a recogniser whose results say where the characters are, over the same network."""
    made = copy.copy(rec)
    made.postprocess = rec.postprocess.with_positions()
    return made


def padded_width(natural: int) -> int:
    """Return the width that a line of a natural width, at the network's height, is padded to.

    There are few widths, so that lines share batches and engines their kernels: the longer, the farther apart.
    """
    width = natural + LEAST_PADDING
    step = next(step for most, step in WIDTH_STEPS if width <= most)
    return -(-width // step) * step


def _prepared(
    predictor: Predictor,
    images: Sequence[np.ndarray],
    numbers: Sequence[int],
    found: list[Any],
    timing: AbstractContextManager[None],
) -> dict[int, Sample]:
    """Return the preprocessed samples by number; of those that cannot be, the problem goes into `found`."""
    samples = {}
    with timing:
        for number in numbers:
            try:
                with one_sample():
                    samples[number] = predictor.prepare(images[number])
            except SampleError as problem:
                found[number] = problem
    return samples


def _each(predictor: Predictor, samples: Sequence[Sample]) -> list[Any]:
    """Return the result of each sample, or why it has none."""
    try:
        return predictor.results(predictor.forward(samples), samples)
    except PpocrError as error:
        return _one_by_one(lambda batch: _each(predictor, batch), samples, error)


def _one_by_one(
    run: Callable[[Sequence[Sample]], list[Any]], samples: Sequence[Sample], error: PpocrError
) -> list[Any]:
    """Run samples alone after their batch has failed, so that one cannot harm the others."""
    if len(samples) == 1:
        return [SampleError("failed", error.message)]
    return [result for sample in samples for result in run([sample])]


def _finite(result: Recognition) -> Read:
    if math.isfinite(result.confidence):
        return result
    return SampleError("non_finite", "the recogniser's predictions are not finite numbers")


def _within(result: Read, filled: float) -> Read:
    """Return a result whose positions are fractions of the part of the image that the line fills."""
    if isinstance(result, SampleError) or result.positions is None:
        return result
    return replace(result, positions=np.minimum(result.positions / filled, 1.0))


def _joined(pieces: Sequence[Piece], read: Sequence[Read]) -> Read:
    """Return what is read of a line, of what is read of its pieces."""
    problem = next((each for each in read if isinstance(each, SampleError)), None)
    if problem is not None or len(pieces) == 1:
        return problem or read[0]
    return joined(pieces, [each for each in read if isinstance(each, Recognition)])
