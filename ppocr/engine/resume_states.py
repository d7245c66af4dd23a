"""The `.states` of a checkpoint: ours, checked before anything is taken from it, and that of official tools.

Official training tools write a pickle of three entries: `epoch`, the epoch that was trained; `global_step`; and
`best_model_dict`, the metrics of the best evaluation with its `best_epoch`. Their resume reads the first and the last,
and goes on with the next epoch, also from a `best_accuracy` written in the middle of one. Ours hold the three too, so
that official tools can go on from them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ppocr.engine.checkpoint import Checkpoint
from ppocr.engine.checkpoint_files import with_suffix
from ppocr.engine.log import get_logger
from ppocr.engine.optimizer_state import HINT, SCHEDULE, check_schedule
from ppocr.engine.structure import (
    LARGEST,
    Check,
    Unfit,
    boolean,
    by_name,
    each,
    maybe,
    number,
    record,
    require,
    table,
    text,
)
from ppocr.engine.structure import whole as count
from ppocr.errors import CheckpointError

_REPORT = record(
    {
        "drawn": count(),
        "skipped": table(count()),
        "noted": table(count()),
        "characters": table(count()),
        "needed": table(text),
        "examples": table(each(each(text, 3))),
    }
)
_OURS: dict[str, Check] = {
    "position": record(
        {"epoch": count(1), "batches": count(), "step_in_epoch": count(), "global_step": count()}, closed=True
    ),
    "best": record({"value": number(), "epoch": count(), "global_step": count()}, closed=True),
    "evaluated_at": count(-1),
    "unknown_reported": boolean,
    "meters": table(each(number())),
    "scaler": by_name,
    "data": record({"epoch": _REPORT, "total": _REPORT}),
    "seed": count(-LARGEST),
    "world_size": count(1),
    "batch_size": count(1),
    "accumulate_steps": count(1),
}
_OFFICIAL = record({"epoch": count()}, {"global_step": count(), "best_model_dict": by_name})


def check_resumable(start: Checkpoint) -> None:
    """Refuse a checkpoint that cannot be resumed for what its files hold, whatever the run is.

    Raises:
        CheckpointError: naming the file and the entry.
    """
    if not start.optimizer:
        raise CheckpointError(
            f"Global.checkpoints: {start.prefix} holds no optimizer state, so it cannot be resumed",
            "start from its weights alone with Global.pretrained_model",
        )
    path = with_suffix(start.prefix, ".states")
    if not start.states:
        raise CheckpointError(f"{path} is missing: nothing says at which epoch to go on", HINT)
    if not is_ours(start):
        require(start.states, _OFFICIAL, path, HINT)
        if not start.names:
            raise CheckpointError(
                f"{with_suffix(start.prefix, '.pdparams')}: it has no table of names, so nothing says which parameters "
                "the entries of the optimizer belong to",
                "start from its weights with Global.pretrained_model",
            )
        if SCHEDULE not in start.optimizer and "global_step" not in start.states:
            raise CheckpointError(f"{path}: global_step is missing, and the optimizer has no {SCHEDULE}", HINT)
    else:
        require(start.states, record(_OURS), path, HINT)
        require(start.states, _consistent, path, HINT)
    if SCHEDULE in start.optimizer or is_ours(start):
        check_schedule(start.optimizer, with_suffix(start.prefix, ".pdopt"))


def is_ours(start: Checkpoint) -> bool:
    """Return whether this toolkit wrote a checkpoint; official tools know no position within an epoch."""
    return "position" in start.states


def _consistent(states: dict[str, Any], _: str) -> None:
    position, steps = states["position"], states["accumulate_steps"]
    if position["batches"] > position["step_in_epoch"] * steps:
        raise Unfit(
            f"position.batches is {position['batches']}, more than {position['step_in_epoch']} steps of {steps} read"
        )
    if position["step_in_epoch"] > position["global_step"]:
        raise Unfit("position.step_in_epoch is more than position.global_step")


def resumable(start: Checkpoint, indicator: str | None) -> Checkpoint:
    """Return a checkpoint in our form: an official one goes on at the epoch after its own.

    Args:
        start: one that `check_resumable` lets pass.
        indicator: the metric that decides what is best.

    Raises:
        CheckpointError: the best value in it is no number.
    """
    if is_ours(start):
        return start
    assert start.optimizer is not None
    epoch, best = int(start.states["epoch"]), start.states.get("best_model_dict", {})
    # after an official resume its global_step counts from zero again; the schedule's count goes on
    steps = int(start.optimizer.get(SCHEDULE, {"last_epoch": start.states.get("global_step")})["last_epoch"])
    wanted: dict[str, Check] = {"best_epoch": maybe(count())} | ({indicator: number()} if indicator else {})
    require(
        best, lambda value, _: record({}, wanted)(value, "best_model_dict"), with_suffix(start.prefix, ".states"), HINT
    )
    found = {"value": -math.inf, "epoch": 0, "global_step": 0}
    if indicator in best and best.get("best_epoch"):
        at = int(best["best_epoch"])
        found = {"value": float(best[indicator]), "epoch": at, "global_step": max(1, steps * at // max(1, epoch))}
    position = {"epoch": epoch + 1, "batches": 0, "step_in_epoch": 0, "global_step": steps}
    known = f"best {indicator} {found['value']:.6g} at epoch {found['epoch']}" if found["epoch"] else "no best so far"
    get_logger().info(f"{start.prefix}: an official checkpoint of epoch {epoch}, step {steps}, {known}")
    return replace(start, states={"position": position, "best": found})


def warn_of_another_schedule(start: Checkpoint, steps_per_epoch: int, rate: float) -> None:
    """Tell where the schedule of this run is not that of the official run a checkpoint is from, as far as it shows.

    Args:
        start: as `resumable` returns it; ours hold their schedule, see `plan_schedule`.
        steps_per_epoch: of this run.
        rate: its learning rate at the checkpoint's step.
    """
    if "data" in start.states:
        return
    epochs, steps = start.states["position"]["epoch"] - 1, start.states["position"]["global_step"]
    # a best_accuracy may have been written in the middle of its epoch
    if not (epochs - 1) * steps_per_epoch < steps <= epochs * steps_per_epoch:
        get_logger().warning(
            f"the checkpoint took {steps} steps to epoch {epochs}, here it is {epochs * steps_per_epoch} (another "
            "batch size, data set or number of processes): schedules count steps, and go on at the checkpoint's"
        )
    before = float((start.optimizer or {}).get(SCHEDULE, {"last_lr": rate})["last_lr"])
    if not math.isclose(rate, before, rel_tol=1e-3):
        get_logger().warning(
            f"the checkpoint's learning rate was {before:.6g}, that of the configuration at its step is {rate:.6g}: "
            "compare Optimizer.lr and Global.epoch_num with those of its training"
        )


def official_states(position: Any, best: Any, indicator: str | None) -> dict[str, Any]:
    """Return what official tools read when they resume.

    Args:
        position: the trainer's; an epoch that is not over is trained again.
        best: the trainer's best evaluation.
        indicator: the metric that decides what is best.
    """
    metrics = {indicator: best.value, "best_epoch": best.epoch} if indicator and best.global_step else {}
    return {"epoch": position.epoch - 1, "global_step": position.global_step, "best_model_dict": metrics}
