"""Layers one after another, of which more than the last output is wanted."""

from __future__ import annotations

from collections.abc import Iterable

import paddle
from paddle import nn


def chain_outputs(layers: Iterable[nn.Layer], x: paddle.Tensor) -> list[paddle.Tensor]:
    """Return the output of each layer of a chain."""
    outputs = []
    for layer in layers:
        x = layer(x)
        outputs.append(x)
    return outputs
