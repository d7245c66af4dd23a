"""imgaug's affine augmenters, as matrices: parameters mean what they mean there.

Source: the documentation and behaviour of imgaug (https://imgaug.readthedocs.io).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ppocr.data.transforms.augmenter_values import Draw, NotNative, chance, drawn, number, whole
from ppocr.data.transforms.geometry import Warp

ORDERS = {0: cv2.INTER_NEAREST, 1: cv2.INTER_LINEAR, 3: cv2.INTER_CUBIC}
INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "cubic": cv2.INTER_CUBIC,
}
BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "symmetric": cv2.BORDER_REFLECT,
    "reflect": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
}


def _grey(value: Any) -> int:
    if not whole(value) or not 0 <= value <= 255:
        raise NotNative(f"{value!r} is not one grey level")
    return value


def _chosen(value: Any, known: dict[Any, int]) -> int:
    if isinstance(value, (list, dict, bool)) or value not in known:
        raise NotNative(f"{value!r} is not one of {', '.join(map(str, known))}")
    return known[value]


class Fliplr:
    """Mirror the image left to right with a probability.

    Args:
        p: the probability.
    """

    def __init__(self, p: Any = 1) -> None:
        self._chance = chance(p)

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size, or None for none."""
        if not self._chance(rng):
            return None
        matrix = np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]])
        return Warp(matrix, height, width, clips=False, reveals=False)


class Flipud(Fliplr):
    """Mirror the image top to bottom with a probability.

    Args:
        p: the probability.
    """

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size, or None for none."""
        if not self._chance(rng):
            return None
        matrix = np.array([[1.0, 0, 0], [0, -1, height], [0, 0, 1]])
        return Warp(matrix, height, width, clips=False, reveals=False)


class Affine:
    """Rotate, scale, shear, then shift an image around its centre, on a canvas of its size.

    Args:
        scale: factor, a range, or {"x": ..., "y": ...}.
        translate_percent: shift as a share of the sides.
        translate_px: shift in pixels.
        rotate: degrees, clockwise.
        shear: degrees, a number being along x, a range along both axes alike, or {"x": ..., "y": ...}.
        order: of the interpolation: 0, 1 or 3.
        cval: grey level of what appears.
        mode: what appears instead: "constant", "edge", "symmetric", "reflect" or "wrap".
    """

    def __init__(
        self,
        scale: Any = None,
        translate_percent: Any = None,
        translate_px: Any = None,
        rotate: Any = None,
        shear: Any = None,
        order: Any = 1,
        cval: Any = 0,
        mode: Any = "constant",
    ) -> None:
        given = [v for v in (scale, translate_percent, translate_px, rotate, shear) if v is not None]
        if translate_percent is not None and translate_px is not None:
            raise NotNative("translate_percent and translate_px exclude each other")
        default: Any = {"x": [0.9, 1.1], "y": [0.9, 1.1]} if not given else 1.0
        self._scale = _both_axes(default if scale is None else scale, low=1e-4)
        self._relative = translate_px is None
        if not given:
            translate_percent, rotate, shear = (
                {"x": [-0.1, 0.1], "y": [-0.1, 0.1]},
                [-15, 15],
                {
                    "x": [-10, 10],
                    "y": [-10, 10],
                },
            )
        shift = (translate_percent if self._relative else translate_px) or 0
        self._shift = _both_axes(shift, discrete=not self._relative)
        self._rotate = drawn(rotate or 0)
        self._shear = (drawn(shear), drawn(0)) if number(shear) else _both_axes(shear or 0)
        self._interpolation = _chosen(order, ORDERS)
        self._fill, self._border = _grey(cval), _chosen(mode, BORDERS)

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size."""
        scale_x, scale_y = _pair(self._scale, rng)
        shift_x, shift_y = _pair(self._shift, rng)
        if self._relative:
            shift_x, shift_y = shift_x * width, shift_y * height
        angle = math.radians(self._rotate(rng))
        shear_x, shear_y = (math.tanh(math.radians(degrees)) for degrees in _pair(self._shear, rng))
        c, s = math.cos(angle), math.sin(angle)
        turned = np.array([[1, -shear_x], [shear_y, 1]]) @ np.diag([scale_x, scale_y]) @ np.array([[c, -s], [s, c]])
        centre = np.array([width / 2, height / 2])
        matrix = np.eye(3)
        matrix[:2, :2] = turned
        matrix[:2, 2] = centre + (shift_x, shift_y) - turned @ centre
        return Warp(matrix, height, width, self._interpolation, self._fill, self._border)


class Rotate(Affine):
    """Rotate an image around its centre, on a canvas of its size.

    Args:
        rotate: degrees, clockwise.
        order: as for `Affine`.
        cval: as for `Affine`.
        mode: as for `Affine`.
    """

    def __init__(self, rotate: Any = (-30, 30), order: Any = 1, cval: Any = 0, mode: Any = "constant") -> None:
        super().__init__(rotate=rotate, order=order, cval=cval, mode=mode)


