"""Probability maps of DB detectors to boxes or polygons of text instances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import cv2
import numpy as np
import pyclipper

from ppocr.arguments import Argument, true_or_false
from ppocr.config.ranges import Count, Positive, Probability
from ppocr.postprocess.base import PostProcess
from ppocr.registry import POSTPROCESSES
from ppocr.results import Detection

SMALLEST_SIDE = 3  # pixels of the map; boxes with a shorter side are noise
EXPANDED_SIDE = SMALLEST_SIDE + 2
CONTOUR_TOLERANCE = 0.002  # of the perimeter: how far a polygon may leave the contour
ScoreMode = Literal["fast", "slow"]
BoxType = Literal["quad", "poly"]
_BLOCK = np.ones((2, 2), np.uint8)


@POSTPROCESSES.register("DBPostProcess")
@dataclass(eq=False)
class DBPostProcess(PostProcess):
    """Finds the connected components above a threshold, scores them, and expands them to the size of the text.

    Args:
        thresh: probability above which a pixel belongs to text.
        box_thresh: least mean probability inside a box.
        max_candidates: most components considered in one image.
        unclip_ratio: how far boxes are expanded: area times this by perimeter.
        use_dilation: dilate the binary map by a pixel first.
        score_mode: "fast" averages inside the box, "slow" inside the contour itself.
        box_type: "quad" for the smallest rectangles, "poly" for polygons.

    Source: Real-time Scene Text Detection with Differentiable Binarization (https://arxiv.org/abs/1911.08947).
    """

    requires = ("maps",)
    dimensions = (4,)
    result = Detection
    arguments = (
        Argument("det_db_thresh", "thresh", "probability above which a pixel belongs to text", float),
        Argument("det_db_box_thresh", "box_thresh", "least mean probability inside a box", float),
        Argument("det_db_unclip_ratio", "unclip_ratio", "how far boxes are expanded", float),
        Argument("det_db_score_mode", "score_mode", "slow: mean inside the contour", choices=get_args(ScoreMode)),
        Argument("use_dilation", "use_dilation", "dilate the binary map by a pixel", true_or_false),
        Argument("det_box_type", "box_type", "rectangles or polygons", choices=get_args(BoxType)),
    )
    needs = ("shape",)
    ignored_keys = ("det_box_type",)  # upstream: only ever written as box_type

    thresh: Probability = 0.3
    box_thresh: Probability = 0.7
    max_candidates: Count = 1000
    unclip_ratio: Positive = 2.0
    use_dilation: bool = False
    score_mode: ScoreMode = "fast"
    box_type: BoxType = "quad"
    det_box_type: str | None = None

    def __post_init__(self) -> None:
        self.thresh, self.box_thresh, self.unclip_ratio = map(float, (self.thresh, self.box_thresh, self.unclip_ratio))

    def inference_config(self) -> dict[str, Any]:
        """Return the arguments that build this again."""
        return {key.name: getattr(self, key.name) for key in fields(self) if key.name not in self.ignored_keys}

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Detection]:
        """Detect the text instances of each image.

        Args:
            preds: `maps` float32 [B, C, H, W], of which the first channel is the probability.
            batch: `shape`, for each image its height and width in the pixels the polygons are wanted in, and two
                more numbers; without it they are those of the map.

        Returns:
            One Detection per image, in the order OpenCV finds the contours.
        """
        maps = np.asarray(preds["maps"], np.float32)[:, 0]
        shapes = np.array([maps.shape[1:]] * len(maps)) if batch is None else np.asarray(batch["shape"])
        return [self._detect(np.ascontiguousarray(m), (int(s[0]), int(s[1]))) for m, s in zip(maps, shapes)]

    def _detect(self, probability: np.ndarray, size: tuple[int, int]) -> Detection:
        mask = np.greater(probability, np.float32(self.thresh)).view(np.uint8)  # half the time of cv2.compare
        peak = float(cv2.minMaxLoc(probability)[1])
        if self.use_dilation:
            mask = cv2.dilate(mask, _BLOCK)
        contours = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0][: self.max_candidates]
        find = self._box if self.box_type == "quad" else self._polygon
        found = [each for contour in contours if (each := find(probability, contour)) is not None]
        if not found:
            return Detection([], np.zeros(0, np.float32), peak if np.isfinite(probability).all() else float("nan"))
        points = scaled([polygon for polygon, _ in found], probability.shape, size)
        return Detection(points, np.array([score for _, score in found], np.float32), peak)

    def _box(self, probability: np.ndarray, contour: np.ndarray) -> tuple[np.ndarray, float] | None:
        """Return the expanded rectangle around a contour, float32 [4, 2], and its score; None for noise."""
        _, _, wide, tall = cv2.boundingRect(contour)
        if (wide - 1) * (tall - 1) < SMALLEST_SIDE**2:  # then the smallest rectangle has a shorter side too
            return None
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < SMALLEST_SIDE:
            return None
        corners = in_order(cv2.boxPoints(rectangle))
        score = mean_inside(probability, corners if self.score_mode == "fast" else contour[:, 0])
        if not score >= self.box_thresh:
            return None
        expanded = self._expand(corners)
        if not expanded:
            return None
        # upstream: of several parts, which only self-crossing input gives, all points count
        rectangle = cv2.minAreaRect(np.array([point for part in expanded for point in part], np.int32))
        if min(rectangle[1]) < EXPANDED_SIDE:
            return None
        return in_order(cv2.boxPoints(rectangle)), score

    def _polygon(self, probability: np.ndarray, contour: np.ndarray) -> tuple[np.ndarray, float] | None:
        """Return the expanded polygon of a contour, float64 [P, 2], and its score; None for noise."""
        polygon = cv2.approxPolyDP(contour, CONTOUR_TOLERANCE * cv2.arcLength(contour, True), True)[:, 0]
        if len(polygon) < 4:
            return None
        score = mean_inside(probability, polygon if self.score_mode == "fast" else contour[:, 0])
        if not score >= self.box_thresh:
            return None
        expanded = self._expand(polygon)
        if len(expanded) != 1:
            return None
        points = np.array(expanded[0], np.int32)
        if min(cv2.minAreaRect(points)[1]) < EXPANDED_SIDE:
            return None
        return points.astype(np.float64), score

    def _expand(self, polygon: np.ndarray) -> list[list[list[int]]]:
        """Return a polygon expanded on all sides, round at the corners: one part, or none where it has no area."""
        length = cv2.arcLength(polygon, True)
        area = abs(cv2.contourArea(polygon))
        if length == 0 or area == 0:
            return []
        clipper = pyclipper.PyclipperOffset()
        clipper.AddPath(polygon.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        return clipper.Execute(area * self.unclip_ratio / length)


def scaled(polygons: list[np.ndarray], shape: tuple[int, ...], size: tuple[int, int]) -> list[np.ndarray]:
    """Return polygons of a map in the pixels of its image, rounded and within the image; all of them at once.

    Args:
        polygons: [P, 2] each.
        shape: height and width of the map.
        size: height and width of the image.
    """
    height, width = size
    points = np.concatenate(polygons).astype(np.float64)
    points *= (width / shape[1], height / shape[0])
    whole = np.clip(np.rint(points), 0, (width, height)).astype(np.int64)
    return np.split(whole, np.cumsum([len(polygon) for polygon in polygons])[:-1])


def in_order(corners: np.ndarray) -> np.ndarray:
    """Return the corners of a box [4, 2] from the upper left on, clockwise.

    upstream: the two left-most corners are the left ones, whatever the box's slant.
    """
    a, b, c, d = sorted(corners.tolist())
    left = (a, b) if b[1] > a[1] else (b, a)
    right = (c, d) if d[1] > c[1] else (d, c)
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def mean_inside(probability: np.ndarray, polygon: np.ndarray) -> float:
    """Return the mean of a map [H, W] inside a polygon [P, 2], corners rounded down to pixels."""
    height, width = probability.shape
    (low_x, low_y), (high_x, high_y) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
    x0, x1 = min(max(math.floor(low_x), 0), width - 1), min(max(math.ceil(high_x), 0), width - 1)
    y0, y1 = min(max(math.floor(low_y), 0), height - 1), min(max(math.ceil(high_y), 0), height - 1)
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(polygon - (x0, y0)).astype(np.int32)], 1)
    inside = cv2.countNonZero(mask)
    # copying what is inside into zeros and averaging all of it takes half the time of cv2.mean with a mask
    return cv2.mean(cv2.copyTo(probability[y0 : y1 + 1, x0 : x1 + 1], mask))[0] * mask.size / inside if inside else 0.0
