"""Images too large or too long for a detector: cut into overlapping slices whose detections are merged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ppocr.postprocess.db import in_order
from ppocr.results import Detection
from ppocr.system.crop import box_of

LONG = 3.0  # longer side by shorter one from which an image that would be shrunk is sliced along its length
SHRUNK = 0.5  # of its size, or less
OVERLAP = 0.15  # of a slice's length
COMMON = 0.5  # of the smaller of two text instances, where their slices overlap: what they share when they are the same


@dataclass(frozen=True)
class Slice:
    """A part of an image: columns `left` to `right`, rows `top` to `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    def of(self, image: np.ndarray) -> np.ndarray:
        """Return the pixels, a view."""
        return image[self.top : self.bottom, self.left : self.right]


def slices(height: int, width: int, longest: int, scale: float) -> list[Slice]:
    """Return the slices an image is detected in: one where it is neither too large nor too long.

    Args:
        height: of the image.
        width: of the image.
        longest: length of the longest side of a slice; 0 never slices.
        scale: by which the detector's resize would multiply the size of the whole image.
    """
    if not longest:
        return [Slice(0, 0, width, height)]
    most = longest
    short = min(height, width)
    if max(height, width) >= LONG * short and scale <= SHRUNK:
        most = min(longest, max(2 * short, 2 * longest // 5))
    spans = [list(_spans(side, most)) for side in (height, width)]
    return [Slice(left, top, right, bottom) for top, bottom in spans[0] for left, right in spans[1]]


def _spans(length: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of overlapping parts of equal length."""
    if length <= most:
        yield 0, length
        return
    overlap = int(OVERLAP * most)
    parts = math.ceil((length - overlap) / (most - overlap))
    for part in range(parts):
        start = round(part * (length - most) / (parts - 1))
        yield start, start + most


def merged(parts: Sequence[Slice], detections: Sequence[Detection]) -> Detection:
    """Return the detections of the slices of an image in the coordinates of the image.

    Text instances of two slices that share most of what they have in the overlap are one: a line that a slice's border
    cuts, or one that lies within both. Its box is the smallest rectangle around them.

    Args:
        parts: the slices.
        detections: of each.
    """
    found = [
        _Found(points + (part.left, part.top), float(score), part)
        for part, detection in zip(parts, detections)
        for points, score in zip(detection.points, detection.scores)
    ]
    groups = _groups(found)
    points, scores = [], []
    for group in groups:
        members = [found[n] for n in group]
        best = max(member.score for member in members)
        points.append(members[0].points if len(members) == 1 else _around([member.points for member in members]))
        scores.append(best)
    peaks = [detection.peak for detection in detections]
    return Detection(points, np.array(scores, np.float32), float(np.max(peaks)))


@dataclass(frozen=True)
class _Found:
    """A text instance in the coordinates of the image, and the slice it was detected in."""

    points: np.ndarray
    score: float
    part: Slice

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        (left, top), (right, bottom) = self.points.min(axis=0), self.points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def _groups(found: Sequence[_Found]) -> list[list[int]]:
    """Return the numbers of the text instances that are the same, each group in order."""
    parent = list(range(len(found)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    bounds = np.array([each.bounds for each in found]).reshape(-1, 4)
    for n, each in enumerate(found):
        left, top, right, bottom = bounds[n]
        near = (bounds[:n, 0] < right) & (bounds[:n, 2] > left) & (bounds[:n, 1] < bottom) & (bounds[:n, 3] > top)
        for other in np.flatnonzero(near).tolist():
            if found[other].part != each.part and _same(found[other], each):
                parent[root(n)] = root(other)
    groups: dict[int, list[int]] = {}
    for n in range(len(found)):
        groups.setdefault(root(n), []).append(n)
    return list(groups.values())


def _same(one: _Found, other: _Found) -> bool:
    """Return whether two text instances share most of the smaller one within the overlap of their slices."""
    a, b = one.part, other.part
    zone = np.array([(max(a.left, b.left), max(a.top, b.top)), (min(a.right, b.right), min(a.bottom, b.bottom))])
    if (zone[1] <= zone[0]).any():
        return False
    (left, top), (right, bottom) = zone.tolist()
    common = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    inside = [_intersection(box_of(each.points), common) for each in (one, other)]
    if any(points is None for points in inside):
        return False
    shared = _intersection(*inside)  # type: ignore[arg-type]
    areas = [cv2.contourArea(points) for points in inside]  # type: ignore[arg-type]
    return shared is not None and cv2.contourArea(shared) > COMMON * min(areas) > 0


def _intersection(one: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """Return what two convex polygons share, or None."""
    area, points = cv2.intersectConvexConvex(np.asarray(one, np.float32), np.asarray(other, np.float32))
    return points[:, 0] if area > 0 and points is not None else None


def _around(polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Return the smallest rectangle around some polygons, int64 [4, 2]."""
    rectangle = cv2.minAreaRect(np.concatenate(polygons).astype(np.float32))
    return np.rint(in_order(cv2.boxPoints(rectangle))).astype(np.int64)
