"""What a metric declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppocr.declarations import Declared
from ppocr.results import Result


class Metric(Declared):
    """Counts results against labels; several processes add up what they counted.

    Attributes:
        needs: keys of the batch.
        result: type of the results it measures.
        main_indicator: the score that decides which checkpoint is best; higher is better.
    """

    needs: tuple[str, ...] = ()
    result: type[Result]
    main_indicator: str

    def reset(self) -> None:
        """Forget everything counted."""
        raise TypeError(f"{type(self).__name__} does not implement reset")

    def __call__(self, results: Sequence[Any], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: one per image.
            batch: what `needs` names.
        """
        raise TypeError(f"{type(self).__name__} does not implement __call__")

    def get_metric(self) -> dict[str, Any]:
        """Return the scores of everything counted since the last reset."""
        raise TypeError(f"{type(self).__name__} does not implement get_metric")

    def state(self) -> dict[str, Any]:
        """Return what was counted, to be merged with other processes'."""
        raise TypeError(f"{type(self).__name__} does not implement state")

    def merge(self, states: Iterable[Mapping[str, Any]]) -> None:
        """Replace what was counted by the sum of several states."""
        raise TypeError(f"{type(self).__name__} does not implement merge")
