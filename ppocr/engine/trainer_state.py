"""What a checkpoint keeps of a trainer besides weights and optimizer, and how a trainer goes on from it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ppocr.engine.log import get_logger
from ppocr.engine.position import Best, Position
from ppocr.engine.resume_states import official_states


def trainer_state(trainer: Any) -> dict[str, Any]:
    """Return what resuming needs of a `Trainer` besides weights and optimizer; all ranks call it."""
    return {
        **official_states(trainer.position, trainer.best, trainer.task.main_indicator),
        "position": asdict(trainer.position),
        "best": asdict(trainer.best),
        "evaluated_at": trainer.evaluated_at,
        "unknown_reported": trainer.unknown_reported,
        "meters": trainer.meters.state(),
        "scaler": trainer.precision.state(),
        "data": trainer.data_log.state(),
        "seed": trainer.seed,
        "world_size": trainer.world.size,
        "batch_size": trainer.loaders.train.sampler.batch_size,
        "accumulate_steps": trainer.accumulate_steps,
    }


def restore_trainer(trainer: Any, state: dict[str, Any]) -> None:
    """Let a `Trainer` go on where a checkpoint's state says; the schedule came back with the optimizer.

    Args:
        trainer: one that has not begun.
        state: as `resumable` returns it; that of official tools tells the position and the best evaluation alone.

    Raises:
        CheckpointError: the loss scale in it cannot be read; nothing is changed.
    """
    if "scaler" in state:
        trainer.precision.load(state["scaler"])
    trainer.position, trainer.best = Position(**state["position"]), Best(**state["best"])
    if "data" not in state:
        return
    trainer.evaluated_at, trainer.unknown_reported = state["evaluated_at"], state["unknown_reported"]
    trainer.meters.load(state["meters"])
    trainer.data_log.load(state["data"])
    batch_now = trainer.world.size * trainer.loaders.train.sampler.batch_size
    batch_then = state["world_size"] * state["batch_size"]
    if (batch_then, state["accumulate_steps"]) != (batch_now, trainer.accumulate_steps):
        _move_to_samples(trainer, batch_then, batch_now)


def _move_to_samples(trainer: Any, batch_then: int, batch_now: int) -> None:
    """Go on at the same sample of the epoch when the number of images in a step is another than before."""
    position = trainer.position
    # a step in the middle is begun again, so that steps stay aligned with batches
    position.step_in_epoch = position.batches * batch_then // batch_now // trainer.accumulate_steps
    position.batches = position.step_in_epoch * trainer.accumulate_steps
    if trainer.world.first:
        get_logger().warning(
            f"the checkpoint was written with {batch_then} images a batch over all ranks, now it is {batch_now}: "
            f"going on at image {position.batches * batch_now} of epoch {position.epoch}, not bit for bit"
        )
