"""Text instances from the JSON of a detection label file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import shapely

from ppocr.data.problems import DataReport, printable
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.geometry import PendingImage, size_of
from ppocr.errors import DataError, SampleError
from ppocr.registry import TRANSFORMS

ILLEGIBLE = frozenset(["###", "*"])
SMALLEST_AREA = 1e-3  # square pixels; less encloses nothing
LARGEST = 1e7  # a coordinate beyond is none
_SHOWN = 160  # characters of a polygon in a message


@TRANSFORMS.register()
class DetLabelEncode(Transform):
    """Read the text instances of an image: polygons, texts, and which ones are not to be learned.

    A label is a JSON list of `{"transcription": text, "points": [[x, y], ...]}`; an empty list is an image without
    text. The texts "###" and "*" mark instances that are illegible. Polygons that cross themselves are repaired;
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
        texts, points = parse_instances(sample["label"])
        notes: list[tuple[str, str]] = sample.setdefault("notes", [])
        texts, polys = _sound(texts, points, _size(sample.get("image")), notes)
        ignored = np.array([text in ILLEGIBLE for text in texts], bool)
        sample["polys"], sample["texts"], sample["ignore_tags"] = polys, texts, ignored
        if ignored.all():
            notes.append(
                ("all_ignored", "every text instance is '###' or '*'") if texts else ("negative", "no text instance")
            )
        return sample

    def check_report(self, report: DataReport) -> None:
        """Refuse a data set of which no image used has a text instance that is learned; names the first image."""
        ignored, empty = report.noted["all_ignored"], report.noted["negative"]
        if not report.used or ignored + empty < report.used:
            return
        first = report.examples["all_ignored" if ignored else "negative"][0].where
        if ignored:
            besides = f", the other {empty} have no text instance" if empty else ""
            raise DataError(
                f"every text instance is '###' or '*' in {ignored} of {report.used} images{besides}: nothing to learn "
                f"or to measure; first at {first}",
                "'###' marks what cannot be read and is not learned: where only the place is known write any other "
                "text, such as 'text'",
            )
        dropped = report.noted["bad_polygon"]
        besides = f" ({dropped} were dropped, first {printable(report.examples['bad_polygon'][0])})" if dropped else ""
        raise DataError(
            f"none of {report.used} images has a text instance{besides}: nothing to learn or to measure; "
            f"first at {first}",
            "check the label file; images without text are learned from beside others with text only",
        )


def parse_instances(label: str) -> tuple[list[str], list[np.ndarray] | np.ndarray]:
    """Return the texts and the points of a label.

    Returns:
        One text an instance, and float64 [N, P, 2], or a list of [P, 2] where their numbers of points differ.

    Raises:
        SampleError: "bad_label".
    """
    try:
        instances = json.loads(label)
    except (ValueError, RecursionError) as error:
        raise SampleError("bad_label", f"not JSON ({error}): {label[:80]!r}") from None
    if not isinstance(instances, list):
        raise SampleError("bad_label", f"not a list of text instances: {label[:80]!r}")
    texts = [_text(instance) for instance in instances]
    together = _numbers([instance["points"] for instance in instances])
    if together is not None and together.ndim == 3 and together.shape[2] == 2:
        return texts, together
    return texts, [_points(instance) for instance in instances]


def _text(instance: Any) -> str:
    if not isinstance(instance, dict) or not isinstance(instance.get("transcription"), str):
        raise SampleError("bad_label", f"a text instance without a transcription: {str(instance)[:_SHOWN]}")
    if "points" not in instance:
        raise SampleError("bad_label", f"a text instance without points: {str(instance)[:_SHOWN]}")
    return instance["transcription"]


def _points(instance: dict[str, Any]) -> np.ndarray:
    points = _numbers(instance["points"])
    if points is None or points.ndim != 2 or points.shape[1] != 2:
        raise SampleError("bad_label", f"points that are not [x, y] pairs: {str(instance)[:_SHOWN]}")
    return points


def _numbers(values: Any) -> np.ndarray | None:
    """Return nested lists of numbers as float64; None where they hold anything else or are ragged."""
    try:
        numbers = np.array(values)
        return numbers.astype(np.float64) if numbers.dtype.kind in "iufU" else None  # "12" is a number, too
    except (ValueError, OverflowError):
        return None


