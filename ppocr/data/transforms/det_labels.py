"""Text regions from the JSON of a detection label file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import shapely

from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.geometry import PendingImage, size_of
from ppocr.errors import SampleError
from ppocr.registry import TRANSFORMS

ILLEGIBLE = frozenset(["###", "*"])
SMALLEST_AREA = 1e-3  # square pixels; less is no region


@TRANSFORMS.register()
class DetLabelEncode(Transform):
    """Read the regions of an image: polygons, texts, and which ones are not to be learned.

    A label is a JSON list of `{"transcription": text, "points": [[x, y], ...]}`; an empty list is an image without
    text. The texts "###" and "*" mark regions that are illegible. Polygons that cross themselves are repaired;
    those that enclose nothing or lie wholly outside the image are dropped; both are noted. Any direction is fine.
    """

    needs = ("label",)
    provides = ("polys", "texts", "ignore_tags")
    label_only = True
    per_sample = ("polys", "texts", "ignore_tags")

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Turn `label` into `polys`, `texts` and `ignore_tags`.

        `polys` is float32 [N, P, 2], shorter polygons repeating their last point; `ignore_tags` is bool [N].

        Raises:
            SampleError: "bad_label", the label is not such a list.
        """
        texts, polygons = parse_regions(sample["label"])
        notes: list[tuple[str, str]] = sample.setdefault("notes", [])
        if polygons:
            texts, polygons = _sound(texts, polygons, _size(sample.get("image")), notes)
        ignored = np.array([text in ILLEGIBLE for text in texts], bool)
        longest = max(map(len, polygons), default=4)
        polys = np.empty((len(polygons), longest, 2), np.float32)
        for row, polygon in zip(polys, polygons):
            row[: len(polygon)] = polygon
            row[len(polygon) :] = polygon[-1]
        sample["polys"], sample["texts"], sample["ignore_tags"] = polys, texts, ignored
        if ignored.all():
            notes.append(("all_ignored", "") if len(texts) else ("negative", ""))
        return sample


def parse_regions(label: str) -> tuple[list[str], list[np.ndarray]]:
    """Return the texts and the polygons, float64 [P, 2] each, of a label.

    Raises:
        SampleError: "bad_label".
    """
    try:
        regions = json.loads(label)
    except ValueError as error:
        raise SampleError("bad_label", f"not JSON ({error}): {label[:80]!r}") from None
    if not isinstance(regions, list):
        raise SampleError("bad_label", f"not a list of regions: {label[:80]!r}")
    return [_text(region) for region in regions], [_points(region) for region in regions]


def _text(region: Any) -> str:
    if not isinstance(region, dict) or not isinstance(region.get("transcription"), str):
        raise SampleError("bad_label", f"a region without a transcription: {str(region)[:80]}")
    return region["transcription"]


def _points(region: dict[str, Any]) -> np.ndarray:
    try:
        points = np.array(region["points"], np.float64)
    except KeyError:
        raise SampleError("bad_label", f"a region without points: {str(region)[:80]}") from None
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1:] != (2,) or not len(points):
        raise SampleError("bad_label", f"points that are not [x, y] pairs: {str(region['points'])[:80]}")
    return points


def _size(image: Any) -> tuple[int, int] | None:
    """Return (height, width) of an image that is decoded, or that knows its size."""
    known = isinstance(image, PendingImage) or (isinstance(image, np.ndarray) and image.ndim > 1)
    return size_of(image) if known else None


def _sound(
    texts: list[str], polygons: list[np.ndarray], size: tuple[int, int] | None, notes: list[tuple[str, str]]
) -> tuple[list[str], list[np.ndarray]]:
    """Return the regions without those that are none, crossing ones repaired; what was done is noted."""
    good = _good(polygons, size)
    if good.all():
        return texts, polygons
    kept_texts, kept = [], []
    for fine, text, polygon in zip(good, texts, polygons):
        problem = None if fine else _problem(polygon, size)
        if problem is not None:
            notes.append(("bad_polygon", f"{problem}: {polygon.tolist()}"[:160]))
            continue
        if not fine:
            mended = _mended(polygon)
            if mended is None:
                notes.append(("bad_polygon", f"encloses nothing: {polygon.tolist()}"[:160]))
                continue
            notes.append(("repaired_polygon", f"crosses itself: {polygon.tolist()}"[:160]))
            polygon = mended
        kept_texts.append(text)
        kept.append(polygon)
    return kept_texts, kept


def _good(polygons: list[np.ndarray], size: tuple[int, int] | None) -> np.ndarray:
    """Return which polygons need no second look, bool [N]; all of them together, because most are fine."""
    counts = np.array([len(polygon) for polygon in polygons])
    points = np.concatenate(polygons)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    finite = np.logical_and.reduceat(np.isfinite(points).all(axis=1), starts)
    good = finite & (counts >= 3)
    if size is not None:
        low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        good &= (high > 0).all(axis=1) & (low < (size[1], size[0])).all(axis=1)
    rows = np.flatnonzero(good)
    if len(rows):
        chosen = [polygons[row] for row in rows]
        if len(set(counts[rows])) == 1:
            shapes = shapely.polygons(np.stack(chosen))
        else:
            shapes = np.array([shapely.Polygon(polygon) for polygon in chosen], object)
        good[rows] = shapely.is_valid(shapes) & (shapely.area(shapes) > SMALLEST_AREA)
    return good


def _problem(polygon: np.ndarray, size: tuple[int, int] | None) -> str | None:
    """Return why a polygon is no region, or None when it may be mended."""
    if not np.isfinite(polygon).all():
        return "not finite"
    if len(np.unique(polygon, axis=0)) < 3:
        return "fewer than three different points"
    if size is not None:
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        if not ((high > 0).all() and (low < (size[1], size[0])).all()):
            return f"outside the image of {size[1]} x {size[0]}"
    return None


def _mended(polygon: np.ndarray) -> np.ndarray | None:
    """Return the region that was most likely meant by a polygon that crosses itself; None when there is none."""
    if len(polygon) == 4:  # corners in another order: the same four, around their hull
        hull = shapely.MultiPoint(polygon).convex_hull
        if hull.geom_type == "Polygon" and len(hull.exterior.coords) == 5 and hull.area > SMALLEST_AREA:
            return np.array(hull.exterior.coords[:-1])
    parts = shapely.get_parts(shapely.make_valid(shapely.Polygon(polygon)))
    areas = shapely.area(parts)
    best = int(np.argmax(areas)) if len(parts) else 0
    if not len(parts) or areas[best] <= SMALLEST_AREA or parts[best].geom_type != "Polygon":
        return None
    return np.array(parts[best].exterior.coords[:-1])
