"""Frozen parameters, and learning rates and weight decay of parameter groups, by name patterns."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import paddle
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.suggestions import did_you_mean

GROUP_KEYS = ("params", "lr_factor", "weight_decay")


def matching(model: nn.Layer, pattern: str, key: str) -> list[tuple[str, Any]]:
    """Return the parameters whose names match a pattern such as "backbone.*".

    Raises:
        ConfigError: there is none.
    """
    named = list(model.named_parameters())
    matches = [(name, p) for name, p in named if fnmatch.fnmatchcase(name, pattern)]
    if not matches:
        parts = {name.split(".")[0] + ".*" for name, _ in named} | {name for name, _ in named}
        raise ConfigError(f"{key}: no parameter is named like {pattern!r}{did_you_mean(pattern, parts)}")
    return matches


def freeze_parameters(model: nn.Layer, patterns: Sequence[str]) -> int:
    """Freeze the parameters that match, and the statistics of their batch norms.

    Returns:
        The number of frozen values.

    Raises:
        ConfigError: a pattern matches nothing, or all parameters are frozen.
    """
    frozen: dict[str, Any] = {}
    for pattern in patterns:
        frozen.update(matching(model, pattern, "Global.freeze"))
    for parameter in frozen.values():
        parameter.stop_gradient = True
    names = set(frozen)
    for path, layer in model.named_sublayers():
        if hasattr(layer, "_use_global_stats") and {f"{path}.weight", f"{path}.bias"} <= names:
            layer._use_global_stats = True
    if frozen and all(p.stop_gradient for p in model.parameters()):
        raise ConfigError("Global.freeze: every parameter is frozen, nothing is left to train")
    return sum(int(p.size) for p in frozen.values())


def apply_groups(model: nn.Layer, groups: Sequence[Mapping[str, Any]]) -> None:
    """Give parameters their own learning-rate factor and weight decay.

    Args:
        model: the network.
        groups: `{"params": pattern or patterns, "lr_factor": 0.1, "weight_decay": 0.0}`; later groups win.

    Raises:
        ConfigError: an unknown key, or a pattern that matches nothing.
    """
    for i, group in enumerate(groups):
        for key in group:
            if key not in GROUP_KEYS:
                raise ConfigError(f"Global.param_groups.{i}.{key}: unknown key{did_you_mean(key, GROUP_KEYS)}")
        patterns = group.get("params", ())
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            for _, parameter in matching(model, pattern, f"Global.param_groups.{i}.params"):
                if "lr_factor" in group:
                    parameter.optimize_attr["learning_rate"] = float(group["lr_factor"])
                if group.get("weight_decay") is not None:
                    parameter.regularizer = paddle.regularizer.L2Decay(float(group["weight_decay"]))