def _size(image: Any) -> tuple[int, int] | None:
    """Return (height, width) of an image that is decoded, or that knows its size."""
    known = isinstance(image, PendingImage) or (isinstance(image, np.ndarray) and image.ndim > 1)
    return size_of(image) if known else None


def _sound(
    texts: list[str],
    points: list[np.ndarray] | np.ndarray,
    size: tuple[int, int] | None,
    notes: list[tuple[str, str]],
) -> tuple[list[str], np.ndarray]:
    """Return the text instances that enclose something, crossing ones repaired; what was done is noted.

    Returns:
        The texts, and float32 [N, P, 2] with at least four points each: shorter polygons repeat their last point.
    """
    good = _good(points, size)
    if good.all() and isinstance(points, np.ndarray) and points.shape[1] >= 4:
        return texts, points.astype(np.float32)
    kept_texts, kept = [], []
    for fine, text, polygon in zip(good, texts, points):
        if not fine:
            polygon, note = _examined(polygon, size)
            notes += note
        if polygon is not None:
            kept_texts.append(text)
            kept.append(polygon)
    polys = np.empty((len(kept), max([4, *map(len, kept)]), 2), np.float32)
    for row, polygon in zip(polys, kept):
        row[: len(polygon)] = polygon
        row[len(polygon) :] = polygon[-1]
    return kept_texts, polys


def _good(points: list[np.ndarray] | np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """Return which polygons need no second look, bool [N]: those that turn one way only, once around, in the image."""
    if isinstance(points, list):
        return np.array([_good(polygon[None], size)[0] for polygon in points], bool)
    if points.shape[1] < 3:
        return np.zeros(len(points), bool)
    low, high = points.min(axis=1), points.max(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        edges = _next(points) - points
        following = _next(edges)
        turns = edges[..., 0] * following[..., 1] - edges[..., 1] * following[..., 0]
    good = (turns > SMALLEST_AREA).all(axis=1) | (turns < -SMALLEST_AREA).all(axis=1)
    if points.shape[1] > 4:  # five corners or more can wind around twice: then x goes to and fro more than once
        forward = edges[..., 0] > 0
        good &= (forward != _next(forward)).sum(axis=1) <= 2
    good &= ((low > -LARGEST) & (high < LARGEST)).all(axis=1)
    return good if size is None else good & _shows(low, high, size)


def _next(values: np.ndarray) -> np.ndarray:
    """Return what stands at the following corner, for values [N, P, ...]."""
    return np.concatenate([values[:, 1:], values[:, :1]], axis=1)


def _shows(low: np.ndarray, high: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return which boxes, by their corners [..., 2], have a part in an image of (height, width), bool [...]."""
    return np.logical_and.reduce((high > 0) & (low < (size[1], size[0])), axis=-1)


def _examined(polygon: np.ndarray, size: tuple[int, int] | None) -> tuple[np.ndarray | None, list[tuple[str, str]]]:
    """Return a polygon as it can be used, or None, and what to note about it."""
    shown = str(polygon.tolist())[:_SHOWN]
    problem = _problem(polygon, size)
    if problem is not None:
        return None, [("bad_polygon", f"{problem}: {shown}")]
    shape = shapely.Polygon(polygon)
    if shape.is_valid and shape.area > SMALLEST_AREA:
        return polygon, []
    repaired = _repaired(polygon)
    if repaired is None:
        return None, [("bad_polygon", f"encloses nothing: {shown}")]
    return repaired, [("repaired_polygon", f"crosses itself: {shown}")]


def _problem(polygon: np.ndarray, size: tuple[int, int] | None) -> str | None:
    """Return why a polygon is no text instance, or None when it may be repaired."""
    if not (np.abs(polygon) < LARGEST).all():
        return "coordinates that are not finite, or far too large"
    if len(np.unique(polygon, axis=0)) < 3:
        return "fewer than three different points"
    if size is not None and not _shows(polygon.min(axis=0), polygon.max(axis=0), size):
        return f"outside the image of {size[1]} x {size[0]}"
    return None


def _repaired(polygon: np.ndarray) -> np.ndarray | None:
    """Return the polygon that was most likely meant by a polygon that crosses itself; None when there is none."""
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
