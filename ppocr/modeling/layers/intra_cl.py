"""Intra-instance collaborative learning: features along lines of any slope (https://arxiv.org/abs/2108.01343)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

SIZES = (7, 5, 3)


class IntraCLBlock(nn.Layer):
    """Three rounds of tall, wide and square convolutions, each round's three summed; the result is added to the input.

    Args:
        channels: channels of input and output.
        reduce_factor: how much narrower the rounds are.
    """

    def __init__(self, channels: int, reduce_factor: int = 2) -> None:
        super().__init__()
        inner = channels // reduce_factor
        self.conv1x1_reduce_channel = nn.Conv2D(channels, inner, 1)
        self.conv1x1_return_channel = nn.Conv2D(inner, channels, 1)
        for shape in ("v_layer_{0}x1", "q_layer_1x{0}", "c_layer_{0}x{0}"):
            for size in SIZES:
                name = shape.format(size)
                height, width = map(int, name.rpartition("_")[2].split("x"))
                setattr(self, name, nn.Conv2D(inner, inner, (height, width), padding=(height // 2, width // 2)))
        self.bn = nn.BatchNorm2D(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features of the input's shape [B, channels, H, W]."""
        y = self.conv1x1_reduce_channel(x)
        for size in SIZES:
            square = getattr(self, f"c_layer_{size}x{size}")
            tall, wide = getattr(self, f"v_layer_{size}x1"), getattr(self, f"q_layer_1x{size}")
            y = square(y) + tall(y) + wide(y)
        return x + F.relu(self.bn(self.conv1x1_return_channel(y)))
