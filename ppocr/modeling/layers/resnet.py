"""The stages of ResNet and ResNet-vd (https://arxiv.org/abs/1812.01187), shared by recognition and detection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, Stride

# Blocks in each of the four stages, by number of layers; from 50 on the blocks are bottlenecks.
DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 12, 48, 3),
}
WIDTHS = (64, 128, 256, 512)
FIRST_BOTTLENECK_DEPTH = 50
STYLE = ConvStyle("relu", names=("_conv", "_batch_norm"))
LINEAR = STYLE._replace(act=None)


class Projection(ConvBNLayer):
    """1x1 convolution of a shortcut.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: one number or (vertical, horizontal).
        pooled: reach the stride by average pooling before a convolution of stride 1.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: Stride, pooled: bool) -> None:
        super().__init__(in_channels, out_channels, 1, 1 if pooled else stride, style=LINEAR)
        self.pool = nn.AvgPool2D(stride, stride, ceil_mode=True) if pooled else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, out_channels, H / stride, W / stride] for [B, in_channels, H, W]."""
        return super().forward(x if self.pool is None else self.pool(x))


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions and a shortcut.

    Args:
        in_channels: channels of the input.
        width: channels of the block, and of its output.
        stride: stride of the first convolution and of the shortcut.
        project: the shortcut is a 1x1 convolution; otherwise it is the input itself.
        pool_shortcut: the projection reaches its stride by average pooling.
    """

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: Stride, project: bool, pool_shortcut: bool) -> None:
        super().__init__()
        self.conv0 = ConvBNLayer(in_channels, width, 3, stride, style=STYLE)
        self.conv1 = ConvBNLayer(width, width, 3, style=LINEAR)
        self.short = Projection(in_channels, width, stride, pool_shortcut) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        short = x if self.short is None else self.short(x)
        return F.relu(short + self.conv1(self.conv0(x)))


class BottleneckBlock(nn.Layer):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; arguments as in `BasicBlock`, the output 4 times as wide.

    Args:
        deformable_groups: of the 3x3 convolution, see `ConvStyle`.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: Stride,
        project: bool,
        pool_shortcut: bool,
        deformable_groups: int = 0,
    ) -> None:
        super().__init__()
        out = width * self.expansion
        self.conv0 = ConvBNLayer(in_channels, width, 1, style=STYLE)
        style = STYLE._replace(deformable_groups=deformable_groups)
        self.conv1 = ConvBNLayer(width, width, 3, stride, style=style)
        self.conv2 = ConvBNLayer(width, out, 1, style=LINEAR)
        self.short = Projection(in_channels, out, stride, pool_shortcut) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        short = x if self.short is None else self.short(x)
        return F.relu(short + self.conv2(self.conv1(self.conv0(x))))


class ResidualStages(nn.Layer):
    """Base of the networks: the four stages after the first convolutions.

    Attributes:
        stride: of the first block of each stage but the first.
        pool_shortcuts: shortcuts reach the stride by average pooling, as in ResNet-vd.
        stages: the blocks of each stage.
        widths: channels after each stage.
    """

    stride: Stride = 2
    pool_shortcuts = False

    def add_stages(self, channels: int, layers: int, deformable_groups: Sequence[int] = (0, 0, 0, 0)) -> None:
        """Add the blocks.

        Args:
            channels: of the features before them.
            layers: a key of `DEPTHS`.
            deformable_groups: of each stage, see `ConvStyle`; 0 in networks without bottlenecks.
        """
        block: Any = BottleneckBlock if layers >= FIRST_BOTTLENECK_DEPTH else BasicBlock
        self.stages: list[list[nn.Layer]] = []
        self.widths: list[int] = []
        for stage, (depth, width, groups) in enumerate(zip(DEPTHS[layers], WIDTHS, deformable_groups)):
            extra = {"deformable_groups": groups} if groups else {}
            units = []
            for i in range(depth):
                shrinks = i == 0 and stage > 0
                pools = shrinks and self.pool_shortcuts
                unit = block(channels, width, self.stride if shrinks else 1, i == 0, pools, **extra)
                units.append(self.add_sublayer(self.block_name(stage, i), unit))
                channels = width * block.expansion
            self.stages.append(units)
            self.widths.append(channels)

    def block_name(self, stage: int, index: int) -> str:
        """Return the attribute name of a block, as checkpoints have it."""
        return f"bb_{stage}_{index}"

    def stage_outputs(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the features after each stage, the finest first."""
        maps = []
        for units in self.stages:
            x = chain_outputs(units, x)[-1]
            maps.append(x)
        return maps
