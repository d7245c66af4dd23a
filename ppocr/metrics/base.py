"""What a metric declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppocr.declarations import Declared
from ppocr.results import Result


class Metric(Declared):
    """Compares results with labels; the counts of several processes can be added.

    Attributes:
        needs: keys of the batch.
        result: type of the results it measures.
        per_model: whether it takes results of several models, `OfModels`.
        main_indicator: the score that selects the best checkpoint; higher is better.
    """

    needs: tuple[str, ...] = ()
    result: type[Result]
    per_model: bool = False
    main_indicator: str

    def reset(self) -> None:
        """Reset the counts."""
        raise TypeError(f"{type(self).__name__} does not implement reset")

    def __call__(self, results: Sequence[Any], batch: Mapping[str, Any]) -> None:
        """Count a batch.

        Args:
            results: one per image.
            batch: the keys in `needs`.
        """
        raise TypeError(f"{type(self).__name__} does not implement __call__")

    def get_metric(self) -> dict[str, Any]:
        """Return the scores of everything counted since the last reset."""
        raise TypeError(f"{type(self).__name__} does not implement get_metric")

    def state(self) -> dict[str, Any]:
        """Return the counts, to be merged with those of other processes."""
        raise TypeError(f"{type(self).__name__} does not implement state")

    def merge(self, states: Iterable[Mapping[str, Any]]) -> None:
        """Replace the counts by the sum of several states."""
        raise TypeError(f"{type(self).__name__} does not implement merge")
