"""What a run starts from: a checkpoint to resume, weights to begin with, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ppocr.build import build_task
from ppocr.engine.checkpoint import Checkpoint, find_checkpoint, load_checkpoint
from ppocr.engine.checkpoint_files import checkpoint_exists, with_suffix
from ppocr.engine.log import get_logger
from ppocr.engine.optimizer_state import SCHEDULE, apply_optimizer, fit_optimizer
from ppocr.engine.resume_states import check_resumable
from ppocr.engine.weights import load_all_weights, load_weights, require_same_classes, require_some
from ppocr.errors import CheckpointError, ConfigError
from ppocr.task import Task

_ALIGN = (
    "resume with the dictionary it was trained with, or start from its weights with Global.pretrained_model, "
    "which matches them by character"
)


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
    spare = settings.pretrained_model
    if settings.checkpoints and not _passed_over(settings):
        start = find_checkpoint(settings.checkpoints)
        check_resumable(start)
        return start, "resume"
    if spare:
        try:
            return find_checkpoint(spare, weights_only=True), "weights"
        except CheckpointError as error:
            if checkpoint_exists(spare):
                raise
            raise missing_weights(spare, known(), error) from error
    return None, "scratch"


def missing_weights(
    wanted: str, known: Sequence[str], error: CheckpointError, key: str = "Global.pretrained_model"
) -> CheckpointError:
    """Return the error for weights to start from that are not there.

    Args:
        wanted: its value.
        known: names under which weights of this network can be had.
        error: what reading it raised.
        key: that names them.
    """
    address = re.match(r"[a-z]+://", wanted)
    what = f"{wanted} is an address, and nothing is downloaded" if address else error.message
    named = [name for name in known if name in wanted] or known
    got = " or ".join(f"python tools/pretrained.py get {name}" for name in named)
    ways = [
        *([error.hint] if error.hint and not address else []),
        *([f"weights of this network: {got}"] if got else []),
        f"without any: -o {key}=null",
    ]
    return CheckpointError(f"{key}: {what}", "; ".join(ways))


def start_weights(task: Task, start: Checkpoint | None, how: str, old_classes: list[str] | None = None) -> None:
    """Load weights into a task for training; a run resumed needs all of them.

    Args:
        old_classes: what the classes of the weights stand for, where their file does not say
            (`Global.pretrained_dict_path`).

    Raises:
        CheckpointError: the checkpoint is of another network: not all of it fits in a run resumed, or nothing at all;
            or its classes stand for other characters, in a run resumed.
    """
    if how != "resume":
        _start_models(task)
    if start is None:
        if not task.model.pretrained:
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


def _start_models(task: Task) -> None:
    """Load the weights that the sections of models name for themselves."""
    for name, path in task.model.pretrained.items():
        key = f"Architecture.Models.{name}.pretrained"
        try:
            start = find_checkpoint(path, weights_only=True)
        except CheckpointError as error:
            raise error if checkpoint_exists(path) else missing_weights(path, (), error, key) from error
        model = task.model.models()[name]
        loaded = load_weights(model, start.params, old_characters=start.characters, new_characters=task.classes)
        require_some(loaded, start.prefix)
        for line in loaded.lines():
            get_logger().info(f"{name}: {line}")
    for name in task.model.frozen:
        if name not in task.model.pretrained:
            get_logger().warning(
                f"Architecture.Models.{name} is frozen and names no pretrained weights: unless Global.pretrained_model "
                "holds them, it stays at random values"
            )


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


def trained_task(cfg: Any, mode: str) -> Task:
    """Build a task with the weights the configuration names, every one of them.

    Args:
        cfg: a checked configuration.
        mode: "eval" or "infer", see `build_task`.

    Raises:
        ConfigError: no weights are named.
        CheckpointError: they are missing, damaged, do not fill the network, or know other characters.
    """
    settings = cfg.Global
    if not (settings.checkpoints or settings.pretrained_model):
        raise ConfigError(
            "no weights: neither Global.checkpoints nor Global.pretrained_model is set",
            "name them with -o Global.pretrained_model=output/.../best_accuracy",
        )
    task = build_task(cfg, mode)
    start = named_weights(settings)
    loaded = load_all_weights(task.model, start.params, start.prefix)
    require_same_classes(
        start.characters,
        task.classes,
        start.prefix,
        "set Global.character_dict_path, Global.use_space_char and Global.label_list as in its training",
    )
    get_logger().info(f"{start.prefix}: all {len(loaded.loaded)} parameters loaded")
    task.model.eval()
    return task


def named_weights(settings: Any) -> Checkpoint:
    """Read exactly the weights that are named: where they are damaged, no others take their place.

    As in training, `Global.checkpoints` wins, and `Global.pretrained_model` is used where that does not exist.

    Raises:
        CheckpointError: missing or damaged.
    """
    wanted = settings.pretrained_model if _passed_over(settings) else settings.checkpoints or settings.pretrained_model
    return load_checkpoint(wanted, weights_only=True)


def _passed_over(settings: Any) -> bool:
    """Return whether there is nothing at `Global.checkpoints`, so that `Global.pretrained_model` is used; say so."""
    wanted, spare = settings.checkpoints, settings.pretrained_model
    if not (wanted and spare) or checkpoint_exists(wanted):
        return False
    get_logger().warning(f"Global.checkpoints: there is nothing at {wanted}; using Global.pretrained_model, {spare}")
    return True
