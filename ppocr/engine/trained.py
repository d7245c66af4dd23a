"""A task with the weights a command names: exactly those, every one of them."""

from __future__ import annotations

from typing import Any

from ppocr.build import build_task
from ppocr.engine.checkpoint import Checkpoint, load_checkpoint
from ppocr.engine.keeper import is_there
from ppocr.engine.log import get_logger
from ppocr.engine.task import Task
from ppocr.engine.weights import load_all_weights, require_same_classes
from ppocr.errors import ConfigError


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
    wanted = settings.checkpoints or settings.pretrained_model
    if settings.checkpoints and settings.pretrained_model and not is_there(settings.checkpoints):
        wanted = settings.pretrained_model
        get_logger().warning(f"Global.checkpoints: there is nothing at {settings.checkpoints}; using {wanted}")
    return load_checkpoint(wanted, weights_only=True)
