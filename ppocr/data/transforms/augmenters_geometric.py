"""imgaug's affine augmenters, as matrices: parameters mean what they mean there.

Source: the documentation and behaviour of imgaug (https://imgaug.readthedocs.io).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ppocr.data.transforms.augmenter_values import NotNative, Sampler, chance, number, sampler, whole
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


def grey_level(value: Any) -> int:
    """Return a YAML value that is a grey level; raises NotNative when it is none."""
    if not whole(value) or not 0 <= value <= 255:
        raise NotNative(f"{value!r} is not one grey level")
    return value


def chosen(value: Any, known: dict[Any, int]) -> int:
    """Return what a YAML value stands for; raises NotNative when it is unknown."""
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

    def sample_warp(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
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

    def sample_warp(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
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
        fit_output: let the canvas grow or shrink so that nothing is cut off and nothing is empty all along a side.
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
        fit_output: Any = False,
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
        self._rotate = sampler(rotate or 0)
        self._shear = (sampler(shear), sampler(0)) if number(shear) else _both_axes(shear or 0)
        self._interpolation = chosen(order, ORDERS)
        self._fill, self._border = grey_level(cval), chosen(mode, BORDERS)
        self._fit_output = bool(fit_output)

    def sample_warp(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
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
        if self._fit_output:  # around the centres of the corner pixels
            corners = np.array([[0.5, 0.5], [width - 0.5, 0.5], [0.5, height - 0.5], [width - 0.5, height - 0.5]])
            corners = corners @ turned.T + matrix[:2, 2]
            low = corners.min(axis=0)
            matrix[:2, 2] += 0.5 - low
            width, height = np.ceil(corners.max(axis=0) - low + 1 - 1e-4).astype(int).tolist()
        return Warp(matrix, height, width, self._interpolation, self._fill, self._border, clips=not self._fit_output)


class Resize:
    """Scale an image.

    Args:
        size: a factor, or a length in pixels if it is a whole number; a range of either; or a mapping of such to
            "height" and "width", or to "shorter-side" and "longer-side", where "keep" leaves a side as it is and
            "keep-aspect-ratio" scales it like the other.
        interpolation: "nearest", "linear", "area" or "cubic".
    """

    def __init__(self, size: Any, interpolation: Any = "cubic") -> None:
        self._interpolation = chosen(interpolation, INTERPOLATIONS)
        self._by_length = False
        if not isinstance(size, dict):
            self._sides: list[_Side] = [_Side(size)]
            return
        names = ("height", "width") if set(size) <= {"height", "width"} else ("shorter-side", "longer-side")
        if not size or set(size) - set(names) or all(v == "keep-aspect-ratio" for v in size.values()):
            raise NotNative(f"{size!r}")
        self._by_length = names[0] == "shorter-side"
        self._sides = [_Side(size.get(name, "keep")) for name in names]

    def sample_warp(self, rng: np.random.Generator, height: int, width: int) -> Warp | None:
        """Return the change of an image of that size."""
        sides, lengths = self._sides * 2, (height, width)
        values = [side.sample(rng) for side in self._sides] * 2
        if self._by_length and height >= width:  # imgaug takes a square as a tall image
            sides, values = sides[1::-1], values[1::-1]
        sizes = [side.length(value, length) for side, value, length in zip(sides, values, lengths)]
        new_height = sizes[0] or max(1, round((sizes[1] or width) * height / width))
        new_width = sizes[1] or max(1, round(new_height * width / height))
        matrix = np.diag([new_width / width, new_height / height, 1.0])
        return Warp(matrix, new_height, new_width, self._interpolation, clips=False, reveals=False)


class _Side:
    """How long a side becomes.

    Args:
        value: a factor, whole pixels, a range of either, "keep" or "keep-aspect-ratio".
    """

    def __init__(self, value: Any) -> None:
        self._follows = value == "keep-aspect-ratio"
        if self._follows or value == "keep":
            value = 1.0
        ends = [value] if number(value) else value
        if not isinstance(ends, (list, tuple)):
            raise NotNative(f"{value!r}")
        self._relative = not all(map(whole, ends))
        self.sample: Sampler = sampler(value, discrete=not self._relative, low=1e-9)

    def length(self, value: float, length: int) -> int | None:
        """Return the new length for what was sampled; None where it follows the other side."""
        if self._follows:
            return None
        return max(1, round(length * value)) if self._relative else int(value)


def _both_axes(value: Any, **bounds: Any) -> Sequence[Sampler]:
    """Return what samples one number for both axes, or one for each of {"x": ..., "y": ...}."""
    if not isinstance(value, dict):
        return (sampler(value, **bounds),)
    if not value or set(value) - {"x", "y"}:
        raise NotNative(f"{value!r} may have x and y")
    neutral = 1 if "low" in bounds else 0  # of a factor, of anything else
    return tuple(sampler(value.get(axis, neutral), **bounds) for axis in ("x", "y"))


def _pair(samplers: Sequence[Sampler], rng: np.random.Generator) -> tuple[float, float]:
    first = samplers[0](rng)
    return first, first if len(samplers) == 1 else samplers[1](rng)
