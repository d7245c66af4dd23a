"""The maps a DB detector learns: shrunk polygons, and the distance to their borders.

Source: Real-time Scene Text Detection with Differentiable Binarization (https://arxiv.org/abs/1911.08947).
"""

from __future__ import annotations

import cv2
import numpy as np
import pyclipper

from ppocr.config.ranges import Count, Probability, Shrink, Whole
from ppocr.data.transforms import det_quads
from ppocr.data.transforms.base import Sample, Transform
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

_TINY = np.float32(1e-12)
# makes what lies a thousandth of a square pixel outside a circle farther than any edge; a power of two costs no digits
_FAR = np.float32(2**20)

MANY = 8  # polygons from which drawing them together is faster than one by one
EPOCH_SHARE = 0.2  # upstream: how much less polygons are shrunk in the last epoch than in the first


class _Shrinking(Transform):
    """What both maps share: a shrink ratio that may follow the epoch."""

    needs = ("image", "polys", "ignore_tags")

    def __init__(self, shrink_ratio: float, total_epoch: int | None) -> None:
        self.first_ratio = self.shrink_ratio = shrink_ratio
        self.total_epoch = total_epoch

    def set_epoch(self, epoch: int) -> None:
        """Shrink less as training goes on, where `total_epoch` says how long it is."""
        if self.total_epoch is not None:
            self.shrink_ratio = self.first_ratio + EPOCH_SHARE * epoch / self.total_epoch


