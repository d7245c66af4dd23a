"""Writing the checkpoints of a run, and starting a run from one."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.engine.checkpoint import Checkpoint, find_checkpoint, plain, prune_checkpoints, save_checkpoint
from ppocr.engine.checkpoint_files import prefix_of
from ppocr.engine.log import get_logger
from ppocr.engine.task import Task
from ppocr.engine.weights import load_weights, require_complete, require_some
from ppocr.errors import CheckpointError, PpocrError

SCHEDULE = "LR_Scheduler"  # Paddle's name for the schedule inside an optimizer's state


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
        params = plain(task.model.state_dict())
        spoiled = [key for key, value in params.items() if value.dtype.kind == "f" and not np.isfinite(value).all()]
        if spoiled:
            raise PpocrError(
                f"{len(spoiled)} of {len(params)} weights are not finite (first: {spoiled[0]}); {name} is not written",
                "go on from the last checkpoint with a lower learning rate or Optimizer.clip_norm_global",
            )
        about = {**self.facts, **manifest, "characters": task.classes}
        save_checkpoint(self.folder / name, params, optimizer.state_dict(), states, about)
        if self.keep_last:
            prune_checkpoints(self.folder, self.keep_last)


def find_start(settings: Any) -> tuple[Checkpoint | None, str]:
    """Return the checkpoint a run begins from and how: "resume", "weights" or "scratch".

    `Global.checkpoints` wins over `Global.pretrained_model`; where both are set and there is nothing at the
    first path, the second is used, with a warning. A damaged checkpoint is never passed over.

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
        return find_checkpoint(wanted), "resume"
    if spare:
        return find_checkpoint(spare, weights_only=True), "weights"
    return None, "scratch"


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
        CheckpointError: the checkpoint is of another network: not all of it fits in a run resumed, or nothing at all.
    """
    if start is None:
        get_logger().info("no Global.checkpoints and no Global.pretrained_model: training from scratch")
        return
    exact = how == "resume"
    known = (start.manifest or {}).get("characters") or old_classes
    loaded = load_weights(
        task.model,
        start.params,
        old_characters=None if exact else known,
        new_characters=None if exact else task.classes,
    )
    if exact:
        require_complete(loaded, start.prefix)
    require_some(loaded, start.prefix)
    for line in loaded.lines():
        get_logger().info(line)


def start_optimizer(optimizer: Any, scheduler: Any, start: Checkpoint, resume_lr: str) -> None:
    """Give an optimizer the state of a checkpoint.

    Args:
        resume_lr: "keep" goes on with the checkpoint's schedule; "override" takes the configuration's
            schedule, moved on to the checkpoint's step.

    Raises:
        CheckpointError: the checkpoint has no optimizer state.
    """
    if not start.optimizer:
        raise CheckpointError(
            "Global.checkpoints: the checkpoint holds no optimizer state, so it cannot be resumed",
            "start from its weights alone with Global.pretrained_model",
        )
    state = dict(start.optimizer)
    check_accumulators(optimizer, state)
    if resume_lr == "override":
        for _ in range(int(start.states["position"]["global_step"])):
            scheduler.step()
        state[SCHEDULE] = scheduler.state_dict()
    optimizer.set_state_dict(state)
    get_logger().info(f"resumed: learning rate {optimizer.get_lr():.6g} (Global.resume_lr={resume_lr})")


def check_accumulators(optimizer: Any, state: dict[str, Any]) -> None:
    """Refuse an optimizer state whose entries belong to no parameter: Paddle would pass them over silently.

    Raises:
        CheckpointError: naming the first such entry.
    """
    names = tuple(p.name for p in optimizer._parameter_list if not isinstance(p, dict))
    strange = [k for k in state if k not in (SCHEDULE, "master_weights") and not k.startswith(names)]
    if strange and names:
        raise CheckpointError(
            f"Global.checkpoints: {len(strange)} entries of the optimizer state belong to no parameter of this network "
            f"(first: {strange[0]})",
            "resume with the configuration the run was started with, or start from its weights with "
            "Global.pretrained_model",
        )
