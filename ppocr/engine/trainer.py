"""The training loop."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paddle

from ppocr.engine.amp import MixedPrecision
from ppocr.engine.data_log import DataLog
from ppocr.engine.distributed import World, exchange_gradients, wrap
from ppocr.engine.evaluator import Evaluation, evaluate, report
from ppocr.engine.log import get_logger
from ppocr.engine.loss_monitor import LossMonitor, likely_causes
from ppocr.engine.meters import Meters
from ppocr.engine.position import Best, Position
from ppocr.engine.progress import Progress
from ppocr.engine.rng import seed_step
from ppocr.engine.stop import Stopped, StopSignals
from ppocr.engine.trainer_state import trainer_state
from ppocr.engine.visual import VisualLog
from ppocr.errors import DataError
from ppocr.task import Task

if TYPE_CHECKING:
    from ppocr.engine.checkpoint_manager import CheckpointManager

STOP_CHECK_STEPS = 10  # ranks on GPUs agree about stopping this often, on CPUs at every step


@dataclass
class DataLoaders:
    """The data of a run: the training set, and the set to evaluate on, if any."""

    train: Any
    eval: Any = None


class EpochEnded(DataError):
    """The data ended the run within an epoch; what was trained before is saved."""


class Trainer:
    """Trains a task: reads batches, updates weights, evaluates, saves.

    Args:
        task: what is learned.
        loaders: the data.
        optimizer: an optimizer over the task's parameters and its schedule, as `build_optimizer` returns them.
        settings: the `Global` section.
        checkpoints: writes the checkpoints.
        world: the ranks training together.
        seed: see `engine/rng.py`.
    """

    def __init__(
        self,
        task: Task,
        loaders: DataLoaders,
        optimizer: tuple[Any, Any],
        settings: Any,
        checkpoints: CheckpointManager,
        *,
        world: World | None = None,
        seed: int = 0,
    ) -> None:
        self.task = task
        self.loaders = loaders
        self.settings = settings
        self.checkpoints = checkpoints
        self.world = world or World()
        self.seed = seed
        self.position = Position()
        self.best = Best()
        self.accumulate_steps = max(1, settings.accumulate_steps)
        self.precision = MixedPrecision(settings)
        task.model, self.optimizer = self.precision.decorate(task.model, optimizer[0])
        self.scheduler = optimizer[1]
        self.lr = float(self.optimizer.get_lr())
        task.network = wrap(task.model, self.world, find_unused_parameters=settings.find_unused_parameters)
        self.meters = Meters(settings.log_smooth_window)
        self.loss_monitor = LossMonitor(
            task,
            self.meters,
            where=loaders.train.dataset.describe,
            hint=self._hint,
            metric=copy.deepcopy(task.metric) if settings.cal_metric_during_train else None,
        )
        self.steps_per_epoch = math.ceil(len(loaders.train) / self.accumulate_steps)
        self.stop = StopSignals()
        self._on_gpu = paddle.device.get_device().startswith("gpu")
        self.data_log = DataLog(loaders.train, self.world, settings.max_bad_ratio)
        self.evaluated_at = -1
        self.unknown_reported = False

    def fit(self) -> Best:
        """Train to the last epoch and return the best evaluation.

        Raises:
            NonFiniteLoss: the loss became NaN or infinite.
            DataError: too many samples are bad.
            Stopped: a signal asked to stop; everything is saved.
        """
        started = time.perf_counter()
        first = self.world.first
        self.progress = Progress(epochs=self.settings.epoch_num, steps_per_epoch=self.steps_per_epoch, shown=first)
        self.visual = VisualLog(Path(self.settings.save_model_dir), self.settings.use_visualdl and first)
        try:
            with self.stop:
                while self.position.epoch <= self.settings.epoch_num:
                    self._train_or_stop()
                    self.end_epoch()
                self.evaluate_if_due(self._last_evaluation_is_old())
        finally:
            self.progress.close()
            self.visual.close()
        self._summarise(time.perf_counter() - started)
        return self.best

    def _train_or_stop(self) -> None:
        """Train an epoch; what is trained before its data fail is saved, where there are no ranks to agree with.

        A loader that fails because a signal reached its workers too means stopping.
        """
        try:
            self.train_epoch()
        except EpochEnded:
            raise
        except DataError as error:
            if self.world.together:
                raise
            self.stop_if_asked()
            if not self.position.step_in_epoch:
                raise
            self.save("latest")
            raise EpochEnded(error.message, self._go_on(error.hint)) from error

    def train_epoch(self) -> None:
        """Train on the rest of the current epoch: each step goes along the mean gradient of some micro-batches."""
        position, loader, network = self.position, self.loaders.train, self.task.network
        self.task.model.train()
        self.progress.restart_clock()
        batches = loader.epoch(position.epoch, position.batches)
        for _ in range(position.step_in_epoch, self.steps_per_epoch):
            seed_step(self.seed, position.global_step, self.world.rank)
            micro_batches = min(self.accumulate_steps, len(loader) - position.batches)
            for number in range(1, micro_batches + 1):
                with self.progress.reading():
                    batch = next(batches)
                with exchange_gradients(network, now=number == micro_batches):
                    with self.precision.autocast():
                        preds = self.task.forward(batch)
                    losses = self.task.losses(preds, batch)
                    self.precision.backward(losses["loss"] / micro_batches)
                self.loss_monitor.add(position.upcoming(), batch, preds, losses)
            self.lr = float(self.optimizer.get_lr())
            self.precision.step(self.optimizer)
            self.scheduler.step()
            position.advance(micro_batches)
            self.after_step(batch, micro_batches)
        next(batches, None)  # lets the loader check the epoch as a whole

    def after_step(self, batch: dict[str, Any], micro_batches: int) -> None:
        """Check, log, evaluate, save and stop where it is time to.

        Args:
            batch: the last of the step.
            micro_batches: how many batches of each rank it took.

        Raises:
            NonFiniteLoss: a loss or a weight is NaN or infinite.
        """
        position, settings = self.position, self.settings
        self.progress.step_done(micro_batches * len(batch["index"]) * self.world.size)
        self.loss_monitor.flush(leave=1 if self._on_gpu else 0)
        due = position.global_step % max(1, settings.print_batch_step) == 0
        if due or position.step_in_epoch == self.steps_per_epoch:
            self.precision.check_scale()
            self.loss_monitor.check_weights(str(position))
            self._draw(batch)
        self.progress.show(position, self.meters, self.lr, log=due and bool(self.meters.names()))
        self.evaluate_if_due(self._evaluation_is_due())
        self.stop_if_asked()

    def end_epoch(self) -> None:
        """Report the data, evaluate where asked, save, and begin the next epoch."""
        position, every = self.position, self.settings.eval_batch_epoch
        epoch = position.epoch
        self.evaluate_if_due(bool(every) and epoch % every == 0 and self._last_evaluation_is_old())
        refusal = self.data_log.end_epoch(epoch)
        position.epoch, position.batches, position.step_in_epoch = epoch + 1, 0, 0
        self.save("latest")
        if periodic := position.periodic_name(self.settings.save_epoch_step):
            self.save(periodic)
        self._end_if_refused(refusal)

    def _end_if_refused(self, refusal: DataError | None) -> None:
        """End the run on all ranks where the data of one of them call for it; what is trained has been saved."""
        refusals = [r for r in self.world.gather((refusal.message, refusal.hint) if refusal else None) if r]
        if refusals:
            message, hint = refusals[0]
            raise EpochEnded(message, self._go_on(hint))

    def _go_on(self, hint: str = "") -> str:
        """Return a hint, and how to go on from what has just been saved."""
        how = f"go on with -o Global.checkpoints={self.settings.save_model_dir.rstrip('/')}/latest"
        return f"{hint}; {how}" if hint else how

    def restore_periodic(self) -> None:
        """Write the periodic checkpoint that a kill after `latest` cost; all ranks call it in a run that goes on."""
        name = self.position.periodic_name(self.settings.save_epoch_step)
        if self.world.from_first(bool(name) and self.checkpoints.lacks(name)):
            self.save(name)
        if self.world.first:
            self.checkpoints.prune()

    def _evaluation_is_due(self) -> bool:
        """Return whether `eval_batch_step`, "every" or "[start, every]", asks for an evaluation now."""
        if self.settings.eval_batch_epoch or not self.settings.eval_batch_step:
            return False
        asked = self.settings.eval_batch_step
        start, every = (0, asked) if isinstance(asked, int) else asked
        since = self.position.global_step - start
        return since > 0 and since % max(1, every) == 0

    def _epoch_trained(self) -> int:
        """Return the epoch of the last step: behind the last one, the position is that of an epoch that never comes."""
        return min(self.position.epoch, self.settings.epoch_num)

    def _last_evaluation_is_old(self) -> bool:
        return self.evaluated_at != self.position.global_step

    def evaluate_if_due(self, due: bool) -> None:
        """Evaluate on all ranks, keep the weights if they are the best so far, and save."""
        if not due or self.loaders.eval is None:
            return
        position = self.position
        self.loss_monitor.flush()
        found = evaluate(self.task, self.loaders.eval, world=self.world, autocast=self.precision.autocast)
        self.evaluated_at = position.global_step
        is_best = self.best.beaten_by(found.main)
        if is_best:
            self.best = Best(found.main, self._epoch_trained(), position.global_step)
        if self.world.first:
            self._report(found)
        if is_best:
            self.save("best_accuracy")
        self.save("latest")
        self.progress.restart_clock()

    def _report(self, found: Evaluation) -> None:
        report(found, unknown_too=not self.unknown_reported)
        self.unknown_reported = True
        best = self.best
        if best.global_step:
            self.progress.best = f"best {found.main_indicator} {best.value:.4g}"
            get_logger().info(
                f"best {found.main_indicator} {best.value:.6g} at epoch {best.epoch}, step {best.global_step}"
            )
        self.visual.scalars("eval", found.metrics, self.position.global_step)

    def save(self, name: str) -> None:
        """Write a checkpoint on rank 0; refuses weights that are not finite."""
        self.loss_monitor.flush()
        state = trainer_state(self)
        if self.world.first:
            best = self.best.value if math.isfinite(self.best.value) else None
            about = {"epoch": self._epoch_trained(), "step": self.position.global_step, "best_metric": best}
            self.checkpoints.save(name, self.task, self.optimizer, state, about)

    def stop_if_asked(self) -> None:
        """Save and leave when a signal came to any rank, or too many samples of any rank are broken."""
        every = STOP_CHECK_STEPS if self._on_gpu else 1
        if self.world.together and self.position.global_step % every:
            return
        orphaned = self.world.watchdog is not None and self.world.watchdog.orphaned
        refusal = self.data_log.refusal()
        if self.world.any(bool(self.stop.received or orphaned or refusal)):
            self.save("latest")
            self._end_if_refused(refusal)
            position = self.position
            raise Stopped(
                self.stop.received or 15,
                f"stopped by a signal at epoch {position.epoch}, step {position.global_step}; saved",
                self._go_on(),
            )

    def _hint(self) -> str:
        """Return what to do about a loss that is not finite."""
        return (
            f"{likely_causes(self.optimizer, self.lr, self.precision)}, look at the samples named; checkpoints hold "
            f"finite weights only, so go on from {self.settings.save_model_dir}/latest if it is there"
        )

    def _draw(self, batch: dict[str, Any]) -> None:
        step = self.position.global_step
        self.visual.scalars("train", {**{n: self.meters[n] for n in self.meters.names()}, "lr": self.lr}, step)
        self.visual.scalars("speed", self.progress.rate(), step)
        if self.position.step_in_epoch == self.steps_per_epoch:
            self.visual.images("train", batch["image"][:4].numpy(), step)

    def _summarise(self, seconds: float) -> None:
        self.data_log.end_run()
        if not self.world.first:
            return
        best = self.best
        found = (
            f"best {best.value:.6g} at epoch {best.epoch}, step {best.global_step}" if best.global_step else "no eval"
        )
        get_logger().info(f"training is done: {self.position.global_step} steps, {found} | {seconds:.1f} s")
