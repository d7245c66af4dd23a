"""Going on with a run under a configuration that may have changed since: which schedule holds, and what differs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ppocr.config.schema import Config
from ppocr.config.sections import GlobalSection
from ppocr.engine.checkpoint import Checkpoint
from ppocr.engine.log import get_logger, shown
from ppocr.errors import CheckpointError, ConfigError
from ppocr.optimizer.builder import build_schedule
from ppocr.registry import SCHEDULES, parameters

LINES = 20
_ABOUT_STARTING = ("Global.checkpoints", "Global.pretrained_model", "Global.resume_lr", "Global.overwrite")
_ABSENT = "not set"


@dataclass(frozen=True)
class SchedulePlan:
    """The schedule of the learning rate that a run follows; checkpoints keep it.

    Args:
        lr: the section `Optimizer.lr`.
        epochs: the length of the run it was made for.
        steps_per_epoch: optimisation steps in an epoch of this run.
        ends_early: whether it ends before this run does; its last rate then holds on.
        stretched: steps per epoch by those of the run that wrote the checkpoint.
    """

    lr: dict[str, Any]
    epochs: int
    steps_per_epoch: int
    ends_early: bool = False
    stretched: float = 1.0

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of it."""
        return {"lr": self.lr, "epochs": self.epochs, "steps_per_epoch": self.steps_per_epoch}

    def apply(self, schedule: Any) -> None:
        """Give a schedule, that has the step of the checkpoint by now, its end and its place."""
        if self.ends_early:
            schedule.last_step = self.epochs * self.steps_per_epoch - 1
        schedule.step(round(schedule.last_epoch * self.stretched))  # and the rate of this step, not the one kept


def plan_schedule(cfg: Config, steps_per_epoch: int, resumed: Checkpoint | None) -> SchedulePlan:
    """Return the schedule of a run: the configuration's or, where a run is resumed, the one it had.

    `Global.resume_lr=override` takes the configuration's in any case. Schedules go by epochs: where these have another
    number of steps than in the checkpoint's run, the same part of the schedule is left as of the run.

    Args:
        cfg: the configuration.
        steps_per_epoch: optimisation steps in an epoch.
        resumed: the checkpoint of a resumed run.

    Raises:
        CheckpointError: the schedule in its manifest cannot be used.
    """
    settings = cfg.Global
    mine = SchedulePlan(cfg.Optimizer["lr"], settings.epoch_num, steps_per_epoch)
    if resumed is None:
        return mine
    theirs = _kept(resumed)
    if theirs is None:
        get_logger().info("the checkpoint does not say its schedule: that of the configuration goes on at its step")
        return mine
    stretched = steps_per_epoch / theirs.steps_per_epoch
    if stretched != 1.0:
        get_logger().warning(
            f"an epoch has {steps_per_epoch} steps, {theirs.steps_per_epoch} when the checkpoint was written: "
            "another batch size, number of processes or data set; the schedule goes on at the same part of it"
        )
    if settings.resume_lr == "override":
        return dataclasses.replace(mine, stretched=stretched)
    ends_early = theirs.epochs < settings.epoch_num and "epochs" in _parameters_of(theirs.lr)
    plan = dataclasses.replace(theirs, steps_per_epoch=steps_per_epoch, stretched=stretched, ends_early=ends_early)
    if _as_in_manifest(plan.lr) != _as_in_manifest(mine.lr) or ends_early:
        after = f"; its last rate holds from there to epoch {settings.epoch_num}" if ends_early else ""
        get_logger().warning(
            f"the learning rate follows the schedule of the checkpoint, {json.dumps(plan.lr)[:200]} over {plan.epochs} "
            f"epochs{after}. Global.resume_lr=override takes that of the configuration"
        )
    return plan


def _kept(resumed: Checkpoint) -> SchedulePlan | None:
    """Return the schedule a checkpoint was written under, None where it does not say."""
    found = (resumed.manifest or {}).get("schedule")
    if found is None:
        return None
    try:
        lr, epochs, steps = found["lr"], found["epochs"], found["steps_per_epoch"]
        if not (isinstance(epochs, int) and isinstance(steps, int) and epochs > 0 and steps > 0):
            raise ValueError(f"{shown(epochs)} epochs of {shown(steps)} steps")
        rate = build_schedule(lr, epochs=epochs, steps_per_epoch=steps).get_lr()
        if not math.isfinite(rate):
            raise ValueError(f"the learning rate {rate}")
    except (ConfigError, TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        raise CheckpointError(
            f"{resumed.prefix}.json: the schedule in it cannot be used: {error}",
            "take the configuration's with -o Global.resume_lr=override",
        ) from error
    return SchedulePlan(lr, epochs, steps)


def _parameters_of(lr: dict[str, Any]) -> Any:
    cls: Any = SCHEDULES.get(lr.get("name", "Const"))
    return parameters(cls)[0]


def _as_in_manifest(value: Any) -> Any:
    """Return a value as it comes back from a manifest."""
    return json.loads(json.dumps(value))


def tell_differences(cfg: Config, resumed: Checkpoint) -> None:
    """Log each key whose value is not the one the checkpoint was written under.

    Args:
        cfg: the configuration.
        resumed: the checkpoint of a resumed run; official ones have no manifest and nothing to compare with.
    """
    manifest = resumed.manifest or {}
    if manifest.get("config_sha256") in (None, cfg.sha256()):
        return
    before, now = manifest.get("config"), _as_in_manifest(cfg.to_dict())
    if not isinstance(before, dict):
        get_logger().warning("the configuration is not the checkpoint's, whose manifest does not hold it to compare")
        return
    known = before.get("Global")
    if isinstance(known, dict):  # a key that is newer than the checkpoint had its default
        before = {**before, "Global": {**_as_in_manifest(dataclasses.asdict(GlobalSection())), **known}}
    found = [entry for entry in differences(before, now) if entry[0] not in _ABOUT_STARTING]
    for key, old, new in found[:LINES]:
        get_logger().warning(f"{key}: {shown(new)} here, {shown(old)} in the checkpoint's configuration")
    if len(found) > LINES:
        get_logger().warning(f"{len(found) - LINES} more keys differ from the checkpoint's configuration")


def differences(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted key, old and new value of each difference; lists of one length are compared item by item."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in (*new, *(name for name in old if name not in new)):
            yield from differences(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{key}.{name}" if key else name)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new)):
            yield from differences(before, after, f"{key}.{place}")
    elif old != new:
        yield key, old, new
