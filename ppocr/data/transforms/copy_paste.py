"""Text of another image, turned at random and pasted where this one has none."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from ppocr.config.ranges import Probability
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.geometry import warp_affine
from ppocr.registry import TRANSFORMS

MOST_PASTED = 30
TRIES = 50  # places tried for each text
LEAST_SHARE = 0.2  # of its rectangle that a quadrilateral fills; less is not to be rectified


@TRANSFORMS.register()
class CopyPaste(Transform):
    """Paste some legible texts of another sample, each turned by a random angle, and label them.

    Quadrilaterals are rectified, other polygons keep their shape.

    Args:
        objects_paste_ratio: share of the other sample's text instances that are pasted: at least one, at most 30.
        limit_paste: paste only where the upright rectangle around the text meets no other's.
    """

    needs = ("image", "polys", "texts", "ignore_tags")
    provides = ("image", "polys", "texts", "ignore_tags")
    per_sample = ("polys", "texts", "ignore_tags")
    random = True
    training_only = True
    extra_samples = 1

    def __init__(self, objects_paste_ratio: Probability = 0.2, limit_paste: bool = True) -> None:
        self.objects_paste_ratio = objects_paste_ratio
        self.limit_paste = limit_paste

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Paste into `image` (uint8 [H, W, 3], changed in place where it may be); extend the labels.

        The first of `ext_data`, other samples, is used up; without any nothing changes.
        """
        assert rng is not None
        other = next(iter(sample.pop("ext_data", ())), None)
        if other is None:
            return sample
        image = sample["image"] if sample["image"].flags.writeable else sample["image"].copy()
        legible = np.flatnonzero(~np.asarray(other["ignore_tags"], bool))
        count = max(1, min(int(self.objects_paste_ratio * len(other["polys"])), MOST_PASTED))
        chosen = rng.permutation(legible)[:count]
        draws = rng.random((len(chosen), 1 + 2 * TRIES))
        low, high = _rectangles(sample["polys"], len(chosen))
        pasted: list[np.ndarray] = []
        texts: list[str] = []
        for number, draw in zip(chosen.tolist(), draws):
            piece = cut(other["polys"][number], int(draw[0] * 360))
            taken = len(sample["polys"]) + len(pasted)
            place = None if piece is None else self._place(piece, image.shape, low[:taken], high[:taken], draw[1:])
            if piece is not None and place is not None:
                pasted.append(paste(other["image"], image, piece, place))
                texts.append(other["texts"][number])
                low[taken], high[taken] = place, (place[0] + piece.width, place[1] + piece.height)
        if pasted:
            sample["image"] = image
            sample["polys"] = _joined(sample["polys"], pasted)
            sample["texts"] = [*sample["texts"], *texts]
            sample["ignore_tags"] = np.concatenate([sample["ignore_tags"], np.zeros(len(pasted), bool)])
        return sample

    def _place(
        self, piece: Piece, shape: tuple[int, ...], low: np.ndarray, high: np.ndarray, draws: np.ndarray
    ) -> tuple[int, int] | None:
        """Return x, y of a place for a piece that meets no rectangle [N, 2] to [N, 2]; None where none was found."""
        free = shape[1] - piece.width, shape[0] - piece.height
        if min(free) < 0:
            return None
        size = np.array((piece.width, piece.height), np.float32)
        places = (draws.reshape(-1, 2) * (free[0] + 1, free[1] + 1)).astype(np.int64)
        if not self.limit_paste:
            return int(places[0, 0]), int(places[0, 1])
        for some in (places[:4, None], places[4:, None]):  # one of the first will mostly do
            meets = np.all((low <= some + size) & (high >= some), axis=2)
            clear = ~np.any(meets, axis=1)
            if clear.any():
                x, y = some[clear.argmax(), 0].tolist()
                return x, y
        return None


class Piece(NamedTuple):
    """A text on its way.

    Attributes:
        matrix: float64 [2, 3], from coordinates of its image to those of the piece.
        polygon: float32 [P, 2], in the piece.
        width: of the piece.
        height: of the piece.
    """

    matrix: np.ndarray
    polygon: np.ndarray
    width: int
    height: int


