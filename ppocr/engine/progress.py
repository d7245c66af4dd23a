"""Showing how training goes: a bar on a terminal, plain lines elsewhere and in train.log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ppocr.engine.device import memory_megabytes
from ppocr.engine.log import console, get_logger, on_terminal
from ppocr.engine.meters import Meters

TIMES = " | "  # what stands before it in a line is the same in a resumed run, what comes after are times


class Progress:
    """Times the steps and writes the lines; only rank 0 shows anything.

    Args:
        epochs: number of epochs.
        steps_per_epoch: optimisation steps in an epoch.
        shown: whether this rank prints.
    """

    def __init__(self, *, epochs: int, steps_per_epoch: int, shown: bool = True) -> None:
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.total_steps = epochs * steps_per_epoch
        self.shown = shown
        self._times = Meters(50)
        self._mark = time.perf_counter()
        self.best = ""  # of the evaluations so far, for the bar
        self._read = 0.0
        self._bar: Any = None
        self._task: Any = None
        if shown and on_terminal():
            self._start_bar()

    def _start_bar(self) -> None:
        try:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar
        except ImportError:
            return
        columns = [TextColumn("{task.fields[epoch]}"), BarColumn(24), MofNCompleteColumn()]
        columns += [TextColumn("{task.fields[numbers]}"), TimeRemainingColumn()]
        self._bar = Bar(*columns, console=console(), transient=True)
        self._task = self._bar.add_task("train", total=self.total_steps, epoch="", numbers="")
        self._bar.start()

    def restart_clock(self) -> None:
        """Forget the time since the last mark: it was not spent on a step."""
        self._mark = time.perf_counter()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Return the context of waiting for a batch from the loader."""
        begun = time.perf_counter()
        yield
        self._read += time.perf_counter() - begun

    def step_done(self, samples: int) -> None:
        """Note the end of an optimisation step.

        Args:
            samples: images it took, on all ranks.
        """
        now = time.perf_counter()
        self._times.update(read=self._read, step=now - self._mark, samples=samples)
        self._read, self._mark = 0.0, now

    def line(self, position: Any, meters: Meters, lr: float) -> str:
        """Return the log line of a step.

        Args:
            position: has `epoch`, `step_in_epoch` and `global_step`.
            meters: loss parts and training metrics.
            lr: learning rate of the step just done.
        """
        numbers = "  ".join(f"{name} {meters[name]:.6g}" for name in meters.names())
        return (
            f"epoch {position.epoch}/{self.epochs}  step {position.step_in_epoch}/{self.steps_per_epoch}  "
            f"global_step {position.global_step}  {numbers}  lr {lr:.6g}{TIMES}{self.times(position.global_step)}"
        )

    def times(self, global_step: int) -> str:
        """Return the part of a line that differs from run to run."""
        step = max(self._times.get("step"), 1e-9)
        left = int((self.total_steps - global_step) * step)
        memory = "  ".join(f"{name} {value:.0f} MB" for name, value in memory_megabytes().items())
        return (
            f"reader {self._times.get('read'):.4f} s  batch {step:.4f} s  {self._times.get('samples') / step:.1f} "
            f"samples/s  eta {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}  {memory}"
        )

    def rate(self) -> dict[str, float]:
        """Return seconds reading and in all per step, and samples per second."""
        step = max(self._times.get("step"), 1e-9)
        return {
            "reader_seconds": self._times.get("read"),
            "step_seconds": step,
            "samples_per_second": self._times.get("samples") / step,
        }

    def show(self, position: Any, meters: Meters, lr: float, *, log: bool) -> None:
        """Move the bar and, when `log`, write the line."""
        if not self.shown:
            return
        if self._bar is not None:
            numbers = "  ".join(f"{name} {meters[name]:.4g}" for name in meters.names())
            rate = self.rate()
            memory = "  ".join(f"{name} {value:.0f} MB" for name, value in memory_megabytes().items())
            self._bar.update(
                self._task,
                completed=position.global_step,
                epoch=f"epoch {position.epoch}/{self.epochs}",
                numbers=f"{numbers}  lr {lr:.3g}  {self.best}  {rate['samples_per_second']:.0f} samples/s  "
                f"reader {rate['reader_seconds']:.3f} of {rate['step_seconds']:.3f} s  {memory}",
            )
        if log:
            get_logger().info(self.line(position, meters, lr))

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
