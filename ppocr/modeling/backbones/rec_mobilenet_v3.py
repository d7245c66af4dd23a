"""MobileNetV3 for text lines, whose width it shrinks by 4 (https://arxiv.org/abs/1905.02244)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import paddle
from paddle import nn

from ppocr.config.ranges import Kernel, Scale
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import HARDSWISH, ConvBNLayer
from ppocr.modeling.layers.mobilenet_v3 import ResidualUnit, block_table, make_divisible
from ppocr.registry import BACKBONES

# The blocks that open a stage.
OPENERS = {"large": (0, 1, 3, 12), "small": (0, 1, 3, 8)}


@BACKBONES.register("MobileNetV3", scope="rec")
@BACKBONES.register("MobileNetV3", scope="cls")
class MobileNetV3(nn.Layer):
    """Light backbone for text lines 32 pixels high.

    Args:
        in_channels: channels of the image.
        model_name: "small" or "large".
        scale: width multiplier, one of 0.35, 0.5, 0.75, 1.0, 1.25.
        large_stride: vertical strides of the four stages of "large"; 1, 2, 2, 2 when not given.
        small_stride: the same of "small"; 2, 2, 2, 2 when not given.
        disable_se: leave out every squeeze and excitation.
        last_pool_type: "max", or "avg" with `last_pool_kernel_size` as its window and stride.
        last_pool_kernel_size: (vertical, horizontal), for "avg" only.

    Raises:
        ConfigError: a value outside the above.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        model_name: Literal["small", "large"] = "small",
        scale: Scale = 0.5,
        large_stride: Sequence[Kernel] | None = None,
        small_stride: Sequence[Kernel] | None = None,
        disable_se: bool = False,
        last_pool_type: Literal["max", "avg"] = "max",
        last_pool_kernel_size: Sequence[Kernel] = (2, 2),
    ) -> None:
        super().__init__()
        if model_name == "large":
            strides = _strides("large_stride", large_stride or (1, 2, 2, 2))
            # upstream: only "large" has a number here, not a pair, for both directions; it keeps the block's shortcut.
            strides[0] = strides[0][0]
        else:
            strides = _strides("small_stride", small_stride or (2, 2, 2, 2))
        openers = dict(zip(OPENERS.get(model_name, ()), strides))

        channels = make_divisible(16 * scale)
        self.conv1 = ConvBNLayer(in_channels, channels, 3, 2, style=HARDSWISH)
        blocks = []
        for spec in block_table(model_name, scale, disable_se, openers):
            blocks.append(ResidualUnit(channels, spec))
            channels = spec.out
        self.blocks = nn.Sequential(*blocks)
        self.out_channels = spec.expanded  # as wide as the last block inside
        self.conv2 = ConvBNLayer(channels, self.out_channels, 1, style=HARDSWISH)
        if last_pool_type == "avg":
            self.pool: nn.Layer = nn.AvgPool2D(list(last_pool_kernel_size), list(last_pool_kernel_size))
        else:
            self.pool = nn.MaxPool2D(2, 2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features of images [B, in_channels, H, W].

        With strides 1, 2, 2, 2: [B, out_channels, H / 32, W / 4].
        """
        return self.pool(self.conv2(self.blocks(self.conv1(x))))


def _strides(key: str, vertical: Sequence[int]) -> list:
    """Return each stage's (vertical, horizontal) stride: below the first convolution width is kept."""
    if len(vertical) != 4:
        raise ConfigError(f"MobileNetV3.{key}: four numbers are needed, one a stage, not {list(vertical)}")
    return [(s, 1) for s in vertical]
