"""Text of another image, turned at random and pasted where this one has none."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from ppocr.data.transforms.base import Sample, Transform
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

MOST_PASTED = 30
TRIES = 50  # places tried for each text
_FLAT = 1.5  # pixels by which the corners of a quadrilateral may miss a parallelogram and still be moved as one


@TRANSFORMS.register()
class CopyPaste(Transform):
    """Paste some legible texts of another sample, each turned by a random angle, and label them.

    Quadrilaterals are straightened to rectangles, other polygons keep their shape.

    Args:
        objects_paste_ratio: share of the other sample's regions that are pasted: at least one, at most 30.
        limit_paste: paste only where the upright rectangle around the text meets no region's.
    """

    needs = ("image", "polys", "texts", "ignore_tags")
    provides = ("image", "polys", "texts", "ignore_tags")
    per_sample = ("polys", "texts", "ignore_tags")
    random = True
    extra_samples = 1

    def __init__(self, objects_paste_ratio: float = 0.2, limit_paste: bool = True) -> None:
        if not 0 <= objects_paste_ratio <= 1:
            raise ConfigError(f"CopyPaste.objects_paste_ratio: {objects_paste_ratio} is not a share between 0 and 1")
        self.objects_paste_ratio = objects_paste_ratio
        self.limit_paste = limit_paste

    def for_evaluation(self) -> None:
        """Leave augmentation out of evaluation."""
        return None

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Paste into `image` (uint8 [H, W, 3], changed in place where it may be); extend the labels.

        `ext_data`, a list of other samples, is used up; without any nothing changes.
        """
        assert rng is not None
        others = sample.pop("ext_data", ())
        if not others:
            return sample
        other = others[0]
        image = sample["image"] if sample["image"].flags.writeable else sample["image"].copy()
        legible = np.flatnonzero(~np.asarray(other["ignore_tags"], bool))
        count = max(1, min(int(self.objects_paste_ratio * len(other["polys"])), MOST_PASTED))
        occupied = _rectangles(sample["polys"])
        pasted, texts = [], []
        for number in rng.permutation(legible)[:count]:
            piece = cut(other["polys"][number], int(rng.integers(0, 360)))
            place = None if piece is None else self._place(piece, image.shape, occupied, rng)
            if piece is not None and place is not None:
                polygon = paste(other["image"], image, piece, place)
                occupied = np.concatenate([occupied, _rectangles(polygon[None])])
                pasted.append(polygon)
                texts.append(other["texts"][number])
        if pasted:
            sample["image"] = image
            sample["polys"] = _joined(sample["polys"], pasted)
            sample["texts"] = [*sample["texts"], *texts]
            sample["ignore_tags"] = np.concatenate([sample["ignore_tags"], np.zeros(len(pasted), bool)])
        return sample

    def _place(
        self, piece: Piece, shape: tuple[int, ...], occupied: np.ndarray, rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """Return x, y of a free place for a piece, or None where none was found."""
        free = shape[1] - piece.width, shape[0] - piece.height
        if min(free) < 0:
            return None
        places = rng.integers(0, np.array(free) + 1, (TRIES if self.limit_paste else 1, 2))
        if self.limit_paste:
            low = piece.polygon.min(axis=0) + places[:, None]
            high = piece.polygon.max(axis=0) + places[:, None]
            meets = ((occupied[:, 0] <= high) & (occupied[:, 1] >= low)).all(axis=2)  # [places, regions]
            places = places[~meets.any(axis=1)]
        return (int(places[0, 0]), int(places[0, 1])) if len(places) else None


class Piece(NamedTuple):
    """A text on its way.

    Attributes:
        matrix: float64 [3, 3], from coordinates of its image to those of the piece.
        polygon: float32 [P, 2], in the piece.
        width: of the piece.
        height: of the piece.
    """

    matrix: np.ndarray
    polygon: np.ndarray
    width: int
    height: int


def cut(polygon: np.ndarray, angle: int) -> Piece | None:
    """Return how a region becomes a piece turned by an angle; None where it has no area.

    Args:
        polygon: float32 [P, 2], the last point maybe repeated.
        angle: degrees, counter-clockwise.
    """
    points = _without_repeats(polygon)
    if len(points) < 3:
        return None
    if len(points) == 4:
        width = int(max(math.dist(points[0], points[1]), math.dist(points[2], points[3])))
        height = int(max(math.dist(points[0], points[3]), math.dist(points[1], points[2])))
        if min(width, height) < 1:
            return None
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        straight = _to_rectangle(points, corners)
        if straight is None:
            return None
    else:
        corners, straight = points, np.eye(3)
    radians = math.radians(angle)
    c, s = math.cos(radians), math.sin(radians)
    turned = corners @ np.array([[c, -s], [s, c]])
    low = turned.min(axis=0)
    width, height = np.ceil(turned.max(axis=0) - low - 1e-3).astype(int).tolist()
    if min(width, height) < 1:
        return None
    turn = np.array([[c, s, -low[0]], [-s, c, -low[1]], [0, 0, 1]])
    return Piece(turn @ straight, (turned - low).astype(np.float32), width, height)


def paste(source: np.ndarray, target: np.ndarray, piece: Piece, place: tuple[int, int]) -> np.ndarray:
    """Draw a piece into an image and return its polygon there, float32 [P, 2].

    Args:
        source: uint8 [H, W, 3], the image the piece is of.
        target: uint8 [H, W, 3], changed in place.
        piece: as `cut` gives it.
        place: x, y of its upper left corner.
    """
    size = (piece.width, piece.height)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # from pixel numbers to where their centres are
    matrix = np.linalg.inv(half) @ piece.matrix @ half
    if (np.abs(matrix[2, :2]) < 1e-12).all():
        drawn = cv2.warpAffine(source, matrix[:2] / matrix[2, 2], size, borderMode=cv2.BORDER_REPLICATE)
    else:
        drawn = cv2.warpPerspective(source, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((piece.height, piece.width), np.uint8)
    cv2.fillPoly(mask, [np.rint((piece.polygon - 0.5) * 16).astype(np.int32)], 255, shift=4)
    x, y = place
    cv2.copyTo(drawn, mask, target[y : y + piece.height, x : x + piece.width])
    return piece.polygon + np.array(place, np.float32)


def _to_rectangle(points: np.ndarray, corners: np.ndarray) -> np.ndarray | None:
    """Return the matrix [3, 3] from a quadrilateral to a rectangle, affine where that is good enough."""
    if np.abs(points[0] - points[1] + points[2] - points[3]).max() < _FLAT:
        matrix = np.vstack([cv2.getAffineTransform(points[:3], corners[:3]), [0, 0, 1]])
    else:
        matrix = cv2.getPerspectiveTransform(points, corners)
    usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-9
    return matrix if usable else None


def _without_repeats(polygon: np.ndarray) -> np.ndarray:
    """Return a polygon without the copies of its last point that fill it up."""
    count = len(polygon)
    while count > 1 and np.array_equal(polygon[count - 1], polygon[count - 2]):
        count -= 1
    return np.ascontiguousarray(polygon[:count], np.float32)


def _rectangles(polys: np.ndarray) -> np.ndarray:
    """Return the lowest and the highest x, y of polygons [N, P, 2], as [N, 2, 2]."""
    return np.stack([polys.min(axis=1), polys.max(axis=1)], axis=1) if len(polys) else np.zeros((0, 2, 2), np.float32)


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
