"""The blocks of MobileNetV3 (https://arxiv.org/abs/1905.02244), shared by recognition and detection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import paddle
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, SEModule, Stride

GATE_SLOPE = 0.2  # of squeeze and excitation
SCALES = (0.35, 0.5, 0.75, 1.0, 1.25)


class BlockSpec(NamedTuple):
    """One inverted residual of the paper's tables 1 and 2; widths are those of scale 1."""

    kernel: int
    expanded: int
    out: int
    squeeze: bool
    act: str
    stride: Stride = 1


LARGE = (
    BlockSpec(3, 16, 16, False, "relu"),
    BlockSpec(3, 64, 24, False, "relu"),
    BlockSpec(3, 72, 24, False, "relu"),
    BlockSpec(5, 72, 40, True, "relu"),
    BlockSpec(5, 120, 40, True, "relu"),
    BlockSpec(5, 120, 40, True, "relu"),
    BlockSpec(3, 240, 80, False, "hardswish"),
    BlockSpec(3, 200, 80, False, "hardswish"),
    BlockSpec(3, 184, 80, False, "hardswish"),
    BlockSpec(3, 184, 80, False, "hardswish"),
    BlockSpec(3, 480, 112, True, "hardswish"),
    BlockSpec(3, 672, 112, True, "hardswish"),
    BlockSpec(5, 672, 160, True, "hardswish"),
    BlockSpec(5, 960, 160, True, "hardswish"),
    BlockSpec(5, 960, 160, True, "hardswish"),
)
SMALL = (
    BlockSpec(3, 16, 16, True, "relu"),
    BlockSpec(3, 72, 24, False, "relu"),
    BlockSpec(3, 88, 24, False, "relu"),
    BlockSpec(5, 96, 40, True, "hardswish"),
    BlockSpec(5, 240, 40, True, "hardswish"),
    BlockSpec(5, 240, 40, True, "hardswish"),
    BlockSpec(5, 120, 48, True, "hardswish"),
    BlockSpec(5, 144, 48, True, "hardswish"),
    BlockSpec(5, 288, 96, True, "hardswish"),
    BlockSpec(5, 576, 96, True, "hardswish"),
    BlockSpec(5, 576, 96, True, "hardswish"),
)
TABLES = {"small": SMALL, "large": LARGE}


def block_table(model_name: str, scale: float, disable_se: bool, strides: Mapping[int, Stride]) -> list[BlockSpec]:
    """Return the blocks of a network, their widths scaled.

    Args:
        model_name: "small" or "large".
        scale: width multiplier, one of `SCALES`.
        disable_se: leave out every squeeze and excitation.
        strides: stride by index of the block; 1 for the others.

    Raises:
        ConfigError: an unknown scale.
    """
    if scale not in SCALES:
        raise ConfigError(f"MobileNetV3.scale: {scale} is none of {', '.join(map(str, SCALES))}")
    return [
        row._replace(
            expanded=make_divisible(row.expanded * scale),
            out=make_divisible(row.out * scale),
            squeeze=row.squeeze and not disable_se,
            stride=strides.get(index, 1),
        )
        for index, row in enumerate(TABLES[model_name])
    ]


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a width to a multiple of `divisor`, never losing more than a tenth of it."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ResidualUnit(nn.Layer):
    """Inverted residual: expand, depthwise convolution, optional squeeze, project.

    Args:
        in_channels: channels of the input.
        spec: the block, its widths already scaled.
    """

    def __init__(self, in_channels: int, spec: BlockSpec) -> None:
        super().__init__()
        # upstream: a stride given as the pair (1, 1) does not count as 1 here; checkpoints were trained that way.
        self.shortcut = spec.stride == 1 and in_channels == spec.out
        width, style = spec.expanded, ConvStyle(spec.act)
        self.expand_conv = ConvBNLayer(in_channels, width, 1, style=style)
        self.bottleneck_conv = ConvBNLayer(width, width, spec.kernel, spec.stride, width, style)
        self.mid_se = SEModule(width, GATE_SLOPE) if spec.squeeze else None
        self.linear_conv = ConvBNLayer(width, spec.out, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.bottleneck_conv(self.expand_conv(x))
        if self.mid_se is not None:
            y = self.mid_se(y)
        y = self.linear_conv(y)
        return x + y if self.shortcut else y
