"""The convolution of PP-HGNet and PP-HGNetV2, and what their blocks have in common."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingNormal
from paddle.regularizer import L2Decay

from ppocr.errors import ConfigError

Stride = int | tuple


class ConvBNAct(nn.Layer):
    """Convolution without bias, batch norm without decay and, when asked for, ReLU; stride 1 keeps the size.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: an even one has its extra row and column behind.
        stride: one number or (vertical, horizontal).
        groups: groups of the convolution.
        relu: end in a ReLU.
        rate: factor of the learning rate.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: Stride = 1,
        groups: int = 1,
        relu: bool = True,
        rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=kernel_size // 2 if kernel_size % 2 else "SAME",
            groups=groups,
            weight_attr=ParamAttr(initializer=KaimingNormal(), learning_rate=rate),
            bias_attr=False,
        )
        decayless = [ParamAttr(regularizer=L2Decay(0.0), learning_rate=rate) for _ in range(2)]
        self.bn = nn.BatchNorm2D(out_channels, weight_attr=decayless[0], bias_attr=decayless[1])
        self.relu = relu

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.bn(self.conv(x))
        return F.relu(x) if self.relu else x


def in_a_row(layers: Sequence[nn.Layer], x: paddle.Tensor) -> paddle.Tensor:
    """Return the input and the result of each layer, each of which takes the one before, joined by channels."""
    found = [x]
    for layer in layers:
        found.append(layer(found[-1]))
    return paddle.concat(found, axis=1)


class Stage(nn.Layer):
    """An optional depthwise convolution that shrinks, then blocks.

    Args:
        in_channels: channels of the input.
        stride: of the depthwise convolution; None for none.
        blocks: one behind the other.
        rate: factor of the learning rate of the depthwise convolution.
    """

    def __init__(self, in_channels: int, stride: Stride | None, blocks: Sequence[nn.Layer], rate: float = 1.0) -> None:
        super().__init__()
        self.downsample = None
        if stride is not None:
            self.downsample = ConvBNAct(in_channels, in_channels, 3, stride, in_channels, relu=False, rate=rate)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.blocks(x if self.downsample is None else self.downsample(x))


def checked_indices(name: str, out_indices: Sequence[int] | None, stages: int) -> list[int]:
    """Return the stages asked for, in order; all when none is named.

    Raises:
        ConfigError: a stage that does not exist.
    """
    if out_indices is None:
        return list(range(stages))
    if not set(out_indices) <= set(range(stages)):
        raise ConfigError(f"{name}.out_indices: {list(out_indices)} are not all among 0 to {stages - 1}")
    return sorted(out_indices)
