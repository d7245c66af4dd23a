"""From an `Optimizer` section to Paddle's optimizer and the schedule of its learning rate."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import paddle
from paddle import nn

from ppocr.config.sections import RUN_KEYS, OptimizerSection
from ppocr.modeling.architectures.base import Architecture
from ppocr.optimizer.groups import apply_groups, freeze_parameters
from ppocr.optimizer.schedules import Schedule
from ppocr.registry import OPTIMIZERS, SCHEDULES, parameters

logger = logging.getLogger("ppocr")


def build_optimizer(
    section: Mapping[str, Any],
    model: nn.Layer,
    *,
    epochs: int,
    steps_per_epoch: int,
    freeze: Sequence[str] = (),
    param_groups: Sequence[Mapping[str, Any]] = (),
) -> tuple[Any, Schedule]:
    """Build the optimizer of a run.

    Args:
        section: the `Optimizer` section.
        model: the network.
        epochs: of the whole run.
        steps_per_epoch: optimisation steps, not batches, of an epoch.
        freeze: name patterns of parameters that are not trained.
        param_groups: see `apply_groups`.

    Returns:
        The optimizer, and its schedule, whose `step()` is called once after each optimisation step.

    Raises:
        ConfigError: an unknown class or key, or a pattern that matches nothing.
    """
    schedule = build_schedule(section["lr"], epochs=epochs, steps_per_epoch=steps_per_epoch)
    if freeze:
        count = freeze_parameters(model, freeze)
        logger.info("frozen: %d parameter values, named like %s", count, ", ".join(freeze))
    apply_groups(model, param_groups)
    spec = OPTIMIZERS.build({k: v for k, v in section.items() if k not in parameters(OptimizerSection)[0]})
    groups: Any = None
    if isinstance(model, Architecture):
        groups = model.parameter_groups(section, schedule.learning_rate)
    if groups is None:
        groups = [p for p in model.parameters() if not p.stop_gradient]
    with _without_notes():
        optimizer = spec.build(schedule, groups, regularizer(section.get("regularizer")), clipping(section), model)
    return optimizer, schedule


@contextmanager
def _without_notes() -> Iterator[None]:
    """Silence Paddle's note that parameters with a regularizer of their own keep it."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.INFO))
    try:
        yield
    finally:
        logging.disable(before)


def build_schedule(section: Mapping[str, Any], *, epochs: int, steps_per_epoch: int) -> Schedule:
    """Build the schedule of an `Optimizer.lr` section; without a name the rate is constant."""
    spec = {"name": "Const", **{k: v for k, v in section.items() if k not in RUN_KEYS}}
    return SCHEDULES.build(spec, epochs=epochs, steps_per_epoch=max(1, steps_per_epoch))


def regularizer(section: Mapping[str, Any] | None) -> Any:
    """Return Paddle's regularizer of a `{name: L1 or L2, factor: ...}` section, or None without one."""
    if not section:
        return None
    kinds = {"L1": paddle.regularizer.L1Decay, "L2": paddle.regularizer.L2Decay}
    return kinds[section["name"]](float(section.get("factor", 0.0)))


def clipping(section: Mapping[str, Any]) -> Any:
    """Return Paddle's gradient clipping: `clip_norm` for each parameter alone, `clip_norm_global` for all together."""
    if section.get("clip_norm") is not None:
        return nn.ClipGradByNorm(clip_norm=float(section["clip_norm"]))
    if section.get("clip_norm_global") is not None:
        return nn.ClipGradByGlobalNorm(clip_norm=float(section["clip_norm_global"]))
    return None
