"""The maps a DB detector learns: shrunk regions, and the distance to their borders.

Source: Real-time Scene Text Detection with Differentiable Binarization (https://arxiv.org/abs/1911.08947).
"""

from __future__ import annotations

import cv2
import numpy as np
import pyclipper

from ppocr.data.transforms.base import Sample, Transform
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

_TINY = np.float32(1e-12)
_FAR = np.float32(1e6)  # makes what lies a thousandth of a square pixel outside a circle farther than any edge

EPOCH_SHARE = 0.2  # upstream: how much less regions are shrunk in the last epoch than in the first


class _Shrinking(Transform):
    """What both maps share: a shrink ratio that may follow the epoch."""

    needs = ("image", "polys", "ignore_tags")

    def __init__(self, shrink_ratio: float, total_epoch: int | None) -> None:
        if not 0 < shrink_ratio < 1:
            raise ConfigError(f"{type(self).__name__}.shrink_ratio: {shrink_ratio} is not between 0 and 1")
        if total_epoch is not None and total_epoch < 1:
            raise ConfigError(f"{type(self).__name__}.total_epoch: {total_epoch} is not a number of epochs")
        self.first_ratio = self.shrink_ratio = shrink_ratio
        self.total_epoch = total_epoch

    def set_epoch(self, epoch: int) -> None:
        """Shrink less as training goes on, where `total_epoch` says how long it is."""
        if self.total_epoch is not None:
            self.shrink_ratio = self.first_ratio + EPOCH_SHARE * epoch / self.total_epoch


@TRANSFORMS.register()
class MakeShrinkMap(_Shrinking):
    """Draw every region, shrunk, and mask those that are not to be learned.

    Args:
        min_text_size: regions with a side below this, in pixels, are masked.
        shrink_ratio: the smaller, the smaller regions become.
        total_epoch: epochs of the training: the ratio grows by 0.2 over them; None keeps it.
    """

    provides = ("shrink_map", "shrink_mask")

    def __init__(self, min_text_size: int = 8, shrink_ratio: float = 0.4, total_epoch: int | None = None) -> None:
        super().__init__(shrink_ratio, total_epoch)
        self.min_text_size = min_text_size

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Add `shrink_map` (1 inside shrunk regions) and `shrink_mask` (0 inside masked ones), float32 [H, W].

        Polygons are clipped to the image, and masked ones marked in `ignore_tags`.
        """
        height, width = sample["image"].shape[:2]
        shrunk, mask = np.zeros((height, width), np.float32), np.ones((height, width), np.float32)
        polys = np.clip(sample["polys"], 0, (width - 1, height - 1)).astype(np.float32, copy=False)
        ignored = np.array(sample["ignore_tags"], bool)
        if len(polys):
            sides = (polys.max(axis=1) - polys.min(axis=1)).min(axis=1)
            areas = _areas(polys)
            ignored |= (sides < self.min_text_size) | (areas < 1)
        for row in np.flatnonzero(~ignored):
            parts = self._shrink(polys[row], float(areas[row]))
            ignored[row] = not parts
            for part in parts:
                cv2.fillPoly(shrunk, [np.array(part, np.int32)], 1)
        for row in np.flatnonzero(ignored):
            cv2.fillPoly(mask, [polys[row].astype(np.int32)], 0)
        sample["polys"], sample["ignore_tags"] = polys, ignored
        sample["shrink_map"], sample["shrink_mask"] = shrunk, mask
        return sample

    def _shrink(self, polygon: np.ndarray, area: float) -> list[list[list[int]]]:
        """Return a polygon shrunk to one part, by a larger ratio where a smaller one leaves none or several."""
        length = cv2.arcLength(polygon, True)
        clipper = _clipper(polygon)
        parts: list[list[list[int]]] = []
        for ratio in (*np.arange(self.shrink_ratio, 1, self.shrink_ratio), 1.0):
            parts = clipper.Execute(-area * (1 - ratio**2) / length)
            if len(parts) == 1:
                break
        return parts


@TRANSFORMS.register()
class MakeBorderMap(_Shrinking):
    """Draw, around the border of every region, how close the border is.

    Args:
        shrink_ratio: how far the drawing reaches, as for `MakeShrinkMap`.
        thresh_min: value far from any border.
        thresh_max: value on a border.
        total_epoch: as for `MakeShrinkMap`.
    """

    provides = ("threshold_map", "threshold_mask")

    def __init__(
        self,
        shrink_ratio: float = 0.4,
        thresh_min: float = 0.3,
        thresh_max: float = 0.7,
        total_epoch: int | None = None,
    ) -> None:
        super().__init__(shrink_ratio, total_epoch)
        self.thresh_min, self.thresh_max = thresh_min, thresh_max

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Add `threshold_map` and `threshold_mask` (1 inside regions that were grown), float32 [H, W]."""
        height, width = sample["image"].shape[:2]
        canvas, mask = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        polys = np.asarray(sample["polys"], np.float32)
        outlines = Outlines(polys, height, width)
        for row in np.flatnonzero(~np.asarray(sample["ignore_tags"], bool)):
            self._draw(outlines, int(row), canvas, mask)
        canvas *= self.thresh_max - self.thresh_min
        canvas += self.thresh_min
        sample["threshold_map"], sample["threshold_mask"] = canvas, mask
        return sample

    def _draw(self, outlines: Outlines, row: int, canvas: np.ndarray, mask: np.ndarray) -> None:
        polygon = outlines.polys[row]
        area = abs(cv2.contourArea(polygon))
        if area <= 0:
            return
        reach = area * (1 - self.shrink_ratio**2) / cv2.arcLength(polygon, True)
        grown = _clipper(polygon).Execute(reach)
        if not grown:
            return
        outline = np.array(grown[0], np.int32)
        cv2.fillPoly(mask, [outline], 1.0)
        x0, y0, wide, tall = cv2.boundingRect(outline)
        x1, y1 = min(x0 + wide, canvas.shape[1]), min(y0 + tall, canvas.shape[0])
        x0, y0 = max(x0, 0), max(y0, 0)
        if x0 >= x1 or y0 >= y1:
            return
        near = cv2.sqrt(outlines.squared_distances(row, (x0, y0, x1, y1)))
        near *= -1 / reach
        near += 1  # 1 on the border, 0 at the reach and below beyond it
        part = canvas[y0:y1, x0:x1]
        np.maximum(part, near, out=part)


