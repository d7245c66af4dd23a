"""Geometry that is collected first and applied to the pixels once.

Flips, rotations, scalings and crops are affine. A `PendingImage` composes them without touching a pixel, so that
one warp takes the decoded image, or one decoded at a fraction of its size, straight to the size that is wanted.

Coordinates are continuous: pixel i covers [i, i + 1), so that a flip is x -> width - x and a resize x -> x * factor.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Union

import cv2
import numpy as np

from ppocr.errors import SampleError

_LOCAL_BORDERS = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE)  # that need no pixels from the other side of the image
REDUCTIONS = (8, 4, 2)  # at which a JPEG decoder can leave out the finer frequencies
_IDENTITY = np.eye(3)
LARGEST_SCALE = 1.02  # a reduced image is enlarged by no more: 1, and what rounding sizes to whole pixels adds
Decode = Callable[[int], np.ndarray]
DecodedOrPending = Union[np.ndarray, "PendingImage"]


@dataclass(frozen=True)
class Warp:
    """One affine change of an image.

    Args:
        matrix: float64 [3, 3], from coordinates before to coordinates after.
        height: of the result.
        width: of the result.
        interpolation: OpenCV's flag, used where the change is applied on its own.
        fill: grey level of what lies outside the image before.
        border: OpenCV's border mode for what lies outside; anything but a constant is applied on its own.
        clips: content may leave the canvas.
        reveals: the result may show what lies outside the canvas before.
    """

    matrix: np.ndarray
    height: int
    width: int
    interpolation: int = cv2.INTER_LINEAR
    fill: int = 0
    border: int = cv2.BORDER_CONSTANT
    clips: bool = True
    reveals: bool = True


@dataclass(frozen=True)
class Patch:
    """A part of another image that covers a part of this one.

    Args:
        pixels: uint8 [H, W, 3], the other image.
        matrix: float64 [3, 3], from coordinates of the other image to those of this one.
        polygon: float32 [P, 2], what is covered, in coordinates of this image.
    """

    pixels: np.ndarray
    matrix: np.ndarray
    polygon: np.ndarray


class PendingImage:
    """An image, the patches on it, and the affine changes it is still waiting for.

    Args:
        decode: gives the pixels, uint8 [H, W] or [H, W, 3], with both sides divided by a number of `REDUCTIONS` or 1.
        height: of the image as stored.
        width: of the image as stored.
        reducible: whether `decode` can give less than all pixels.
    """

    def __init__(self, decode: Decode, height: int, width: int, *, reducible: bool = False) -> None:
        self._decode = decode
        self._stored = (height, width)
        self._reducible = reducible
        self.height, self.width = height, width
        self.matrix = _IDENTITY
        self._patches: tuple[Patch, ...] = ()  # in coordinates of the image as stored
        self._fill: int | None = None  # None until something outside the image can show
        self._clipped = False

    @classmethod
    def of(cls, image: DecodedOrPending) -> PendingImage:
        """Return an image as a pending one; pixels are not copied."""
        if isinstance(image, PendingImage):
            return image
        return cls(lambda _: image, *image.shape[:2])

    def share(self) -> PendingImage:
        """Return another pending image of the same pixels, decoded once for both, and in full whichever is first."""
        self._decode, self._reducible = _once(self._decode), False
        return copy.copy(self)

    def paste(self, patches: Sequence[Patch]) -> None:
        """Cover parts of the image, of its present coordinates, once its pixels are made."""
        if self.matrix is not _IDENTITY:
            back = np.linalg.inv(self.matrix)
            patches = [Patch(p.pixels, back @ p.matrix, move_points(p.polygon, back)) for p in patches]
        self._patches = (*self._patches, *patches)

    def warp(self, change: Warp) -> None:
        """Add a change; pixels are made only where composing it would show content that an earlier one cut off.

        Raises:
            SampleError: "undecodable", when pixels have to be made.
        """
        mirrors = change.border != cv2.BORDER_CONSTANT  # what the image shows, patches included
        if change.reveals and (self._clipped or self._fill not in (None, change.fill)) or mirrors and self._patches:
            self._replace_pixels(self.render())
        self.matrix = change.matrix @ self.matrix
        self.height, self.width = change.height, change.width
        self._clipped |= change.clips
        self._fill = change.fill if change.reveals else self._fill
        if mirrors:
            self._replace_pixels(
                self._sample(self.matrix, (change.height, change.width), change.border, change.interpolation)
            )

    def warp_now(self, change: Warp) -> None:
        """Apply a change at once, by its own interpolation: the step-by-step way, for comparison."""
        self._replace_pixels(self.render())
        scaling = np.diag([change.width / self.width, change.height / self.height, 1.0])
        if np.allclose(change.matrix, scaling, atol=1e-9):
            size = change.width, change.height
            self._replace_pixels(cv2.resize(self._pixels(1), size, interpolation=change.interpolation))
            return
        self._fill = change.fill if change.reveals else None
        self._replace_pixels(
            self._sample(change.matrix, (change.height, change.width), change.border, change.interpolation)
        )

    @property
    def untouched(self) -> bool:
        """Whether no change is waiting."""
        return (self.height, self.width) == self._stored and bool(np.array_equal(self.matrix, np.eye(3)))

    def render(self) -> np.ndarray:
        """Return the pixels, uint8 [height, width] or [height, width, 3]; raises SampleError when undecodable."""
        if self.untouched:
            return draw_patches(self._pixels(1).copy(), self._patches) if self._patches else self._pixels(1)
        return self._sample(self.matrix, (self.height, self.width), self._border, cv2.INTER_LINEAR)

    @property
    def _border(self) -> int:
        """OpenCV's border mode: what lies outside has a grey level of its own only once it can show."""
        return cv2.BORDER_REPLICATE if self._fill is None else cv2.BORDER_CONSTANT

    def render_window(
        self, window: tuple[float, float, float, float], size: tuple[int, int], canvas: tuple[int, int]
    ) -> np.ndarray:
        """Return a part of the image, scaled, in the upper left of a black canvas.

        Args:
            window: x, y, width, height of the part, in present coordinates.
            size: height, width of the part in the result.
            canvas: height, width of the result, at least `size`.

        Raises:
            SampleError: the image cannot be decoded.
        """
        x, y, width, height = window
        scale_x, scale_y = size[1] / width, size[0] / height
        crop = np.array([[scale_x, 0, -x * scale_x], [0, scale_y, -y * scale_y], [0, 0, 1]])
        return self._sample(crop @ self.matrix, size, self._border, cv2.INTER_LINEAR, canvas)

    def _sample(
        self,
        matrix: np.ndarray,
        size: tuple[int, int],
        border: int,
        interpolation: int,
        canvas: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Warp the stored pixels by a matrix into the upper left of a canvas."""
        reduction = self._reduction(matrix)
        source = self._pixels(reduction)
        # pixel centres lie at +0.5; a pixel of the reduced image covers `reduction` of the stored ones
        inward = np.array([[reduction, 0, 0.5 * reduction], [0, reduction, 0.5 * reduction], [0, 0, 1]])
        indices = matrix @ inward
        indices[:2, 2] -= 0.5
        result = np.empty((*(canvas or size), *source.shape[2:]), np.uint8)
        shown = result[: size[0], : size[1]]
        result[size[0] :] = result[: size[0], size[1] :] = 0
        warp_affine(source, indices[:2], shown, interpolation, border, self._fill or 0)
        draw_patches(shown, self._patches, matrix)
        return result

    def _reduction(self, matrix: np.ndarray) -> int:
        """Return by how much the image may be decoded smaller without the result being enlarged from it."""
        if not self._reducible:
            return 1
        (a, b), (c, d) = matrix[:2, :2].tolist()
        squares, area = a * a + b * b + c * c + d * d, a * d - b * c
        largest = math.sqrt((squares + math.sqrt(max(0.0, squares * squares - 4 * area * area))) / 2)  # singular value
        return next((r for r in REDUCTIONS if largest * r <= LARGEST_SCALE), 1)

    def _pixels(self, reduction: int) -> np.ndarray:
        pixels = self._decode(reduction)
        height, width = self._stored
        expected = (-(-height // reduction), -(-width // reduction))
        if pixels.shape[:2] != expected:
            raise SampleError("undecodable", f"the header says {width} x {height}, the pixels {pixels.shape[1::-1]}")
        return pixels

    def _replace_pixels(self, pixels: np.ndarray) -> None:
        self._decode = lambda _: pixels
        self._stored = self.height, self.width = pixels.shape[:2]
        self._reducible = self._clipped = False
        self._patches = ()
        self._fill = None
        self.matrix = _IDENTITY


def draw_patches(image: np.ndarray, patches: Sequence[Patch], matrix: np.ndarray = _IDENTITY) -> np.ndarray:
    """Draw what shows of patches into an image, and return it.

    Args:
        image: uint8 [H, W, 3], changed in place.
        patches: drawn one over the other.
        matrix: float64 [3, 3], from the coordinates they are given in to those of the image.
    """
    (a, b, c), (d, e, f) = matrix[:2].tolist()
    for patch in patches:  # a few numbers each: quicker without NumPy
        corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in patch.polygon.tolist()]
        left, top = (max(0, math.floor(min(values))) for values in zip(*corners))
        right, bottom = (max(0, math.ceil(max(values) - 1e-3)) for values in zip(*corners))
        target = image[top:bottom, left:right]
        if target.size:
            (p, q, r), (s, t, u) = (matrix @ patch.matrix)[:2].tolist()
            # the centre of pixel 0 is at 0.5
            indices = np.array([[p, q, r + (p + q) / 2 - 0.5 - left], [s, t, u + (s + t) / 2 - 0.5 - top]])
            drawn = np.empty_like(target)
            warp_affine(patch.pixels, indices, drawn, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, 0)
            mask = np.zeros(target.shape[:2], np.uint8)
            outline = [(round((x - left - 0.5) * 16), round((y - top - 0.5) * 16)) for x, y in corners]
            cv2.fillPoly(mask, [np.array(outline, np.int32)], 255, shift=4)
            cv2.copyTo(drawn, mask, target)
    return image


def _once(decode: Decode) -> Decode:
    """Return a function that decodes at its first call only, to pixels that may not be changed."""

    @functools.lru_cache(maxsize=1)
    def decoded(reduction: int) -> np.ndarray:
        pixels = decode(reduction)
        pixels.setflags(write=False)
        return pixels

    return decoded


def warp_affine(
    source: np.ndarray, matrix: np.ndarray, out: np.ndarray, interpolation: int, border: int, fill: int
) -> np.ndarray:
    """Write an image warped by a matrix [2, 3] of pixel indices, as `cv2.warpAffine` does, in less time.

    OpenCV warps four channels more than twice as fast as three (1.1 against 2.8 ms for 640 x 640), and only what
    the result shows is given a fourth.

    Args:
        source: uint8 [H, W] or [H, W, 3].
        matrix: float64 [2, 3], from source to result.
        out: uint8 [h, w] or [h, w, 3], the result.
        interpolation: OpenCV's flag.
        border: OpenCV's border mode.
        fill: grey level outside the source, for a constant border.

    Returns:
        `out`.
    """
    size, value = out.shape[1::-1], (fill,) * 4
    if source.ndim == 2 or interpolation != cv2.INTER_LINEAR or border not in _LOCAL_BORDERS:
        return cv2.warpAffine(source, matrix, size, out, interpolation, border, value)
    x0, y0, x1, y1 = _shown(matrix, size[::-1], source.shape[:2])
    if x0 >= x1 or y0 >= y1:
        out[...] = fill
        return out
    part = cv2.cvtColor(source[y0:y1, x0:x1], cv2.COLOR_BGR2BGRA)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (x0, y0)
    warped = cv2.warpAffine(part, moved, size, None, interpolation, border, value)
    return cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR, out)


def _shown(matrix: np.ndarray, size: tuple[int, int], source: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 of the part of the source that interpolating the result reads."""
    height, width = size
    back = cv2.invertAffineTransform(matrix).tolist()
    ends = []
    for (across, down, offset), most in zip(back, source[::-1]):
        corners = (offset, across * width + offset, down * height + offset, across * width + down * height + offset)
        ends.append((max(math.floor(min(corners)) - 2, 0), min(math.ceil(max(corners)) + 3, most)))
    (x0, x1), (y0, y1) = ends
    return x0, y0, x1, y1


def size_of(image: DecodedOrPending) -> tuple[int, int]:
    """Return (height, width) of pixels [H, W, ...] or of a pending image."""
    if isinstance(image, PendingImage):
        return image.height, image.width
    return image.shape[0], image.shape[1]


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return points [..., 2] moved by an affine matrix [3, 3], as float32."""
    moved = points @ matrix[:2, :2].T.astype(np.float32)
    moved += matrix[:2, 2].astype(np.float32)
    return moved.astype(np.float32, copy=False)
