"""Text of another image, turned at random and pasted where this one has none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ppocr.config.ranges import Probability
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.data.transforms.geometry import Patch, PendingImage
from ppocr.registry import TRANSFORMS

MOST_PASTED = 30
TRIES = 50  # places tried for each text
LEAST_SHARE = 0.2  # of its rectangle that a quadrilateral fills; less is not rectified

Matrix = tuple[tuple[float, float], tuple[float, float]]


@TRANSFORMS.register()
class CopyPaste(Transform):
    """Paste some legible texts of another sample, each turned by a random angle, and label them.

    Quadrilaterals are rectified, other polygons keep their shape.

    Args:
        objects_paste_ratio: share of the other sample's text instances that are pasted: at least one, at most 30.
        limit_paste: paste only where the upright rectangle around the text meets no other text's.
    """

    needs = ("image", "polys", "texts", "ignore_tags")
    provides = ("image", "polys", "texts", "ignore_tags")
    per_sample = ("polys", "texts", "ignore_tags")
    random = True
    training_only = True
    extra_samples = 1
    takes_pending = True

    def __init__(self, objects_paste_ratio: Probability = 0.2, limit_paste: bool = True) -> None:
        self.objects_paste_ratio = objects_paste_ratio
        self.limit_paste = limit_paste
        self._leave_pending = False

    def compiled(self, context: Context) -> Transform:
        """Return the variant that leaves the pasting to a step that makes other pixels anyway."""
        return self.with_changes(_leave_pending=context.next_takes_pending)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Paste into `image` (uint8 [H, W, 3], or pending); extend the labels.

        The first of `ext_data`, other samples, is used up; without any nothing changes.
        """
        assert rng is not None
        image = PendingImage.of(sample["image"])
        for other in itertools.islice(sample.pop("ext_data", ()), 1):
            patches, texts = self._patches(other, sample["polys"], (image.height, image.width), rng)
            if patches:
                image.paste(patches)
                sample["polys"] = _joined(sample["polys"], [patch.polygon for patch in patches])
                sample["texts"] = [*sample["texts"], *texts]
                sample["ignore_tags"] = np.concatenate([sample["ignore_tags"], np.zeros(len(patches), bool)])
        sample["image"] = image if self._leave_pending else image.render()
        return sample

    def _patches(
        self, other: Sample, polys: np.ndarray, shape: tuple[int, int], rng: np.random.Generator
    ) -> tuple[list[Patch], list[str]]:
        """Return some texts of another sample, each at its place among polygons [N, P, 2] of an image of some shape."""
        legible = np.flatnonzero(~np.asarray(other["ignore_tags"], bool))
        count = max(1, min(int(self.objects_paste_ratio * len(other["polys"])), MOST_PASTED))
        pieces: list[tuple[Piece, int, int]] = []
        chosen = rng.permutation(legible)[:count].tolist()
        draws = rng.random((len(chosen), 1 + 2 * TRIES))
        for row, number in enumerate(chosen):
            piece = cut(other["polys"][number], int(draws[row, 0] * 360))
            if piece is not None and piece.width <= shape[1] and piece.height <= shape[0]:
                pieces.append((piece, number, row))
        if not pieces:
            return [], []
        sizes = np.array([(piece.width, piece.height) for piece, _, _ in pieces])
        tries = draws[[row for _, _, row in pieces], 1:].reshape(-1, TRIES, 2)
        places = (tries * (shape[::-1] - sizes + 1)[:, None]).astype(np.int64)
        placed = places[:, 0].tolist() if not self.limit_paste else clear_places(places, sizes, polys)
        found = [(piece.at(at, other["image"]), other["texts"][n]) for (piece, n, _), at in zip(pieces, placed) if at]
        return [patch for patch, _ in found], [text for _, text in found]