class Outlines:
    """How far pixels are from the outlines of polygons.

    upstream: from a point that sees an edge at less than a right angle the distance is that to the nearer end,
    even beside the edge; only from the others, which lie in the circle over the edge, is it that to the edge.

    Args:
        polys: float32 [N, P, 2].
        height: of the image.
        width: of the image.
    """

    def __init__(self, polys: np.ndarray, height: int, width: int) -> None:
        self.polys = polys
        self._x, self._y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        ends = np.concatenate([polys[:, 1:], polys[:, :1]], axis=1)
        edges = ends - polys
        squares = (edges * edges).sum(axis=2)
        normals = edges[..., ::-1] * np.array([1, -1], np.float32) / np.sqrt(np.maximum(squares, _TINY))[..., None]
        self._normals = normals[..., None]  # [N, P, 2, 1]
        self._offsets = (normals * polys).sum(axis=2)[..., None]
        self._centres = np.concatenate([polys, (polys + ends) / 2], axis=1)[..., None]  # [N, 2P, 2, 1]
        # a repeated point makes no edge, and nothing lies in its circle
        self._circles = (np.where(squares > 0, squares / 4, -1) * _FAR).astype(np.float32)[..., None]

    def squared_distances(self, row: int, window: tuple[int, int, int, int]) -> np.ndarray:
        """Return the squared distance of pixels to one outline.

        Args:
            row: which polygon.
            window: x0, y0, x1, y1 of the pixels, within the image.

        Returns:
            float32 [y1 - y0, x1 - x0].
        """
        x0, y0, x1, y1 = window
        x, y = self._x[x0:x1], self._y[y0:y1]
        normals, centres = self._normals[row], self._centres[row]
        corners = len(normals)
        to_x, to_y = x - centres[:, 0], y - centres[:, 1]
        to_x *= to_x
        to_y *= to_y
        to_x[corners:] *= _FAR
        to_y[corners:] *= _FAR
        to_y[corners:] -= self._circles[row]
        squares = to_x[:, None, :] + to_y[:, :, None]  # [2P, H, W]: to the corners; how far out of the circles
        edges = (normals[:, 0] * x - self._offsets[row])[:, None, :] + (normals[:, 1] * y)[:, :, None]
        edges *= edges
        np.maximum(edges, squares[corners:], out=edges)  # out of its circle, an edge is farther than any corner
        np.minimum(edges, squares[:corners], out=edges)
        return edges.min(axis=0)


def _clipper(polygon: np.ndarray) -> pyclipper.PyclipperOffset:
    """Return what offsets a polygon, with round corners."""
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(polygon.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return clipper


def _areas(polys: np.ndarray) -> np.ndarray:
    """Return the areas of polygons [N, P, 2], float32 [N]."""
    x, y = polys[..., 0], polys[..., 1]
    return np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)) / 2
