"""The parts that PP-HGNet, PP-HGNetV2 and PP-LCNetV4 have in common."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn
from paddle.nn.initializer import KaimingNormal

from ppocr.errors import ConfigError
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, Stride

STYLE = ConvStyle("relu", KaimingNormal, norm_decay=False)


def all_outputs(layers: Sequence[nn.Layer], x: paddle.Tensor) -> paddle.Tensor:
    """Return the input and the output of each layer of a chain, concatenated by channels."""
    return paddle.concat([x, *chain_outputs(layers, x)], axis=1)


class Stem(nn.Layer):
    """The first convolutions, with a pooling in parallel.

    Args:
        in_channels: channels of the image.
        inner: channels inside.
        out_channels: channels of the result.
        stride: of the convolution after both paths; that of the first is 2.
        style: of the convolutions.
        conv: their class.
    """

    def __init__(
        self,
        in_channels: int,
        inner: int,
        out_channels: int,
        stride: int,
        style: ConvStyle,
        conv: type[ConvBNLayer] = ConvBNLayer,
    ) -> None:
        super().__init__()
        self.stem1 = conv(in_channels, inner, 3, 2, style=style)
        self.stem2a = conv(inner, inner // 2, 2, style=style)
        self.stem2b = conv(inner // 2, inner, 2, style=style)
        self.stem3 = conv(2 * inner, inner, 3, stride, style=style)
        self.stem4 = conv(inner, out_channels, 1, style=style)
        self.pool = nn.MaxPool2D(2, 1, padding="SAME", ceil_mode=True)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.stem1(x)
        convolved = self.stem2b(self.stem2a(x))
        return self.stem4(self.stem3(paddle.concat([self.pool(x), convolved], axis=1)))


class Stage(nn.Layer):
    """An optional depthwise convolution with a stride, then blocks.

    Args:
        in_channels: channels of the input.
        stride: of the depthwise convolution; None for no such convolution.
        blocks: a chain.
        style: of the depthwise convolution, but for its activation.
    """

    def __init__(
        self, in_channels: int, stride: Stride | None, blocks: Sequence[nn.Layer], style: ConvStyle = STYLE
    ) -> None:
        super().__init__()
        self.downsample = None
        if stride is not None:
            self.downsample = ConvBNLayer(in_channels, in_channels, 3, stride, in_channels, style._replace(act=None))
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.blocks(x if self.downsample is None else self.downsample(x))


def checked_indices(name: str, out_indices: Sequence[int] | None, stages: int) -> list[int]:
    """Return the given stages in order, or all if none are given.

    Raises:
        ConfigError: an unknown stage.
    """
    if out_indices is None:
        return list(range(stages))
    if not set(out_indices) <= set(range(stages)):
        raise ConfigError(f"{name}.out_indices: {list(out_indices)} are not all among 0 to {stages - 1}")
    return sorted(out_indices)
