"""Accuracy of image classification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppocr.metrics.base import Metric
from ppocr.registry import METRICS
from ppocr.results import Classification

EPSILON = 1e-5  # upstream: added to the number of images, so that a perfect score is slightly below 1


@METRICS.register("ClsMetric", scope="cls")
class ClsMetric(Metric):
    """Fraction of images whose most probable class is their label.

    Args:
        main_indicator: the score that selects the best checkpoint.
    """

    result = Classification
    needs = ("text",)

    def __init__(self, main_indicator: str = "acc") -> None:
        self.main_indicator = main_indicator
        self.reset()

    def reset(self) -> None:
        """Reset the counts."""
        self._counts: Counter[str] = Counter()

    def __call__(self, results: Sequence[Classification], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: one for each image.
            batch: `text`, the label of each image.
        """
        for result, label in zip(results, batch["text"]):
            self._counts.update(total=1, right=result.label == label)

    def get_metric(self) -> dict[str, float]:
        """Return `acc` of everything counted since the last reset."""
        return {"acc": self._counts["right"] / (self._counts["total"] + EPSILON)}

    def state(self) -> dict[str, int]:
        """Return the counts, to be merged with those of other processes."""
        return dict(self._counts)

    def merge(self, states: Iterable[Mapping[str, int]]) -> None:
        """Replace the counts by the sum of several states."""
        self.reset()
        for state in states:
            self._counts.update(state)
