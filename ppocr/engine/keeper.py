"""Writing the checkpoints of a run, and starting a run from one."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.engine.checkpoint import Checkpoint, find_checkpoint, plain, prune_checkpoints, save_checkpoint
from ppocr.engine.checkpoint_files import prefix_of, with_suffix
from ppocr.engine.log import get_logger
from ppocr.engine.optimizer_state import SCHEDULE, apply_optimizer, fit_optimizer
from ppocr.engine.resume_states import check_resumable
from ppocr.engine.saved_state import NAME_TABLE
from ppocr.engine.task import Task
from ppocr.engine.weights import load_all_weights, load_weights, require_same_classes, require_some
from ppocr.errors import CheckpointError, PpocrError

_ALIGN = (
    "resume with the dictionary it was trained with, or start from its weights with Global.pretrained_model, "
    "which matches them by character"
)


class Keeper:
    """Writes checkpoints into the output folder; used by rank 0 only.

    Args:
        folder: `Global.save_model_dir`.
        keep_last: how many `iter_epoch_N` stay, 0 for all.
        facts: what every manifest says, such as the hash of the configuration.
    """

    def __init__(self, folder: str | Path, *, keep_last: int = 0, facts: dict[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.keep_last = keep_last
        self.facts = facts or {}

    def save(self, name: str, task: Task, optimizer: Any, states: dict[str, Any], manifest: dict[str, Any]) -> None:
        """Write one checkpoint.

        Args:
            name: "latest", "best_accuracy" or "iter_epoch_N".
            states: what resuming needs besides weights and optimizer.
            manifest: what people want to know about it.

        Raises:
            PpocrError: the weights are not finite; nothing is written.
        """
        tensors = task.model.state_dict()
        params = plain(tensors)
        spoiled = [key for key, value in params.items() if value.dtype.kind == "f" and not np.isfinite(value).all()]
        if spoiled:
            raise PpocrError(
                f"{len(spoiled)} of {len(params)} weights are not finite (first: {spoiled[0]}); {name} is not written",
                "go on from the last checkpoint with a lower learning rate or Optimizer.clip_norm_global",
            )
        about = {**self.facts, **manifest, "characters": task.classes}
        # the optimizer's entries go by these names; a resume, here or by official tools, needs to know whose they are
        params[NAME_TABLE] = {key: tensor.name for key, tensor in tensors.items()}
        save_checkpoint(self.folder / name, params, optimizer.state_dict(), states, about)
        self.prune()

    def prune(self) -> None:
        """Remove the oldest periodic checkpoints, and what a kill left of one half removed."""
        if self.keep_last:
            prune_checkpoints(self.folder, self.keep_last)

    def lacks(self, name: str) -> bool:
        """Return whether nothing of a checkpoint is there."""
        return not is_there(self.folder / name)


def find_start(settings: Any, known: Callable[[], list[str]] = list) -> tuple[Checkpoint | None, str]:
    """Return the checkpoint a run begins from and how: "resume", "weights" or "scratch".

    `Global.checkpoints` wins over `Global.pretrained_model`; where both are set and there is nothing at the
    first path, the second is used, with a warning. A damaged checkpoint is never passed over.

    Args:
        settings: the `Global` section.
        known: returns the names under which weights of this network can be had.

    Raises:
        CheckpointError: missing or damaged.
    """
    wanted, spare = settings.checkpoints, settings.pretrained_model
    if wanted and spare and not is_there(wanted):
        get_logger().warning(
            f"Global.checkpoints: there is nothing at {wanted}; loading Global.pretrained_model instead"
        )
        wanted = None
    if wanted:
        start = find_checkpoint(wanted)
        check_resumable(start)
        return start, "resume"
    if spare:
        try:
            return find_checkpoint(spare, weights_only=True), "weights"
        except CheckpointError as error:
            if is_there(spare):
                raise
            raise missing_weights(spare, known(), error) from error
    return None, "scratch"


def missing_weights(wanted: str, known: Sequence[str], error: CheckpointError) -> CheckpointError:
    """Return the error for a `Global.pretrained_model` that is not there.

    Args:
        wanted: its value.
        known: names under which weights of this network can be had.
        error: what reading it raised.
    """
    address = re.match(r"[a-z]+://", wanted)
    what = f"{wanted} is an address, and nothing is downloaded" if address else error.message
    named = [name for name in known if name in wanted] or known
    got = " or ".join(f"python tools/pretrained.py get {name}" for name in named)
    ways = [
        *([error.hint] if error.hint and not address else []),
        *([f"weights of this network: {got}"] if got else []),
        "without any: -o Global.pretrained_model=null",
    ]
    return CheckpointError(f"Global.pretrained_model: {what}", "; ".join(ways))


def is_there(path: str | Path) -> bool:
    """Return whether any file of a checkpoint exists, whole or not."""
    prefix = prefix_of(path)
    return any(prefix.parent.glob(glob.escape(prefix.name) + ".*"))


def start_weights(task: Task, start: Checkpoint | None, how: str, old_classes: list[str] | None = None) -> None:
    """Load weights into a task for training; a run resumed needs all of them.

    Args:
        old_classes: what the classes of the weights stand for, where their file does not say
            (`Global.pretrained_dict_path`).

    Raises:
        CheckpointError: the checkpoint is of another network: not all of it fits in a run resumed, or nothing at all;
            or its classes stand for other characters, in a run resumed.
    """
    if start is None:
        get_logger().info("no Global.checkpoints and no Global.pretrained_model: training from scratch")
        return
    exact = how == "resume"
    known = start.characters or old_classes
    if exact:
        loaded = load_all_weights(task.model, start.params, start.prefix)
        require_same_classes(known, task.classes, start.prefix, _ALIGN)
    else:
        loaded = load_weights(task.model, start.params, old_characters=known, new_characters=task.classes)
        require_some(loaded, start.prefix)
    for line in loaded.lines():
        get_logger().info(line)


def start_optimizer(optimizer: Any, scheduler: Any, model: Any, start: Checkpoint, resume_lr: str) -> None:
    """Give an optimizer the state of a checkpoint; nothing is changed where it does not fit.

    Args:
        model: the network of the optimizer's parameters.
        start: as `resumable` returns it.
        resume_lr: "keep" where the schedule is the checkpoint's, see `plan_schedule`; "override" where it is the
            configuration's, to be moved on to the checkpoint's step.

    Raises:
        CheckpointError: an entry is missing, malformed, left over, or not certainly that of one parameter.
    """
    assert start.optimizer is not None  # check_resumable refuses a checkpoint without it
    path = with_suffix(start.prefix, ".pdopt")
    fitted = fit_optimizer(optimizer, model, start.optimizer, start.names, path)
    schedule = start.optimizer.get(SCHEDULE)
    if resume_lr == "override" or schedule is None:  # official tools keep none for a constant rate
        scheduler.step(int(start.states["position"]["global_step"]))
        schedule = scheduler.state_dict()
    apply_optimizer(optimizer, fitted, schedule)
    if fitted.fresh:
        get_logger().warning(
            f"{path}: has no entries of {len(fitted.fresh)} trained parameters, which begin afresh "
            f"(first: {fitted.fresh[0]})"
        )
