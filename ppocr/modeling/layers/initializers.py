"""Initial values and regularisation that several layers share."""

from __future__ import annotations

import math
from typing import Any

from paddle import ParamAttr, nn
from paddle.regularizer import L2Decay


def uniform_linear_attrs(fan_in: int, l2_decay: float) -> dict[str, Any]:
    """Return `weight_attr` and `bias_attr` of a linear layer: uniform within 1 / sqrt(fan_in), with a decay of its own.

    Args:
        fan_in: inputs of the layer.
        l2_decay: L2 penalty of these two, in place of the optimizer's.
    """
    bound = 1.0 / math.sqrt(fan_in)
    return {
        key: ParamAttr(initializer=nn.initializer.Uniform(-bound, bound), regularizer=L2Decay(l2_decay))
        for key in ("weight_attr", "bias_attr")
    }
