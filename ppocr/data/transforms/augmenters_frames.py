"""imgaug's augmenters that cut from the sides of an image or add to them: parameters mean what they mean there.

Source: the documentation and behaviour of imgaug (https://imgaug.readthedocs.io).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ppocr.data.transforms.augmenter_values import NotNative, Sampler, sampler
from ppocr.data.transforms.augmenters_geometric import BORDERS, chosen
from ppocr.data.transforms.geometry import Warp


class CropAndPad:
    """Add to the sides of an image, or cut from them where an amount is negative.

    Args:
        px: pixels for all sides: a number, a range, or four of those for top, right, bottom, left.
        percent: the same as shares of the sides; up to a tenth when neither is given.
        pad_mode: what is added: "constant", "edge", "symmetric", "reflect" or "wrap".
        pad_cval: grey level of what is added, or a range.
        keep_size: scale the result back to the size of the image.
        sample_independently: sample a number for every side, not one for all.
    """

    default: tuple[float, float] = (-0.1, 0.1)
    low = -np.inf  # least amount that may be asked for
    sign = 1

    def __init__(
        self,
        px: Any = None,
        percent: Any = None,
        pad_mode: Any = "constant",
        pad_cval: Any = 0,
        keep_size: Any = True,
        sample_independently: Any = True,
    ) -> None:
        if px is not None and percent is not None:
            raise NotNative("px and percent exclude each other")
        self._relative = px is None
        amount = (self.default if percent is None else percent) if self._relative else px
        self._one = bool(not sample_independently)
        if isinstance(amount, (list, tuple)) and len(amount) == 4:
            self._sides = [self._sampler(side) for side in amount]
            self._one = False
        else:
            self._sides = [self._sampler(amount)] * 4
        self._border, self._grey = chosen(pad_mode, BORDERS), sampler(pad_cval, discrete=True, low=0, high=255)
        self._keep_size = bool(keep_size)

    def _sampler(self, value: Any) -> Sampler:
        high = 1 - 1e-9 if self.sign < 0 and self._relative else np.inf
        return sampler(value, discrete=not self._relative, low=self.low, high=high)

    def sample_warp(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size, or None for none."""
        amounts = [self._sides[0](rng)] * 4 if self._one else [side(rng) for side in self._sides]
        lengths = (height, width, height, width)
        top, right, bottom, left = (
            self.sign * (round(a * length) if self._relative else int(a)) for a, length in zip(amounts, lengths)
        )
        top, bottom = _leave_one(top, bottom, height)
        left, right = _leave_one(left, right, width)
        return _framed((height, width), (top, right, bottom, left), int(self._grey(rng)), self._border, self._keep_size)


class Crop(CropAndPad):
    """Cut from the sides of an image.

    Args:
        px: as for `CropAndPad`.
        percent: as for `CropAndPad`.
        keep_size: as for `CropAndPad`.
        sample_independently: as for `CropAndPad`.
    """

    default = (0.0, 0.1)
    low = 0.0
    sign = -1

    def __init__(
        self, px: Any = None, percent: Any = None, keep_size: Any = True, sample_independently: Any = True
    ) -> None:
        super().__init__(px, percent, keep_size=keep_size, sample_independently=sample_independently)


class Pad(CropAndPad):
    """Add to the sides of an image; arguments as for `CropAndPad`."""

    default = (0.0, 0.1)
    low = 0.0


def _framed(
    size: tuple[int, int],
    sides: tuple[int, int, int, int],
    fill: int = 0,
    border: int = cv2.BORDER_CONSTANT,
    keep_size: bool = False,
) -> Warp | None:
    """Return the change that adds to top, right, bottom and left of an image, or cuts; None when nothing is changed."""
    if not any(sides):
        return None
    top, right, bottom, left = sides
    height, width = size[0] + top + bottom, size[1] + left + right
    matrix = np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])
    if keep_size:
        matrix = np.diag([size[1] / width, size[0] / height, 1.0]) @ matrix
        height, width = size
    added = max(sides) > 0
    border = border if added else cv2.BORDER_CONSTANT
    return Warp(matrix, height, width, fill=fill, border=border, clips=min(sides) < 0, reveals=added)


def _leave_one(first: int, last: int, length: int) -> tuple[int, int]:
    """Return two cuts made smaller, by half each, where they would leave nothing of a side."""
    cuts = [max(0, -first), max(0, -last)]
    missing = sum(cuts) - length + 1
    if missing <= 0:
        return first, last
    cuts = [cuts[0] - -(-missing // 2), cuts[1] - missing // 2]
    for one, other in ((0, 1), (1, 0)):
        if cuts[one] < 0:
            cuts[other] += cuts[one]
            cuts[one] = 0
    return (-cuts[0] if first < 0 else first), (-cuts[1] if last < 0 else last)
