"""The training loop."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paddle

from ppocr.declarations import keys_read
from ppocr.engine.amp import MixedPrecision
from ppocr.engine.data_log import DataLog
from ppocr.engine.distributed import World, local_gradients, wrap
from ppocr.engine.evaluator import Evaluation, evaluate, report
from ppocr.engine.log import get_logger
from ppocr.engine.loss_monitor import LossMonitor, NonFiniteLoss, non_finite_weights
from ppocr.engine.meters import Meters
from ppocr.engine.position import Best, Position
from ppocr.engine.progress import Progress
from ppocr.engine.resume_states import official_states
from ppocr.engine.rng import seed_step
from ppocr.engine.stop import Stopped, StopSignals
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
        self.accumulate = max(1, settings.accumulate_steps)
        self.precision = MixedPrecision.from_global(settings)
        task.model, self.optimizer = self.precision.decorate(task.model, optimizer[0])
        self.scheduler = optimizer[1]
        task.network = wrap(task.model, self.world, find_unused_parameters=settings.find_unused_parameters)
        self.meters = Meters(settings.log_smooth_window)
        self.loss_monitor = LossMonitor(self.meters, loaders.train.dataset.describe, self._likely_causes)
        self.train_metric = copy.deepcopy(task.metric) if settings.cal_metric_during_train else None
        self.steps_per_epoch = math.ceil(len(loaders.train) / self.accumulate)
        self.stop = StopSignals()
        self._on_gpu = paddle.device.get_device().startswith("gpu")
        self.data_log = DataLog(loaders.train, self.world, settings.max_bad_ratio)
        self._evaluated_at = -1
        self._unknown_reported = False

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
        """Train on the rest of the current epoch."""
        position, loader = self.position, self.loaders.train
        self.task.model.train()
        self.progress.restart_clock()
        for batch in loader.epoch(position.epoch, position.batches):
            self.progress.batch_read()
            done = position.batches - position.step_in_epoch * self.accumulate
            share = min(self.accumulate, len(loader) - position.step_in_epoch * self.accumulate)
            if done == 0:
                seed_step(self.seed, position.global_step, self.world.rank)
            self.forward_backward(batch, share=share, last=done + 1 == share)
            position.batches += 1
            if done + 1 < share:
                self.progress.micro_batch_done()
                continue
            self.update_weights()
            self.progress.step_done(share * len(batch["index"]) * self.world.size)
            self.after_step(batch)

    def forward_backward(self, batch: dict[str, Any], *, share: int, last: bool) -> None:
        """Add the gradients of one batch.

        Args:
            batch: what the loader gave.
            share: batches whose mean gradient makes the step.
            last: whether this is the last of them.
        """
        with local_gradients(self.task.network, last):
            with self.precision.autocast():
                preds = self.task.forward(batch)
            losses = self.task.losses(preds, batch)
            read = {key: preds[key] for key in keys_read(self.task.loss) if key in preds}
            self.loss_monitor.add(self._step_in_words(), losses, read, batch["index"])
            self.loss_monitor.flush(leave=1 if self._on_gpu else 0)
            self.precision.backward(losses["loss"] / share if share > 1 else losses["loss"])
        if self.train_metric is not None:
            self.train_metric.reset()
            self.train_metric(self.task.results(preds, batch), batch)
            measured = self.train_metric.get_metric()
            self.meters.update(**{k: v for k, v in list(measured.items())[:2] if isinstance(v, (int, float))})

    def update_weights(self) -> None:
        """Take one step along the gradients added up, and move the schedule on."""
        self.lr = float(self.optimizer.get_lr())
        self.precision.step(self.optimizer)
        self.scheduler.step()
        self.position.step_in_epoch += 1
        self.position.global_step += 1

    def after_step(self, batch: dict[str, Any]) -> None:
        """Log, evaluate, save and stop where it is time to."""
        position, settings = self.position, self.settings
        due = position.global_step % max(1, settings.print_batch_step) == 0
        if due or position.step_in_epoch == self.steps_per_epoch:
            self.loss_monitor.flush(leave=1 if self._on_gpu else 0)
            self.precision.check_scale()
            self._check_weights()
            self._draw(batch)
        self.progress.show(position, self.meters, self.lr, log=due and bool(self.meters.names()))
        self.evaluate_if_due(self._evaluation_is_due())
        self.stop_if_asked()

    def _check_weights(self) -> None:
        non_finite = non_finite_weights(self.task.model)
        if non_finite:
            position = self.position
            raise NonFiniteLoss(
                f"{len(non_finite)} weights are not finite after epoch {position.epoch}, step {position.step_in_epoch} "
                f"(global step {position.global_step}), the first is {non_finite[0]}",
                self._likely_causes(),
            )

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
        told = [r for r in self.world.gather((refusal.message, refusal.hint) if refusal else None) if r]
        if told:
            message, hint = told[0]
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
        return self._evaluated_at != self.position.global_step

    def evaluate_if_due(self, due: bool) -> None:
        """Evaluate on all ranks, keep the weights if they are the best so far, and save."""
        if not due or self.loaders.eval is None:
            return
        position = self.position
        self.loss_monitor.flush()
        found = evaluate(self.task, self.loaders.eval, world=self.world, autocast=self.precision.autocast)
        self._evaluated_at = position.global_step
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
        report(found, unknown_too=not self._unknown_reported)
        self._unknown_reported = True
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
        state = self.state()
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

    def state(self) -> dict[str, Any]:
        """Return what resuming needs besides weights and optimizer; all ranks call it."""
        # gradients added up so far are not kept: their batches are read again
        aligned = min(self.position.step_in_epoch * self.accumulate, self.position.batches)
        return {
            **official_states(self.position, self.best, self.task.main_indicator),
            "position": {**asdict(self.position), "batches": aligned},
            "best": asdict(self.best),
            "evaluated_at": self._evaluated_at,
            "unknown_reported": self._unknown_reported,
            "meters": self.meters.state(),
            "scaler": self.precision.state(),
            "data": self.data_log.state(),
            "seed": self.seed,
            "world_size": self.world.size,
            "batch_size": self.loaders.train.sampler.batch_size,
            "accumulate_steps": self.accumulate,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where a checkpoint's state says; the schedule came back with the optimizer.

        Args:
            state: as `resumable` returns it; that of official tools tells the position and the best evaluation alone.

        Raises:
            CheckpointError: the loss scale in it cannot be read; nothing is changed.
        """
        if "scaler" in state:
            self.precision.load(state["scaler"])
        self.position, self.best = Position(**state["position"]), Best(**state["best"])
        if "data" not in state:
            return
        self._evaluated_at, self._unknown_reported = state["evaluated_at"], state["unknown_reported"]
        self.meters.load(state["meters"])
        self.data_log.load(state["data"])
        then = state["world_size"] * state["batch_size"], state["accumulate_steps"]
        now = self.world.size * self.loaders.train.sampler.batch_size, self.accumulate
        if then != now:
            self._move_to_samples(then[0])

    def _move_to_samples(self, batch_then: int) -> None:
        """Go on at the same sample of the epoch when the number of images in a step is another than before."""
        position = self.position
        batch_now = self.world.size * self.loaders.train.sampler.batch_size
        position.batches = position.batches * batch_then // batch_now
        # a step in the middle is begun again, so that steps stay aligned with batches
        position.step_in_epoch = position.batches // self.accumulate
        position.batches = position.step_in_epoch * self.accumulate
        if self.world.first:
            get_logger().warning(
                f"the checkpoint was written with {batch_then} images a batch over all ranks, now it is {batch_now}: "
                f"going on at image {position.batches * batch_now} of epoch {position.epoch}, not bit for bit"
            )

    def _step_in_words(self) -> str:
        position = self.position
        return f"epoch {position.epoch}, step {position.step_in_epoch + 1} (global step {position.global_step + 1})"

    def _likely_causes(self) -> str:
        causes = [f"lower Optimizer.lr.learning_rate (it is {float(self.optimizer.get_lr()):g} here)"]
        if getattr(self.optimizer, "_grad_clip", None) is None:
            causes.append("clip gradients with Optimizer.clip_norm_global")
        if self.precision.enabled and self.precision.dtype == "float16":
            causes.append("use Global.amp_dtype=bfloat16")
        return (
            ", ".join(causes) + ", look at the samples named; checkpoints hold finite weights only, so go on from "
            f"{self.settings.save_model_dir}/latest if it is there"
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
