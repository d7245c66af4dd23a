"""The `.states` of a checkpoint: ours, checked before anything is taken from it, and that of official tools.

Official training tools write a pickle of three entries: `epoch`, the epoch that was trained; `global_step`; and
`best_model_dict`, the metrics of the best evaluation with its `best_epoch`. Their resume reads the first and the last,
and goes on with the next epoch, also from a `best_accuracy` written in the middle of one. Ours hold the three too, so
that official tools can go on from them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from pydantic import ConfigDict, Field
from typing_extensions import NotRequired, TypedDict

from ppocr.engine.checkpoint import Checkpoint
from ppocr.engine.checkpoint_files import with_suffix
from ppocr.engine.log import get_logger
from ppocr.engine.optimizer_state import HINT, SCHEDULE, check_schedule
from ppocr.engine.position import Best, Position
from ppocr.engine.structure import LARGEST, PLAIN, Boolean, ByName, Number, Positive, Whole, require
from ppocr.errors import CheckpointError


def _fields_of(cls: type) -> Any:
    """Return the type of a dataclass's fields by name, all of them and no others."""
    kind = TypedDict(cls.__name__, get_type_hints(cls, include_extras=True))  # type: ignore[misc]
    kind.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return kind


class _Report(TypedDict):
    drawn: Whole
    skipped: dict[str, Whole]
    noted: dict[str, Whole]
    characters: dict[str, Whole]
    needed: dict[str, str]
    examples: dict[str, Sequence[Annotated[Sequence[str], Field(min_length=3, max_length=3)]]]


class _DataLog(TypedDict):
    epoch: _Report
    total: _Report


class _Ours(TypedDict):
    position: _fields_of(Position)  # type: ignore[valid-type]
    best: _fields_of(Best)  # type: ignore[valid-type]
    evaluated_at: Annotated[int, Field(ge=-1, le=LARGEST), PLAIN]
    unknown_reported: Boolean
    meters: dict[str, Sequence[Number]]
    scaler: ByName
    data: _DataLog
    seed: Annotated[int, Field(ge=-LARGEST, le=LARGEST), PLAIN]
    world_size: Positive
    batch_size: Positive
    accumulate_steps: Positive


class _Official(TypedDict):
    epoch: Whole
    global_step: NotRequired[Whole]
    best_model_dict: NotRequired[ByName]


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
        require(start.states, _Official, path, HINT)
        if not start.names:
            raise CheckpointError(
                f"{with_suffix(start.prefix, '.pdparams')}: it has no table of names, so nothing says which parameters "
                "the entries of the optimizer belong to",
                "start from its weights with Global.pretrained_model",
            )
        if SCHEDULE not in start.optimizer and "global_step" not in start.states:
            raise CheckpointError(f"{path}: global_step is missing, and the optimizer has no {SCHEDULE}", HINT)
    else:
        require(start.states, _Ours, path, HINT)
        _check_position(start.states, path)
    if SCHEDULE in start.optimizer or is_ours(start):
        check_schedule(start.optimizer, with_suffix(start.prefix, ".pdopt"))


def is_ours(start: Checkpoint) -> bool:
    """Return whether this toolkit wrote a checkpoint; official tools know no position within an epoch."""
    return "position" in start.states


def _check_position(states: dict[str, Any], path: Path) -> None:
    position, steps = states["position"], states["accumulate_steps"]
    done = position["step_in_epoch"]
    if position["batches"] > done * steps:
        text = f"position.batches is {position['batches']}, more than {done} steps of {steps} read"
        raise CheckpointError(f"{path}: {text}", HINT)
    if done > position["global_step"]:
        raise CheckpointError(f"{path}: position.step_in_epoch is more than position.global_step", HINT)


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
    path = with_suffix(start.prefix, ".states")
    for key, kind in ((indicator, Number), ("best_epoch", Whole | None)):
        if key in best:
            require(best[key], kind, path, HINT, f"best_model_dict.{key}")
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
