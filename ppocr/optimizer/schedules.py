"""Learning rates as functions of the step alone, so that resuming is exact."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from paddle.optimizer.lr import LRScheduler

from ppocr.config.ranges import Count, LearningRate, NonNegative, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.registry import SCHEDULES


@dataclass(kw_only=True, eq=False)
class Schedule(LRScheduler):
    """A learning rate with a linear warm-up from zero before it.

    A subclass gives `rate(step)`, counted from the end of the warm-up.

    Args:
        learning_rate: at the end of the warm-up.
        warmup_epoch: length of the warm-up in epochs; rounded to steps, halves to even.
        steps_per_epoch: optimisation steps of an epoch.
    """

    learning_rate: LearningRate
    warmup_epoch: NonNegative = 0
    steps_per_epoch: Filled[int] = 1
    # the rate of this step holds after it, in a run longer than its schedule
    last_step: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.warmup = round(self.warmup_epoch * self.steps_per_epoch)
        super().__init__(self.learning_rate)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step after the warm-up, from 0."""
        return self.learning_rate

    def get_lr(self) -> float:
        """Return the learning rate of the current step."""
        step = self.last_epoch if self.last_step is None else min(self.last_epoch, self.last_step)
        if step < self.warmup:
            return self.learning_rate * step / self.warmup
        return self.rate(step - self.warmup)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint: step and rate; those after the warm-up are nested as by official tools."""
        state = super().state_dict()
        if self.warmup:
            after = max(0, self.last_epoch - self.warmup)
            state["LinearWarmup_LR"] = {"last_epoch": after, "last_lr": self.rate(after)}
        return state

    def set_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue at a checkpoint's step; a nested schedule is unused, as rates depend on the step alone."""
        super().set_state_dict({key: value for key, value in state_dict.items() if key != "LinearWarmup_LR"})


@dataclass(kw_only=True, eq=False)
class RunSchedule(Schedule):
    """A schedule as long as the run.

    Args:
        epochs: of the run.
    """

    epochs: Filled[int] = 1

    @property
    def period(self) -> int:
        """Steps of the run."""
        return self.epochs * self.steps_per_epoch


def half_cosine(step: float, period: float) -> float:
    """Return a half cosine: 1 at step 0, 0 at `period`, rising again after it."""
    return (1 + math.cos(math.pi * step / period)) / 2


@SCHEDULES.register("Const")
class Const(Schedule):
    """The same rate throughout."""


@SCHEDULES.register("Cosine")
class Cosine(RunSchedule):
    """Half a cosine over the run (Loshchilov and Hutter, ICLR 2017)."""

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.learning_rate * half_cosine(step, self.period)


@SCHEDULES.register("CyclicalCosine")
@dataclass(kw_only=True, eq=False)
class CyclicalCosine(Schedule):
    """Half a cosine, repeated.

    Args:
        cycle: epochs of one period.
    """

    cycle: Count

    def rate(self, step: int) -> float:
        """See the base class."""
        period = self.cycle * self.steps_per_epoch
        return self.learning_rate * half_cosine(step % period, period)


@SCHEDULES.register("TwoStepCosine")
class TwoStepCosine(RunSchedule):
    """Half a cosine of 200 epochs, then one as long as the run, joined where the first ends."""

    ignored_keys = ("T_max1", "T_max2")  # upstream: overwritten by the two lengths above

    def rate(self, step: int) -> float:
        """See the base class."""
        first = 200 * self.steps_per_epoch
        return self.learning_rate * half_cosine(step, self.period if step > first else first)


@SCHEDULES.register("LinearWarmupCosine")
@dataclass(kw_only=True, eq=False)
class LinearWarmupCosine(RunSchedule):
    """A warm-up counted in steps from `start_lr`, then half a cosine down to `min_lr`."""

    warmup_epoch: float = field(default=0, init=False)
    warmup_steps: Whole = 0
    start_lr: LearningRate = 1e-5
    min_lr: LearningRate = 1e-8

    def rate(self, step: int) -> float:
        """See the base class."""
        if step < self.warmup_steps:
            return self.start_lr + (self.learning_rate - self.start_lr) * step / self.warmup_steps
        return self.min_lr + (self.learning_rate - self.min_lr) * half_cosine(step - self.warmup_steps, self.period)