class Resize:
    """Scale an image.

    Args:
        size: a factor, or a length in pixels if it is a whole number; a range of either; or
            {"height": ..., "width": ...}, where "keep" leaves a side as it is.
        interpolation: "nearest", "linear", "area" or "cubic".
    """

    def __init__(self, size: Any, interpolation: Any = "cubic") -> None:
        self._interpolation = _chosen(interpolation, INTERPOLATIONS)
        if isinstance(size, dict):
            if not size or set(size) - {"height", "width"}:
                raise NotNative(f"{size!r}")
            self._sides = tuple(_side(size.get(name, "keep")) for name in ("height", "width"))
            self._together = False
        else:
            self._sides = (_side(size),) * 2
            self._together = True

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size."""
        drawn_sides = [None if side is None else side[0](rng) for side in self._sides[: 1 if self._together else 2]]
        sizes = []
        for length, value, side in zip((height, width), drawn_sides * 2, self._sides):
            sizes.append(length if side is None or value is None else _length(value, side[1], length))
        matrix = np.diag([sizes[1] / width, sizes[0] / height, 1.0])
        return Warp(matrix, sizes[0], sizes[1], self._interpolation, clips=False, reveals=False)


def _side(value: Any) -> tuple[Draw, bool] | None:
    """Return what draws a side and whether it is a factor; None for "keep"."""
    if value == "keep":
        return None
    ends = [value] if number(value) else value
    if not isinstance(ends, (list, tuple)):
        raise NotNative(f"{value!r}")
    relative = not all(map(whole, ends))
    return drawn(value, discrete=not relative, low=1e-9), relative


def _length(value: float, relative: bool, length: int) -> int:
    return max(1, round(length * value)) if relative else int(value)


class CropAndPad:
    """Add to the sides of an image, or cut from them where an amount is negative.

    Args:
        px: pixels for all sides: a number, a range, or four of those for top, right, bottom, left.
        percent: the same as shares of the sides.
        pad_mode: "constant" only; imgaug knows others.
        pad_cval: grey level of what is added.
        keep_size: scale the result back to the size of the image.
        sample_independently: draw a number for every side, not one for all.
    """

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
        if (px is None) == (percent is None) or pad_mode != "constant" or not isinstance(keep_size, bool):
            raise NotNative("px or percent, and only one of them; pad_mode constant")
        self._relative = px is None
        amount = percent if self._relative else px
        self._one = bool(not sample_independently)
        if isinstance(amount, (list, tuple)) and len(amount) == 4:
            self._sides = [self._drawn(side) for side in amount]
            self._one = False
        else:
            self._sides = [self._drawn(amount)] * 4
        self._fill, self._keep_size = _grey(pad_cval), keep_size

    def _drawn(self, value: Any) -> Draw:
        if self.sign < 0 or type(self) is Pad:
            return drawn(value, discrete=not self._relative, low=0)
        return drawn(value, discrete=not self._relative)

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size."""
        amounts = [self._sides[0](rng)] * 4 if self._one else [side(rng) for side in self._sides]
        lengths = (height, width, height, width)
        top, right, bottom, left = (
            self.sign * (round(a * length) if self._relative else int(a)) for a, length in zip(amounts, lengths)
        )
        top, bottom = _leave_one(top, bottom, height)
        left, right = _leave_one(left, right, width)
        new_height, new_width = height + top + bottom, width + left + right
        if (new_height, new_width, top, left) == (height, width, 0, 0):
            return None
        matrix = np.array([[1.0, 0, left], [0, 1, top], [0, 0, 1]])
        cut, added = min(top, right, bottom, left) < 0, max(top, right, bottom, left) > 0
        if self._keep_size:
            matrix = np.diag([width / new_width, height / new_height, 1.0]) @ matrix
            new_height, new_width = height, width
        return Warp(matrix, new_height, new_width, fill=self._fill, clips=cut, reveals=added)


def _leave_one(first: int, last: int, length: int) -> tuple[int, int]:
    """Return two cuts made smaller where they would leave nothing of a side."""
    missing = 1 - (length + first + last)
    if missing <= 0:
        return first, last
    first_part = min(missing, -first) if first < 0 else 0
    return first + first_part, last + missing - first_part


class Crop(CropAndPad):
    """Cut from the sides of an image.

    Args:
        px: as for `CropAndPad`.
        percent: as for `CropAndPad`.
        keep_size: as for `CropAndPad`.
        sample_independently: as for `CropAndPad`.
    """

    sign = -1

    def __init__(
        self, px: Any = None, percent: Any = None, keep_size: Any = True, sample_independently: Any = True
    ) -> None:
        super().__init__(px, percent, keep_size=keep_size, sample_independently=sample_independently)


class Pad(CropAndPad):
    """Add to the sides of an image; arguments as for `CropAndPad`."""


def _both_axes(value: Any, **bounds: Any) -> Sequence[Draw]:
    """Return what draws one number for both axes, or one for each of {"x": ..., "y": ...}."""
    if not isinstance(value, dict):
        return (drawn(value, **bounds),)
    if not value or set(value) - {"x", "y"}:
        raise NotNative(f"{value!r} may have x and y")
    neutral = 1 if "low" in bounds else 0  # of a factor, of anything else
    return tuple(drawn(value.get(axis, neutral), **bounds) for axis in ("x", "y"))


def _pair(draws: Sequence[Draw], rng: np.random.Generator) -> tuple[float, float]:
    first = draws[0](rng)
    return first, first if len(draws) == 1 else draws[1](rng)
