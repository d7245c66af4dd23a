"""The random crop that segmentation detectors train on: image and maps alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppocr.config.ranges import Probability, Side
from ppocr.data.transforms.base import Sample, Transform
from ppocr.registry import TRANSFORMS


@TRANSFORMS.register()
class RandomCropImgMask(Transform):
    """Cut the same random part out of an image and its maps, most often one that shows text.

    What is smaller than the part is filled up with zeros to the right and below.

    Args:
        size: height and width of the part.
        main_key: the map that is above zero where text is.
        crop_keys: what to cut: [H, W], [H, W, C] or [C, H, W].
        p: how often the part is taken from anywhere.

    Source: the crop of PSENet (https://arxiv.org/abs/1903.12473).
    """

    random = True
    training_only = True
    provides = ()

    def __init__(
        self, size: tuple[Side, Side], main_key: str, crop_keys: Sequence[str], p: Probability = 3 / 8
    ) -> None:
        self.height, self.width = size
        self.main_key = main_key
        self.crop_keys = tuple(crop_keys)
        self.p = p
        self.needs = tuple(dict.fromkeys(["image", main_key, *self.crop_keys]))

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Cut `crop_keys`."""
        assert rng is not None
        size = sample["image"].shape[:2]
        if size == (self.height, self.width):
            return sample
        free, down, across = rng.random(3)
        text = None if free < self.p else _extent(sample[self.main_key])
        top = self._first(down, size[0], self.height, text and text[0])
        left = self._first(across, size[1], self.width, text and text[1])
        for key in self.crop_keys:
            sample[key] = self._cut(sample[key], size, top, left)
        return sample

    def _first(self, draw: float, length: int, side: int, text: tuple[int, int] | None) -> int:
        """Return where the part begins on one axis, any place alike; with text in it where there is some."""
        first, last = 0, max(0, length - side)
        if text is not None:
            first = max(0, text[0] - side)
            last = min(max(0, text[1] - side), last)
            if first >= last:
                return 0
        return first + int(draw * (last - first + 1))

    def _cut(self, array: np.ndarray, size: tuple[int, int], top: int, left: int) -> np.ndarray:
        before = 1 if array.ndim == 3 and array.shape[1:] == size and array.shape[:2] != size else 0
        part = array[(slice(None),) * before + (slice(top, top + self.height), slice(left, left + self.width))]
        missing = [(0, 0)] * array.ndim
        missing[before] = (0, self.height - part.shape[before])
        missing[before + 1] = (0, self.width - part.shape[before + 1])
        return np.pad(part, missing) if any(more for _, more in missing) else part

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the fixed size."""
        return self.height, self.width, shape[2]


def _extent(text: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the first and last row and column where a map [H, W] is above zero; None where it is nowhere."""
    rows = np.flatnonzero(text.max(axis=1) > 0)
    if not len(rows):
        return None
    columns = np.flatnonzero(text.max(axis=0) > 0)
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))
