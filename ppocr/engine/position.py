"""Where a run stands: the step it has done, and its best evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Position:
    """Where training stands; a step is one update of the weights.

    Args:
        epoch: the epoch being trained, from 1.
        batches: batches each rank has read in it.
        step_in_epoch: steps done in it.
        global_step: steps done in all.
    """

    epoch: int = 1
    batches: int = 0
    step_in_epoch: int = 0
    global_step: int = 0


@dataclass
class Best:
    """The best evaluation so far.

    Args:
        value: its main indicator.
        epoch: when.
        global_step: when.
    """

    value: float = -math.inf
    epoch: int = 0
    global_step: int = 0

    def beaten_by(self, value: float) -> bool:
        """Return whether a value is better; ties and values that are not finite are not."""
        return math.isfinite(value) and value > self.value
