"""How well text instances are detected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from ppocr.metrics.base import Metric
from ppocr.registry import METRICS
from ppocr.results import Detection

MATCHING_IOU = 0.5
COVERED_SHARE = 0.5  # a detection of which more lies on an ignored text instance is ignored too
SHOWN = ("instances", "ignored", "detections", "matched")


@METRICS.register("DetMetric")
class DetMetric(Metric):
    """Precision, recall and their harmonic mean at an overlap of one half, as ICDAR 2015 measures detection.

    Polygons that cross themselves do not count, on either side. Text instances marked as ignored are neither missed nor
    matched, and detections that lie on them by more than half are no errors.

    Args:
        main_indicator: the number that decides which checkpoint is best.

    Source: the evaluation of ICDAR 2015, challenge 4, task 1 (https://rrc.cvc.uab.es/?ch=4).
    """

    needs = ("polys", "ignore_tags")
    result = Detection

    def __init__(self, main_indicator: str = "hmean") -> None:
        self.main_indicator = main_indicator
        self.reset()

    def reset(self) -> None:
        """Forget everything counted."""
        self._counts: Counter[str] = Counter()
        self._peak = 0.0

    def __call__(self, results: Sequence[Detection], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: one for each image.
            batch: `polys` ([N, P, 2]) and `ignore_tags` ([N]) of each image.
        """
        for found, polys, ignored in zip(results, batch["polys"], batch["ignore_tags"]):
            self._counts.update(compare(found.points, polys, np.asarray(ignored, bool)), images=1)
            if np.isfinite(found.peak):
                self._counts["peaks"] += 1  # images whose highest probability is a number
                self._peak = max(self._peak, float(found.peak))

    def get_metric(self) -> dict[str, float]:
        """Return the scores of everything counted since the last reset.

        Returns:
            precision, recall, hmean; the counts instances (that matter), ignored, detections (that matter) and
            matched; and peak, the highest probability of any map.
        """
        counts = self._counts
        precision = counts["matched"] / counts["detections"] if counts["detections"] else 0.0
        recall = counts["matched"] / counts["instances"] if counts["instances"] else 0.0
        both = precision + recall
        scores = {"precision": precision, "recall": recall, "hmean": 2 * precision * recall / both if both else 0.0}
        return {**scores, **{name: counts[name] for name in SHOWN}, "peak": self._peak}

    def remarks(self) -> list[str]:
        """Return what explains a score of nothing."""
        counts, lines = self._counts, []
        if counts["images"] and not counts["instances"]:
            why = "every text instance is '###'" if counts["ignored"] else "no image has a text instance"
            lines.append(f"{why}: there is nothing for hmean to measure")
        if counts["images"] and counts["instances"] and not counts["detections"]:
            why = "no map has a highest probability, as when its values are NaN"
            if counts["peaks"]:
                peak = f"the highest probability is {self._peak:.3g}"
                why = f"{peak}; PostProcess.thresh and box_thresh decide what counts"
            lines.append(f"nothing was detected: {why}")
        return lines

    def state(self) -> dict[str, Any]:
        """Return what was counted, to be merged with other processes'."""
        return {**self._counts, "peak": self._peak}

    def merge(self, states: Iterable[Mapping[str, Any]]) -> None:
        """Replace what was counted by the sum of several states."""
        self.reset()
        for state in states:
            counts = dict(state)
            self._peak = max(self._peak, counts.pop("peak"))
            self._counts.update(counts)


def compare(found: Sequence[np.ndarray], polys: Sequence[np.ndarray], ignored: np.ndarray) -> dict[str, int]:
    """Count the text instances of one image.

    Args:
        found: detected polygons, [P, 2] each.
        polys: labelled polygons, [P, 2] each.
        ignored: bool [N], which of those do not matter.
    """
    labels, kept = as_shapes(polys)
    ignored = ignored[kept]
    detections, _ = as_shapes(found)
    rows, columns, common = overlaps(labels, detections)
    label_areas, areas = shapely.area(labels), shapely.area(detections)
    dropped = np.zeros(len(detections), bool)
    on_ignored = ignored[rows] & (common > COVERED_SHARE * areas[columns])
    dropped[columns[on_ignored]] = True
    matching = common / (label_areas[rows] + areas[columns] - common) > MATCHING_IOU
    matching &= ~ignored[rows] & ~dropped[columns]
    used_labels: set[int] = set()
    used: set[int] = set()
    for row, column in zip(rows[matching].tolist(), columns[matching].tolist()):
        if row not in used_labels and column not in used:
            used_labels.add(row)
            used.add(column)
    return {
        "instances": int((~ignored).sum()),
        "ignored": int(ignored.sum()),
        "detections": int((~dropped).sum()),
        "matched": len(used),
    }


def as_shapes(polygons: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the valid ones of some polygons as shapely objects, and which of them these are, int64 [V]."""
    arrays = [np.asarray(p, np.float64) for p in polygons]
    kept = [i for i, a in enumerate(arrays) if len(a) >= 3 and np.isfinite(a).all()]  # GEOS refuses rings with NaN
    if not kept:
        return np.zeros(0, object), np.zeros(0, int)
    ring_of_point = np.repeat(np.arange(len(kept)), [len(arrays[i]) for i in kept])
    shapes = shapely.polygons(shapely.linearrings(np.concatenate([arrays[i] for i in kept]), indices=ring_of_point))
    valid = shapely.is_valid(shapes) & (shapely.area(shapes) > 0)
    return shapes[valid], np.array(kept)[valid]


def overlaps(labels: np.ndarray, detections: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of shapes that overlap, by rows then columns, and the area they share.

    Only pairs whose bounding boxes overlap are intersected.
    """
    a, b = shapely.bounds(labels).reshape(-1, 4), shapely.bounds(detections).reshape(-1, 4)
    near = (a[:, None, :2] < b[None, :, 2:]).all(axis=2) & (b[None, :, :2] < a[:, None, 2:]).all(axis=2)
    rows, columns = np.nonzero(near)
    return rows, columns, shapely.area(shapely.intersection(labels[rows], detections[columns]))