@TRANSFORMS.register()
class MakeShrinkMap(_Shrinking):
    """Draw every polygon, shrunk, and mask those that are not to be learned.

    Args:
        min_text_size: polygons less than this high or wide, in pixels, are masked.
        shrink_ratio: the smaller, the smaller polygons become.
        total_epoch: epochs of the training: the ratio grows by 0.2 over them; None keeps it.
    """

    provides = ("shrink_map", "shrink_mask")

    def __init__(self, min_text_size: Whole = 8, shrink_ratio: Shrink = 0.4, total_epoch: Count | None = None) -> None:
        super().__init__(shrink_ratio, total_epoch)
        self.min_text_size = min_text_size

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Add `shrink_map` (1 inside shrunk polygons) and `shrink_mask` (0 inside masked ones), float32 [H, W].

        Polygons are clipped to the image, and masked ones marked in `ignore_tags`.
        """
        height, width = sample["image"].shape[:2]
        shrunk, mask = np.zeros((height, width), np.float32), np.ones((height, width), np.float32)
        polys = np.minimum(np.maximum(sample["polys"], 0), (width - 1, height - 1)).astype(np.float32, copy=False)
        ignored = np.array(sample["ignore_tags"], bool)
        if len(polys):
            sides = (polys.max(axis=1) - polys.min(axis=1)).min(axis=1)
            areas = _areas(polys)
            ignored |= (sides < self.min_text_size) | (areas < 1)
            lengths = _lengths(polys)
        for row in np.flatnonzero(~ignored).tolist():
            parts = self._shrink(polys[row], areas[row] / lengths[row])
            ignored[row] = not parts
            for part in parts:
                cv2.fillPoly(shrunk, [part], 1)
        for row in np.flatnonzero(ignored).tolist():
            cv2.fillPoly(mask, [polys[row].astype(np.int32)], 0)
        sample["polys"], sample["ignore_tags"] = polys, ignored
        sample["shrink_map"], sample["shrink_mask"] = shrunk, mask
        return sample

    def _shrink(self, polygon: np.ndarray, share: float) -> list[np.ndarray]:
        """Return a polygon shrunk to one part, by a larger ratio where a smaller one leaves none or several.

        Args:
            polygon: float32 [P, 2].
            share: its area by its length.
        """
        clipper = _clipper(polygon)
        parts: list[list[list[int]]] = []
        for ratio in (*np.arange(self.shrink_ratio, 1, self.shrink_ratio), 1.0):
            parts = clipper.Execute(-share * (1 - ratio**2))
            if len(parts) == 1:
                break
        return [np.array(part, np.int32) for part in parts]


@TRANSFORMS.register()
class MakeBorderMap(_Shrinking):
    """Draw, around the border of every polygon, how close the border is.

    Args:
        shrink_ratio: how far the drawing reaches, as for `MakeShrinkMap`.
        thresh_min: value far from any border.
        thresh_max: value on a border.
        total_epoch: as for `MakeShrinkMap`.
    """

    provides = ("threshold_map", "threshold_mask")

    def __init__(
        self,
        shrink_ratio: Shrink = 0.4,
        thresh_min: Probability = 0.3,
        thresh_max: Probability = 0.7,
        total_epoch: Count | None = None,
    ) -> None:
        super().__init__(shrink_ratio, total_epoch)
        if thresh_min > thresh_max:
            raise ConfigError(f"MakeBorderMap.thresh_min: {thresh_min} is above thresh_max, {thresh_max}")
        self.thresh_min, self.thresh_max = thresh_min, thresh_max

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Add `threshold_map` and `threshold_mask` (1 inside polygons that were grown), float32 [H, W]."""
        size = sample["image"].shape[:2]
        canvas, mask = np.full(size, self.thresh_min, np.float32), np.zeros(size, np.float32)
        polys = np.asarray(sample["polys"], np.float32)[~np.asarray(sample["ignore_tags"], bool)]
        if len(polys):
            reach = _areas(polys) * (1 - self.shrink_ratio**2) / np.maximum(_lengths(polys), _TINY)
            left = np.ones(len(polys), bool)
            if len(polys) >= MANY:
                left = self._draw_quads(polys, reach, canvas, mask)
            if left.any():
                self._draw_others(polys[left], reach[left], canvas, mask)
        sample["threshold_map"], sample["threshold_mask"] = canvas, mask
        return sample

    def _draw_quads(self, polys: np.ndarray, reach: np.ndarray, canvas: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Draw the polygons that are plain quadrilaterals; return which ones are not, bool [N]."""
        borders = det_quads.Borders(polys[:, :4], reach, (self.thresh_max - self.thresh_min) / np.maximum(reach, _TINY))
        outlines, simple = det_quads.grown(polys[:, :4], reach)
        simple &= borders.fine & _are_quads(polys)
        boxes = np.concatenate([outlines.min(axis=1), outlines.max(axis=1) + 1], axis=1)
        limits = np.array([*canvas.shape[::-1]] * 2)
        boxes = np.where(simple[:, None], np.minimum(np.maximum(boxes, 0), limits), 0)
        for row in np.flatnonzero(simple).tolist():
            cv2.fillPoly(mask, [outlines[row]], 1.0)
        places = boxes.tolist()
        for row, values in borders.maps(boxes, self.thresh_max):
            x0, y0, x1, y1 = places[row]
            part = canvas[y0:y1, x0:x1]
            np.maximum(part, values, out=part)
        return ~simple

    def _draw_others(self, polys: np.ndarray, reach: np.ndarray, canvas: np.ndarray, mask: np.ndarray) -> None:
        """Draw polygons of any form, one by one."""
        outlines = Outlines(polys, *canvas.shape)
        for row in np.flatnonzero(reach > 0).tolist():
            grown = _clipper(polys[row]).Execute(float(reach[row]))
            if not grown:
                continue
            outline = np.array(grown[0], np.int32)
            cv2.fillPoly(mask, [outline], 1.0)
            x0, y0, wide, tall = cv2.boundingRect(outline)
            x1, y1 = min(x0 + wide, canvas.shape[1]), min(y0 + tall, canvas.shape[0])
            x0, y0 = max(x0, 0), max(y0, 0)
            if x0 < x1 and y0 < y1:
                near = cv2.sqrt(outlines.squared_distances(row, (x0, y0, x1, y1)))
                near *= (self.thresh_max - self.thresh_min) / reach[row]
                part = canvas[y0:y1, x0:x1]
                np.maximum(part, np.float32(self.thresh_max) - near, out=part)


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
    """Return the areas of polygons [N, P, 2], float64 [N]."""
    places = polys - polys[:, :1].astype(np.float64)  # from the first corner: large coordinates cost digits
    x, y = places[:, 1:, 0], places[:, 1:, 1]
    return np.abs((x[:, :-1] * y[:, 1:] - x[:, 1:] * y[:, :-1]).sum(axis=1)) / 2


def _lengths(polys: np.ndarray) -> np.ndarray:
    """Return the lengths of the outlines of polygons [N, P, 2], float64 [N]."""
    edges = np.concatenate([polys[:, 1:], polys[:, :1]], axis=1) - polys.astype(np.float64)
    return np.sqrt((edges * edges).sum(axis=2)).sum(axis=1)


def _are_quads(polys: np.ndarray) -> np.ndarray:
    """Return which polygons [N, P, 2] have four corners, the last of them repeated; bool [N]."""
    return (polys[:, 4:] == polys[:, 3:4]).all(axis=(1, 2))