def cut(polygon: np.ndarray, angle: int) -> Piece | None:
    """Return how a text instance becomes a piece turned by an angle; None where it has no area.

    Args:
        polygon: float32 [P, 2], the last point maybe repeated.
        angle: degrees, counter-clockwise.
    """
    points = polygon.tolist()
    while len(points) > 1 and points[-1] == points[-2]:
        points.pop()
    straight = _rectified(points)
    if straight is None:
        return None
    radians = math.radians(angle)
    c, s = math.cos(radians), math.sin(radians)
    turn = np.array([[c, s], [-s, c]]) @ straight
    turned = np.array(points) @ turn.T
    low = turned.min(axis=0)
    turned -= low
    width, height = (max(1, math.ceil(side - 1e-3)) for side in turned.max(axis=0).tolist())
    return Piece(np.column_stack([turn, -low]), turned.astype(np.float32), width, height)


def paste(source: np.ndarray, target: np.ndarray, piece: Piece, place: tuple[int, int]) -> np.ndarray:
    """Draw a piece into an image and return its polygon there, float32 [P, 2].

    Args:
        source: uint8 [H, W, 3], the image the piece is of.
        target: uint8 [H, W, 3], changed in place.
        piece: as `cut` gives it.
        place: x, y of its upper left corner.
    """
    indices = piece.matrix.copy()
    indices[:, 2] += indices[:, :2].sum(axis=1) / 2 - 0.5  # the centre of pixel 0 is at 0.5
    size = (piece.height, piece.width)
    drawn = warp_affine(source, indices, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, 0)
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint((piece.polygon - 0.5) * 16).astype(np.int32)], 255, shift=4)
    x, y = place
    cv2.copyTo(drawn, mask, target[y : y + piece.height, x : x + piece.width])
    return piece.polygon + np.array(place, np.float32)


def _rectified(points: list[list[float]]) -> np.ndarray | None:
    """Return the matrix [2, 2] that makes a quadrilateral a rectangle, as far as an affine one can.

    Its sides become the longer ones of each pair. Other polygons are left as they are; None where there is no area.
    """
    if len(points) != 4:
        return np.eye(2) if len(points) > 2 else None
    a, b, c, d = points
    width = max(math.dist(a, b), math.dist(d, c))
    height = max(math.dist(a, d), math.dist(b, c))
    across = (b[0] - a[0] + c[0] - d[0]) / 2, (b[1] - a[1] + c[1] - d[1]) / 2
    down = (d[0] - a[0] + c[0] - b[0]) / 2, (d[1] - a[1] + c[1] - b[1]) / 2
    area = across[0] * down[1] - across[1] * down[0]
    if min(width, height) < 1 or abs(area) < LEAST_SHARE * width * height:
        return None
    height = math.copysign(height, area)  # a polygon in the other direction is not mirrored
    return np.array([[width * down[1], -width * down[0]], [-height * across[1], height * across[0]]]) / area


def _rectangles(polys: np.ndarray, more: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest x, y of polygons [N, P, 2], float32 [N + more, 2] each."""
    low, high = np.empty((2, len(polys) + more, 2), np.float32)
    if len(polys):
        np.min(polys, axis=1, out=low[: len(polys)])
        np.max(polys, axis=1, out=high[: len(polys)])
    return low, high


def _joined(polys: np.ndarray, more: list[np.ndarray]) -> np.ndarray:
    """Return polygons [N, P, 2] and others [P', 2] as one array; shorter ones repeat their last point."""
    longest = max(polys.shape[1], *(len(polygon) for polygon in more))
    joined = np.empty((len(polys) + len(more), longest, 2), np.float32)
    joined[: len(polys), : polys.shape[1]] = polys
    joined[: len(polys), polys.shape[1] :] = polys[:, -1:]
    for row, polygon in zip(joined[len(polys) :], more):
        row[: len(polygon)] = polygon
        row[len(polygon) :] = polygon[-1]
    return joined
