"""Accuracy and edit distance of text recognition."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rapidfuzz.distance import Levenshtein

from ppocr.metrics.base import Metric
from ppocr.registry import METRICS
from ppocr.results import Recognition

EPSILON = 1e-5  # upstream: added to the number of samples, so that a perfect score is slightly below 1
NOT_ALPHANUMERIC = re.compile("[^0-9a-zA-Z]")


@METRICS.register("RecMetric")
class RecMetric(Metric):
    """Line accuracy and edit distances.

    Args:
        main_indicator: the score that selects the best checkpoint.
        is_filter: compares digits and Latin letters only, lower-cased.
        ignore_space: whether `acc` and `norm_edit_dis` leave spaces out; `acc_with_space` and
            `acc_without_space` report both ways in any case.
    """

    needs = ("text",)
    result = Recognition

    def __init__(self, main_indicator: str = "acc", is_filter: bool = False, ignore_space: bool = True) -> None:
        self.main_indicator = main_indicator
        self.is_filter = is_filter
        self.ignore_space = ignore_space
        self.reset()

    def reset(self) -> None:
        """Reset the counts."""
        self._counts: Counter[str] = Counter()
        # (edits, longer length) of a pair, and how often: whole numbers add up the same in any order
        self._distances: Counter[tuple[int, int]] = Counter()

    def __call__(self, results: Sequence[Recognition], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: one for each image.
            batch: `text`, the raw label of each image.
        """
        for result, label in zip(results, batch["text"]):
            self._count(result.text, label)

    def _count(self, predicted: str, label: str) -> None:
        if self.is_filter:
            predicted, label = (NOT_ALPHANUMERIC.sub("", t).lower() for t in (predicted, label))
        bare, bare_label = predicted.replace(" ", ""), label.replace(" ", "")
        scored = (bare, bare_label) if self.ignore_space else (predicted, label)
        counts = self._counts
        counts["total"] += 1
        counts["right"] += scored[0] == scored[1]
        counts["right_with_space"] += predicted == label
        counts["right_without_space"] += bare == bare_label
        counts["edits"] += Levenshtein.distance(predicted, label)
        counts["characters"] += len(label)
        words, label_words = predicted.split(), label.split()
        counts["word_edits"] += Levenshtein.distance(words, label_words)
        counts["words"] += len(label_words)
        self._distances[Levenshtein.distance(*scored), max(map(len, scored))] += 1

    def get_metric(self) -> dict[str, float]:
        """Return the scores of everything counted since the last reset.

        Returns:
            acc, norm_edit_dis (one minus the mean normalised edit distance), cer and wer (edits by label
            characters and words), acc_with_space, acc_without_space.
        """
        counts = self._counts
        total = counts["total"] + EPSILON
        return {
            "acc": counts["right"] / total,
            "norm_edit_dis": 1 - self._distance() / total,
            "cer": counts["edits"] / max(counts["characters"], 1),
            "wer": counts["word_edits"] / max(counts["words"], 1),
            "acc_with_space": counts["right_with_space"] / total,
            "acc_without_space": counts["right_without_space"] / total,
        }

    def state(self) -> dict[str, Any]:
        """Return the counts, to be merged with those of other processes."""
        return {**self._counts, "distances": [[*pair, n] for pair, n in sorted(self._distances.items())]}

    def merge(self, states: Iterable[Mapping[str, Any]]) -> None:
        """Replace the counts by the sum of several states."""
        self.reset()
        for state in states:
            counts = dict(state)
            for edits, longest, n in counts.pop("distances"):
                self._distances[edits, longest] += n
            self._counts.update(counts)

    def _distance(self) -> float:
        """Return the sum of the normalised edit distances."""
        return math.fsum(n * edits / longest for (edits, longest), n in self._distances.items() if longest)
