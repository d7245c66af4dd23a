"""How often images were given the right class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppocr.metrics.base import Metric
from ppocr.registry import METRICS
from ppocr.results import Classification

EPSILON = 1e-5  # upstream: added to the number of images, so that a perfect score is slightly below 1


@METRICS.register("ClsMetric", scope="cls")
class ClsMetric(Metric):
    """Share of images whose most probable class is their label.

    Args:
        main_indicator: the number that decides which checkpoint is best.
    """

    result = Classification
    needs = ("text",)

    def __init__(self, main_indicator: str = "acc") -> None:
        self.main_indicator = main_indicator
        self.reset()

    def reset(self) -> None:
        """Forget everything counted."""
        self._counts = {"total": 0, "right": 0}

    def __call__(self, results: Sequence[Classification], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: one for each image.
            batch: `text`, the label of each image.
        """
        for found, label in zip(results, batch["text"]):
            self._counts["total"] += 1
            self._counts["right"] += found.label == label

    def get_metric(self) -> dict[str, float]:
        """Return `acc` of everything counted since the last reset."""
        return {"acc": self._counts["right"] / (self._counts["total"] + EPSILON)}

    def state(self) -> dict[str, int]:
        """Return what was counted, to be merged with other processes'."""
        return dict(self._counts)

    def merge(self, states: Iterable[Mapping[str, int]]) -> None:
        """Replace what was counted by the sum of several states."""
        self.reset()
        for state in states:
            for name in self._counts:
                self._counts[name] += state[name]
