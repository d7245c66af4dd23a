"""RepViT (https://arxiv.org/abs/2307.09283): convolutions in the structure of a transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers.conv_norm import Stride
from ppocr.modeling.layers.mobilenet_v3 import make_divisible
from ppocr.modeling.layers.rep_conv import ConvNorm, RepDepthwise

NAME = "c"  # upstream: of the convolution before a batch norm


class BlockSpec(NamedTuple):
    """One block; a stride other than 1 halves the map."""

    out: int
    squeeze: bool = False
    stride: Stride = 1


class SqueezeExcite(nn.Layer):
    """Squeeze and excitation with a sigmoid gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = make_divisible(channels / 4)
        self.fc1 = nn.Conv2D(channels, inner, 1)
        self.fc2 = nn.Conv2D(inner, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        gate = self.fc2(F.relu(self.fc1(x.mean([2, 3], keepdim=True))))
        return x * F.sigmoid(gate)


class Residual(nn.Layer):
    """Two 1x1 convolutions, the first twice as wide, with a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.m = nn.Sequential(
            ConvNorm(channels, 2 * channels, name=NAME),
            nn.GELU(),
            ConvNorm(2 * channels, channels, silent=True, name=NAME),
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x + self.m(x)


class RepViTBlock(nn.Layer):
    """Token mixer, a depthwise convolution, and channel mixer, two 1x1 ones.

    Args:
        in_channels: channels of the input.
        spec: the block.
    """

    def __init__(self, in_channels: int, spec: BlockSpec) -> None:
        super().__init__()
        squeeze = SqueezeExcite(in_channels) if spec.squeeze else nn.Identity()
        if spec.stride == 1:
            self.token_mixer = nn.Sequential(RepDepthwise(in_channels, bias=True, name=NAME), squeeze)
        else:
            self.token_mixer = nn.Sequential(
                ConvNorm(in_channels, in_channels, 3, spec.stride, in_channels, name=NAME),
                squeeze,
                ConvNorm(in_channels, spec.out, name=NAME),
            )
        self.channel_mixer = Residual(spec.out)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.channel_mixer(self.token_mixer(x))


class RepViT(nn.Layer):
    """Two convolutions of stride 2, then the blocks.

    Args:
        in_channels: channels of the image.
        specs: the blocks; one of stride 1 keeps the channels.
    """

    def __init__(self, in_channels: int, specs: Sequence[BlockSpec]) -> None:
        super().__init__()
        width = specs[0].out
        first = nn.Sequential(
            ConvNorm(in_channels, width // 2, 3, 2, name=NAME),
            nn.GELU(),
            ConvNorm(width // 2, width, 3, 2, name=NAME),
        )
        inputs = [width, *(spec.out for spec in specs)]
        self.features = nn.LayerList([first, *(RepViTBlock(*pair) for pair in zip(inputs, specs))])

    def fuse(self) -> None:
        """Fold the batch norms into the convolutions; the branches of depthwise ones become one."""
        for layer in self.sublayers():
            if isinstance(layer, RepDepthwise):
                layer.fuse()
        for layer in self.sublayers():
            if isinstance(layer, ConvNorm):
                layer.fold()
