"""ResNet and ResNet-vd as pyramids of feature maps (https://arxiv.org/abs/1512.03385, 1812.01187)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import paddle
from paddle import nn

from ppocr.config.ranges import Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.resnet import FIRST_BOTTLENECK_DEPTH, STYLE, WIDTHS, ResidualStages
from ppocr.registry import BACKBONES

NAMED_BY_NUMBER = (101, 152)  # the depths whose third stage has more than 26 blocks


class ResidualPyramid(ResidualStages):
    """The four stages after the first convolutions; stage i is 2**(i + 2) times smaller than the image.

    Args:
        layers: 18, 34, 50, 101, 152 or 200.
        dcn_stage: for each stage whether its 3x3 convolutions are deformable; none when not given.
        out_indices: the stages whose maps are returned; all when not given.

    Raises:
        ConfigError: a stage that is none, or deformable convolutions in networks of fewer than 50 layers.
    """

    deformable_groups = 1

    def __init__(self, layers: int, dcn_stage: Sequence[bool] | None, out_indices: Sequence[int] | None) -> None:
        super().__init__()
        name = type(self).__name__
        self.layers = layers
        self.dcn_stage = [False] * len(WIDTHS) if dcn_stage is None else list(dcn_stage)
        if len(self.dcn_stage) != len(WIDTHS):
            raise ConfigError(f"{name}.dcn_stage: four values are needed, one a stage, not {self.dcn_stage}")
        if any(self.dcn_stage) and layers < FIRST_BOTTLENECK_DEPTH:
            raise ConfigError(f"{name}.dcn_stage: networks of fewer than {FIRST_BOTTLENECK_DEPTH} layers have none")
        self.out_indices = list(range(len(WIDTHS))) if out_indices is None else list(out_indices)
        if not set(self.out_indices) <= set(range(len(WIDTHS))):
            raise ConfigError(f"{name}.out_indices: {self.out_indices} are not all among 0, 1, 2, 3")

    def add_pyramid(self, channels: int) -> None:
        """Add the stages after features of `channels` channels, and set `out_channels`."""
        self.add_stages(channels, self.layers, [self.deformable_groups * deforms for deforms in self.dcn_stage])
        self.out_channels = [self.widths[i] for i in sorted(set(self.out_indices))]

    def pyramid(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps of `out_indices`, the finest first."""
        maps = self.stage_outputs(x)
        return [maps[i] for i in sorted(set(self.out_indices))]


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
        self.add_pyramid(64)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps [B, out_channels[i], H / 2**(s + 2), W / 2**(s + 2)], s in `out_indices`."""
        return self.pyramid(self.pool2d_max(self.conv1_3(self.conv1_2(self.conv1_1(x)))))


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
        self.add_pyramid(64)

    def block_name(self, stage: int, index: int) -> str:
        """Return "res2a", "res2b" and so on; in the third stage of the deepest networks "res4a", "res4b1", "res4b2"."""
        if self.layers in NAMED_BY_NUMBER and stage == 2:
            return f"res{stage + 2}b{index}" if index else f"res{stage + 2}a"
        return f"res{stage + 2}{chr(ord('a') + index)}"

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps [B, out_channels[i], H / 2**(s + 2), W / 2**(s + 2)], s in `out_indices`."""
        return self.pyramid(self.pool2d_max(self.conv(x)))