def clear_places(places: np.ndarray, sizes: np.ndarray, polys: np.ndarray) -> list[Sequence[int] | None]:
    """Return for rectangles in turn the first place where one meets nothing, as x, y; None where there is none.

    Args:
        places: int64 [M, TRIES, 2], x, y of the upper left corners that are tried.
        sizes: int64 [M, 2], width and height of each.
        polys: float32 [N, P, 2], whose upright rectangles count, like those placed before.
    """
    (x0, y0), (x1, y1) = polys.min(axis=1).T, polys.max(axis=1).T
    left, top = places.astype(np.float32).transpose(2, 0, 1)[..., None]  # whole numbers below 2 ** 24 stay exact
    width, height = sizes.astype(np.float32).T[..., None, None]
    meets = (left <= x1) & (x0 <= left + width) & (top <= y1) & (y0 <= top + height)  # [M, TRIES, N]
    found: list[Sequence[int] | None] = []
    taken: list[tuple[int, int, int, int]] = []
    for tries, clear, (wide, tall) in zip(places, ~meets.any(axis=2), sizes.tolist()):
        found.append(None)
        for x, y in tries[clear].tolist():
            box = x, y, x + wide, y + tall
            if not any(x <= c and a <= box[2] and y <= d and b <= box[3] for a, b, c, d in taken):
                found[-1] = x, y
                taken.append(box)
                break
    return found


class Piece(NamedTuple):
    """A text on its way.

    Attributes:
        matrix: (a, b, c, d, e, f) of x, y -> ax + by + c, dx + ey + f from coordinates of its image to its own.
        polygon: corners in the piece.
        width: of the piece.
        height: of the piece.
    """

    matrix: tuple[float, ...]
    polygon: list[tuple[float, float]]
    width: int
    height: int

    def at(self, place: Sequence[int], pixels: np.ndarray) -> Patch:
        """Return it with its upper left corner at some x, y of another image than `pixels`, its own."""
        a, b, c, d, e, f = self.matrix
        x, y = place
        matrix = np.array([[a, b, c + x], [d, e, f + y], [0.0, 0.0, 1.0]])
        return Patch(pixels, matrix, np.array(self.polygon, np.float32) + np.array(place, np.float32))


def cut(polygon: np.ndarray, angle: int) -> Piece | None:
    """Return how a text becomes a piece turned by an angle; None where it has no area.

    Args:
        polygon: float32 [P, 2], the last point maybe repeated.
        angle: degrees, counter-clockwise.
    """
    points = polygon.tolist()
    while len(points) > 1 and points[-1] == points[-2]:
        points.pop()
    matrix = _rectified(points)
    if matrix is None:
        return None
    (a, b), (c, d) = matrix
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    a, b, c, d = cosine * a + sine * c, cosine * b + sine * d, cosine * c - sine * a, cosine * d - sine * b
    turned = [(a * x + b * y, c * x + d * y) for x, y in points]
    left, top = (min(values) for values in zip(*turned))
    moved = [(x - left, y - top) for x, y in turned]
    width, height = (max(1, math.ceil(max(values) - 1e-3)) for values in zip(*moved))
    return Piece((a, b, -left, c, d, -top), moved, width, height)


def _rectified(points: list[list[float]]) -> Matrix | None:
    """Return the matrix that makes a quadrilateral a rectangle, as far as an affine one can.

    Its sides become the longer ones of each pair. Other polygons are left as they are; None where there is no area.
    """
    if len(points) != 4:
        return ((1.0, 0.0), (0.0, 1.0)) if len(points) > 2 else None
    a, b, c, d = points
    width = max(math.dist(a, b), math.dist(d, c))
    height = max(math.dist(a, d), math.dist(b, c))
    across = (b[0] - a[0] + c[0] - d[0]) / 2, (b[1] - a[1] + c[1] - d[1]) / 2
    down = (d[0] - a[0] + c[0] - b[0]) / 2, (d[1] - a[1] + c[1] - b[1]) / 2
    area = across[0] * down[1] - across[1] * down[0]
    if min(width, height) < 1 or abs(area) < LEAST_SHARE * width * height:
        return None
    height = math.copysign(height, area)  # a polygon in the other direction is not mirrored
    return (
        (width * down[1] / area, -width * down[0] / area),
        (-height * across[1] / area, height * across[0] / area),
    )


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
