"""Where a run stands: the step it has done, and its best evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ppocr.engine.structure import Number, Positive, Whole


@dataclass
class Position:
    """Where training stands; a step is one update of the weights.

    Args:
        epoch: the epoch being trained, from 1.
        batches: batches each rank has read in it.
        step_in_epoch: steps done in it.
        global_step: steps done in all.
    """

    epoch: Positive = 1
    batches: Whole = 0
    step_in_epoch: Whole = 0
    global_step: Whole = 0

    def __str__(self) -> str:
        return f"epoch {self.epoch}, step {self.step_in_epoch} (global step {self.global_step})"

    def upcoming(self) -> str:
        """Return the step after those done, in words."""
        return f"epoch {self.epoch}, step {self.step_in_epoch + 1} (global step {self.global_step + 1})"

    def advance(self, batches: int) -> None:
        """Count a step done.

        Args:
            batches: batches each rank read for it.
        """
        self.batches += batches
        self.step_in_epoch += 1
        self.global_step += 1

    def periodic_name(self, every: int) -> str:
        """Return the name of the checkpoint that is due between two epochs, "" for none.

        Args:
            every: epochs from one to the next (`Global.save_epoch_step`), 0 for never.
        """
        over = self.epoch - 1
        due = not self.batches and over > 0 and every > 0 and over % every == 0
        return f"iter_epoch_{over}" if due else ""


@dataclass
class Best:
    """The best evaluation so far.

    Args:
        value: its main indicator.
        epoch: when.
        global_step: when.
    """

    value: Number = -math.inf
    epoch: Whole = 0
    global_step: Whole = 0

    def beaten_by(self, value: float) -> bool:
        """Return whether a value is better; ties and values that are not finite are not."""
        return math.isfinite(value) and value > self.value
