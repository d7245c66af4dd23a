"""ResNet and ResNet-vd as pyramids of feature maps (https://arxiv.org/abs/1512.03385, 1812.01187)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import paddle
from paddle import nn

from ppocr.config.ranges import Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.resnet import (
    DEPTHS,
    FIRST_BOTTLENECK_DEPTH,
    STYLE,
    WIDTHS,
    BasicBlock,
    BottleneckBlock,
)
from ppocr.registry import BACKBONES

NAMED_BY_NUMBER = (101, 152)  # the depths whose third stage has more than 26 blocks


class ResidualPyramid(nn.Layer):
    """The four stages after the first convolutions; stage i is 2**(i + 2) times smaller than the image.

    Args:
        layers: 18, 34, 50, 101, 152 or 200.
        dcn_stage: for each stage whether its 3x3 convolutions are deformable; none when not given.
        out_indices: the stages whose maps are returned; all when not given.

    Raises:
        ConfigError: a stage that is none, or deformable convolutions in networks of fewer than 50 layers.
    """

    pool_shortcuts = False
    deformable_groups = 1

    def __init__(self, layers: int, dcn_stage: Sequence[bool] | None, out_indices: Sequence[int] | None) -> None:
        super().__init__()
        name = type(self).__name__
        self.layers = layers
        self.block: Any = BottleneckBlock if layers >= FIRST_BOTTLENECK_DEPTH else BasicBlock
        self.dcn_stage = [False] * len(WIDTHS) if dcn_stage is None else list(dcn_stage)
        if len(self.dcn_stage) != len(WIDTHS):
            raise ConfigError(f"{name}.dcn_stage: four values are needed, one a stage, not {self.dcn_stage}")
        if any(self.dcn_stage) and layers < FIRST_BOTTLENECK_DEPTH:
            raise ConfigError(f"{name}.dcn_stage: networks of fewer than {FIRST_BOTTLENECK_DEPTH} layers have none")
        self.out_indices = list(range(len(WIDTHS))) if out_indices is None else list(out_indices)
        if not set(self.out_indices) <= set(range(len(WIDTHS))):
            raise ConfigError(f"{name}.out_indices: {self.out_indices} are not all among 0, 1, 2, 3")

    def add_stages(self, channels: int) -> None:
        """Add the blocks after features of `channels` channels, and set `out_channels`."""
        self.stages: list[list[nn.Layer]] = []
        self.out_channels: list[int] = []
        for stage, (depth, width) in enumerate(zip(DEPTHS[self.layers], WIDTHS)):
            extra = {"deformable_groups": self.deformable_groups} if self.dcn_stage[stage] else {}
            units = []
            for i in range(depth):
                shrinks = i == 0 and stage > 0
                pools = shrinks and self.pool_shortcuts
                unit = self.block(channels, width, 2 if shrinks else 1, project=i == 0, pool_shortcut=pools, **extra)
                units.append(self.add_sublayer(self.block_name(stage, i), unit))
                channels = width * self.block.expansion
            self.stages.append(units)
            if stage in self.out_indices:
                self.out_channels.append(channels)

    def block_name(self, stage: int, index: int) -> str:
        """Return the attribute name of a block, as checkpoints have it."""
        return f"bb_{stage}_{index}"

    def forward_stages(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps of `out_indices`, the finest first."""
        maps = []
        for stage, units in enumerate(self.stages):
            for unit in units:
                x = unit(x)
            if stage in self.out_indices:
                maps.append(x)
        return maps


@BACKBONES.register("ResNet_vd", scope="det")
class ResNet_vd(ResidualPyramid):  # noqa: N801
    """Strong backbone for whole images; arguments as in `ResidualPyramid`.

    Args:
        in_channels: channels of the image.
    """

    # `disable_se`: it has no squeeze and excitation; `in_channels`: filled in.
    ignored_keys = ("disable_se", "in_channels")
    pool_shortcuts = True
    deformable_groups = 2

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        layers: Literal[18, 34, 50, 101, 152, 200] = 50,
        dcn_stage: Sequence[bool] | None = None,
        out_indices: Sequence[Whole] | None = None,
    ) -> None:
        super().__init__(layers, dcn_stage, out_indices)
        self.conv1_1 = ConvBNLayer(in_channels, 32, 3, 2, style=STYLE)
        self.conv1_2 = ConvBNLayer(32, 32, 3, style=STYLE)
        self.conv1_3 = ConvBNLayer(32, 64, 3, style=STYLE)
        self.pool2d_max = nn.MaxPool2D(3, 2, 1)
        self.add_stages(64)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps [B, out_channels[i], H / 2**(s + 2), W / 2**(s + 2)], s in `out_indices`."""
        return self.forward_stages(self.pool2d_max(self.conv1_3(self.conv1_2(self.conv1_1(x)))))


@BACKBONES.register("ResNet", scope="det")
class ResNet(ResidualPyramid):
    """ResNet with one wide first convolution; arguments as in `ResidualPyramid`, without 200 layers.

    Args:
        in_channels: channels of the image.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        layers: Literal[18, 34, 50, 101, 152] = 50,
        dcn_stage: Sequence[bool] | None = None,
        out_indices: Sequence[Whole] | None = None,
    ) -> None:
        super().__init__(layers, dcn_stage, out_indices)
        self.conv = ConvBNLayer(in_channels, 64, 7, 2, style=STYLE)
        self.pool2d_max = nn.MaxPool2D(3, 2, 1)
        self.add_stages(64)

    def block_name(self, stage: int, index: int) -> str:
        """Return "res2a", "res2b" and so on; in the third stage of the deepest networks "res4a", "res4b1", "res4b2"."""
        if self.layers in NAMED_BY_NUMBER and stage == 2:
            return f"res{stage + 2}b{index}" if index else f"res{stage + 2}a"
        return f"res{stage + 2}{chr(ord('a') + index)}"

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps [B, out_channels[i], H / 2**(s + 2), W / 2**(s + 2)], s in `out_indices`."""
        return self.forward_stages(self.pool2d_max(self.conv(x)))
