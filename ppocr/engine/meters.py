"""Running averages of what is logged, with a state so that a resumed run prints the same lines."""

from __future__ import annotations

from collections import deque
from typing import Any


class Meters:
    """The mean of the last values of each name.

    Args:
        window: how many values each mean is over (`Global.log_smooth_window`).
    """

    def __init__(self, window: int = 20) -> None:
        self.window = max(1, int(window))
        self._values: dict[str, deque[float]] = {}

    def update(self, **values: float) -> None:
        """Add one value per name."""
        for name, value in values.items():
            self._values.setdefault(name, deque(maxlen=self.window)).append(float(value))

    def __getitem__(self, name: str) -> float:
        values = self._values[name]
        return sum(values) / len(values)

    def get(self, name: str, default: float = 0.0) -> float:
        """Return a mean, or the default when nothing was added under that name."""
        return self[name] if self._values.get(name) else default

    def names(self) -> list[str]:
        """Return the names in the order they first came."""
        return list(self._values)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {name: list(values) for name, values in self._values.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Take over a checkpoint's values."""
        self._values = {str(k): deque((float(v) for v in values), maxlen=self.window) for k, values in state.items()}
