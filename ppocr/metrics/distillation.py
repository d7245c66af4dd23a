"""Scores of several models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppocr.metrics.base import Metric
from ppocr.registry import METRICS
from ppocr.results import OfModels


@METRICS.register()
class DistillationMetric(Metric):
    """A metric of each model; the scores of one keep their names, those of others begin with the model's.

    Args:
        key: the model whose scores keep their names, the main indicator among them.
        base_metric_name: the metric.
        main_indicator: see the metric.
        ignore_space: see `RecMetric`; refused by other metrics, and so is the next.
        is_filter: see `RecMetric`.

    Raises:
        ConfigError: an unknown metric, or a key it does not have.
    """

    per_model = True

    def __init__(
        self,
        key: str,
        base_metric_name: str = "RecMetric",
        main_indicator: str | None = None,
        ignore_space: bool | None = None,
        is_filter: bool | None = None,
    ) -> None:
        options = {"main_indicator": main_indicator, "ignore_space": ignore_space, "is_filter": is_filter}
        self._spec = {"name": base_metric_name, **{k: v for k, v in options.items() if v is not None}}
        self.key = key
        main = METRICS.build(self._spec)
        self.result, self.needs, self.main_indicator = main.result, main.needs, main.main_indicator
        self.reset()

    def reset(self) -> None:
        """Reset the counts."""
        self._metrics: defaultdict[str, Any] = defaultdict(lambda: METRICS.build(self._spec))

    def __call__(self, results: Sequence[OfModels], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: of all models, one per image.
            batch: the keys in `needs`.
        """
        for model in results[0].by_model if results else ():
            self._metrics[model]([each.by_model[model] for each in results], batch)

    def get_metric(self) -> dict[str, Any]:
        """Return the scores of the model `key`, and those of others as `<model>_<score>`."""
        others = {m: metric for m, metric in self._metrics.items() if m != self.key}
        return {
            **self._metrics[self.key].get_metric(),
            **{f"{m}_{name}": score for m, metric in others.items() for name, score in metric.get_metric().items()},
        }

    def state(self) -> dict[str, Any]:
        """Return the counts by model, to be merged with those of other processes."""
        return {model: metric.state() for model, metric in self._metrics.items()}

    def merge(self, states: Iterable[Mapping[str, Any]]) -> None:
        """Replace the counts by the sum of several states."""
        self.reset()
        states = list(states)
        for model in dict.fromkeys(model for state in states for model in state):
            counts = [state[model] for state in states if model in state]
            self._metrics[model].merge(counts)
