"""Learning rates as functions of the step alone, so that resuming is exact."""

from __future__ import annotations

import bisect
import math
from typing import Any, Literal

from paddle.optimizer.lr import LRScheduler

from ppocr.config.ranges import Count, LearningRate, NonNegative, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.registry import SCHEDULES


class Schedule(LRScheduler):
    """A learning rate with a linear warm-up from zero before it.

    A subclass gives `rate(step)`, counted from the end of the warm-up.

    Args:
        peak: learning rate at the end of the warm-up.
        warmup_epoch: length of the warm-up in epochs; rounded to steps, halves to even.
        steps_per_epoch: optimisation steps of an epoch.
    """

    last_step: int | None = None  # the rate of this step holds after it, in a run longer than its schedule

    def __init__(self, peak: float, warmup_epoch: float = 0, steps_per_epoch: int = 1) -> None:
        self.peak = peak
        self.warmup = round(warmup_epoch * steps_per_epoch)
        super().__init__(learning_rate=peak)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step after the warm-up, from 0."""
        return self.peak

    def get_lr(self) -> float:
        """Return the learning rate of the current step."""
        step = self.last_epoch if self.last_step is None else min(self.last_epoch, self.last_step)
        if step < self.warmup:
            return self.peak * step / self.warmup
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


def half_cosine(step: float, period: float) -> float:
    """Return a half cosine: 1 at step 0, 0 at `period`, rising again after it."""
    return (1 + math.cos(math.pi * step / period)) / 2


@SCHEDULES.register("Const")
class Const(Schedule):
    """The same rate throughout."""

    def __init__(
        self, learning_rate: LearningRate, warmup_epoch: NonNegative = 0, steps_per_epoch: Filled[int] = 1
    ) -> None:
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)


@SCHEDULES.register("Cosine")
class Cosine(Schedule):
    """Half a cosine over the run (Loshchilov and Hutter, ICLR 2017)."""

    def __init__(
        self,
        learning_rate: LearningRate,
        warmup_epoch: NonNegative = 0,
        epochs: Filled[int] = 1,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.period = epochs * steps_per_epoch
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.peak * half_cosine(step, self.period)


@SCHEDULES.register("CyclicalCosine")
class CyclicalCosine(Schedule):
    """Half a cosine, repeated.

    Args:
        cycle: epochs of one period.
    """

    def __init__(
        self, learning_rate: LearningRate, cycle: Count, warmup_epoch: NonNegative = 0, steps_per_epoch: Filled[int] = 1
    ) -> None:
        self.period = cycle * steps_per_epoch
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.peak * half_cosine(step % self.period, self.period)


@SCHEDULES.register("TwoStepCosine")
class TwoStepCosine(Schedule):
    """Half a cosine of 200 epochs, then one as long as the run, joined where the first ends."""

    ignored_keys: tuple[str, ...] = ("T_max1", "T_max2")  # upstream: overwritten by the two lengths above

    def __init__(
        self,
        learning_rate: LearningRate,
        warmup_epoch: NonNegative = 0,
        epochs: Filled[int] = 1,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.periods = (200 * steps_per_epoch, epochs * steps_per_epoch)
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.peak * half_cosine(step, self.periods[step > self.periods[0]])


@SCHEDULES.register("LinearWarmupCosine")
class LinearWarmupCosine(Schedule):
    """A warm-up counted in steps from `start_lr`, then half a cosine down to `min_lr`."""

    def __init__(
        self,
        learning_rate: LearningRate,
        warmup_steps: Whole = 0,
        start_lr: LearningRate = 1e-5,
        min_lr: LearningRate = 1e-8,
        epochs: Filled[int] = 1,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.period = epochs * steps_per_epoch
        self.warmup_steps, self.start_lr, self.min_lr = warmup_steps, start_lr, min_lr
        super().__init__(learning_rate)

    def rate(self, step: int) -> float:
        """See the base class."""
        if step < self.warmup_steps:
            return self.start_lr + (self.peak - self.start_lr) * step / self.warmup_steps
        return self.min_lr + (self.peak - self.min_lr) * half_cosine(step - self.warmup_steps, self.period)


@SCHEDULES.register("Linear")
class Linear(Schedule):
    """A polynomial down to `end_lr`, reached at the end of the run."""

    def __init__(
        self,
        learning_rate: LearningRate,
        end_lr: LearningRate = 0.0,
        power: NonNegative = 1.0,
        warmup_epoch: NonNegative = 0,
        epochs: Filled[int] = 1,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.period, self.end_lr, self.power = epochs * steps_per_epoch, end_lr, power
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        left = 1 - min(step, self.period) / self.period
        return self.end_lr + (self.peak - self.end_lr) * left**self.power


@SCHEDULES.register("DecayLearningRate")
class DecayLearningRate(Schedule):
    """A polynomial of power `factor` down to zero at the end of the run."""

    ignored_keys: tuple[str, ...] = ("end_lr",)  # upstream: unused, the rate goes to zero

    def __init__(
        self,
        learning_rate: LearningRate,
        factor: NonNegative = 0.9,
        warmup_epoch: NonNegative = 0,
        epochs: Filled[int] = 1,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.period, self.factor = epochs * steps_per_epoch, factor
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.peak * max(0.0, 1 - step / self.period) ** self.factor


@SCHEDULES.register("Step")
class Step(Schedule):
    """Multiplied by `gamma` every `step_size` epochs."""

    def __init__(
        self,
        learning_rate: LearningRate,
        step_size: Count,
        gamma: NonNegative = 0.1,
        warmup_epoch: NonNegative = 0,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.every, self.gamma = step_size * steps_per_epoch, gamma
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.peak * self.gamma ** (step // self.every)


@SCHEDULES.register("MultiStepDecay")
class MultiStepDecay(Schedule):
    """Multiplied by `gamma` at each of the epochs in `milestones`."""

    def __init__(
        self,
        learning_rate: LearningRate,
        milestones: list[Whole],
        gamma: NonNegative = 0.1,
        warmup_epoch: NonNegative = 0,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        self.milestones, self.gamma = [m * steps_per_epoch for m in milestones], gamma
        super().__init__(learning_rate, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.peak * self.gamma ** bisect.bisect_right(self.milestones, step)


@SCHEDULES.register("Piecewise")
class Piecewise(Schedule):
    """`values[i]` until epoch `decay_epochs[i]`, the last value after all of them."""

    ignored_keys: tuple[str, ...] = ("learning_rate",)  # unused: the rates are `values`

    def __init__(
        self,
        decay_epochs: list[Whole],
        values: list[LearningRate],
        warmup_epoch: NonNegative = 0,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        if len(values) != len(decay_epochs) + 1:
            raise ConfigError(
                f"Optimizer.lr: {len(decay_epochs)} decay_epochs need {len(decay_epochs) + 1} values, got {len(values)}"
            )
        self.boundaries, self.values = [e * steps_per_epoch for e in decay_epochs], list(values)
        super().__init__(values[0], warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        return self.values[bisect.bisect_right(self.boundaries, step)]


@SCHEDULES.register("OneCycle")
class OneCycle(Schedule):
    """Up to `max_lr` and down again, once over the run (Smith and Topin, 2019).

    Args:
        max_lr: the highest rate.
        anneal_strategy: "cos" or "linear".
        three_phase: first back to the initial rate as fast as it rose, then down to the last one.
    """

    def __init__(
        self,
        max_lr: LearningRate,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        three_phase: bool = False,
        warmup_epoch: NonNegative = 0,
        epochs: Filled[int] = 1,
        steps_per_epoch: Filled[int] = 1,
    ) -> None:
        total, rising = epochs * steps_per_epoch, 0.3
        first, last = max_lr / 25, max_lr / 25 / 1e4
        self.linear = anneal_strategy == "linear"
        self.marks = [(0.0, first), (rising * total - 1, max_lr)]
        if three_phase:
            self.marks.append((2 * rising * total - 2, first))
        self.marks.append((float(total - 1), last))
        super().__init__(max_lr, warmup_epoch, steps_per_epoch)

    def rate(self, step: int) -> float:
        """See the base class."""
        for (start, low), (end, high) in zip(self.marks, self.marks[1:]):
            if step <= end:
                part = (step - start) / (end - start)
                return high + (low - high) * (1 - part if self.linear else half_cosine(part, 1))
        return self.marks[-1][1]