@SCHEDULES.register("Linear")
@dataclass(kw_only=True, eq=False)
class Linear(RunSchedule):
    """A polynomial down to `end_lr`, reached at the end of the run."""

    end_lr: LearningRate = 0.0
    power: NonNegative = 1.0

    def rate(self, step: int) -> float:
        """See the base class."""
        left = 1 - min(step, self.period) / self.period
        return self.end_lr + (self.learning_rate - self.end_lr) * left**self.power


@SCHEDULES.register("DecayLearningRate")
@dataclass(kw_only=True, eq=False)
class DecayLearningRate(RunSchedule):
    """A polynomial of power `factor` down to zero at the end of the run."""

    ignored_keys = ("end_lr",)  # upstream: unused, the rate goes to zero

    factor: NonNegative = 0.9

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.learning_rate * max(0.0, 1 - step / self.period) ** self.factor


@SCHEDULES.register("Step")
@dataclass(kw_only=True, eq=False)
class Step(Schedule):
    """Multiplied by `gamma` every `step_size` epochs."""

    step_size: Count
    gamma: NonNegative = 0.1

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.learning_rate * self.gamma ** (step // (self.step_size * self.steps_per_epoch))


@SCHEDULES.register("MultiStepDecay")
@dataclass(kw_only=True, eq=False)
class MultiStepDecay(Schedule):
    """Multiplied by `gamma` at each of the epochs in `milestones`."""

    milestones: list[Whole]
    gamma: NonNegative = 0.1

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.learning_rate * self.gamma ** bisect.bisect_right(self.milestones, step // self.steps_per_epoch)


@SCHEDULES.register("Piecewise")
@dataclass(kw_only=True, eq=False)
class Piecewise(Schedule):
    """`values[i]` until epoch `decay_epochs[i]`, the last value after all of them."""

    ignored_keys = ("learning_rate",)  # unused: the rates are `values`

    learning_rate: float = field(init=False)
    decay_epochs: list[Whole]
    values: list[LearningRate]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.decay_epochs) + 1:
            count = len(self.decay_epochs)
            raise ConfigError(f"Optimizer.lr: {count} decay_epochs need {count + 1} values, got {len(self.values)}")
        self.learning_rate = self.values[0]
        super().__post_init__()

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.values[bisect.bisect_right(self.decay_epochs, step // self.steps_per_epoch)]


@SCHEDULES.register("OneCycle")
@dataclass(kw_only=True, eq=False)
class OneCycle(RunSchedule):
    """Up to `max_lr` and down again, once over the run (Smith and Topin, 2019).

    Args:
        max_lr: the highest rate.
        anneal_strategy: "cos" or "linear".
        three_phase: first back to the initial rate as fast as it rose, then down to the last one.
    """

    learning_rate: float = field(init=False)
    max_lr: LearningRate
    anneal_strategy: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    def __post_init__(self) -> None:
        total, rising = self.period, 0.3
        first, last = self.max_lr / 25, self.max_lr / 25 / 1e4
        self.marks = [(0.0, first), (rising * total - 1, self.max_lr)]
        if self.three_phase:
            self.marks.append((2 * rising * total - 2, first))
        self.marks.append((float(total - 1), last))
        self.learning_rate = self.max_lr
        super().__post_init__()

    def rate(self, step: int) -> float:
        """See the base class."""
        for (start, low), (end, high) in zip(self.marks, self.marks[1:]):
            if step <= end:
                part = (step - start) / (end - start)
                falling = 1 - part if self.anneal_strategy == "linear" else half_cosine(part, 1)
                return high + (low - high) * falling
        return self.marks[-1][1]
