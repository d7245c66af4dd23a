"""The backbone of PP-OCRv2 and v3 for text lines, a MobileNetV1 with wider kernels (https://arxiv.org/abs/2109.03144)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import paddle
from paddle import nn
from paddle.nn.initializer import KaimingNormal

from ppocr.config.ranges import Kernel, Scale
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, SeparableUnit, depthwise_separable
from ppocr.registry import BACKBONES

# Widths are those of scale 1; the stride of the last block is an argument.
BLOCKS = (
    SeparableUnit(3, 64),
    SeparableUnit(3, 128),
    SeparableUnit(3, 128),
    SeparableUnit(3, 256, (2, 1)),
    SeparableUnit(3, 256),
    SeparableUnit(3, 512, (2, 1)),
    *(SeparableUnit(5, 512),) * 5,
    SeparableUnit(5, 1024, (2, 1), squeeze=True),
    SeparableUnit(5, 1024, squeeze=True),
)
STEM = 32
STYLE = ConvStyle("hardswish", KaimingNormal, norm_decay=False, names=("_conv", "_batch_norm"))
NAMES = ("_depthwise_conv", "_se", "_pointwise_conv")


@BACKBONES.register(scope="rec")
@BACKBONES.register(scope="cls")
class MobileNetV1Enhance(nn.Layer):
    """MobileNetV1 for text lines, with 5 x 5 kernels and squeeze and excitation towards its end.

    Args:
        in_channels: channels of the image.
        scale: width multiplier.
        last_conv_stride: stride of the last block, (vertical, horizontal).
        last_pool_type: "max", a window of 2 x 2, or "avg" with `last_pool_kernel_size` as its window and stride.
        last_pool_kernel_size: (vertical, horizontal), for "avg" only.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        scale: Scale = 0.5,
        last_conv_stride: Kernel | Sequence[Kernel] = 1,
        last_pool_type: Literal["max", "avg"] = "max",
        last_pool_kernel_size: Sequence[Kernel] = (3, 2),
    ) -> None:
        super().__init__()
        channels = int(STEM * scale)
        self.conv1 = ConvBNLayer(in_channels, channels, 3, 2, style=STYLE)
        blocks = []
        for unit in (*BLOCKS[:-1], BLOCKS[-1]._replace(stride=last_conv_stride)):
            unit = unit._replace(out=int(unit.out * scale))
            blocks.append(depthwise_separable(channels, unit, STYLE, NAMES))
            channels = unit.out
        self.block_list = nn.Sequential(*blocks)
        if last_pool_type == "avg":
            self.pool: nn.Layer = nn.AvgPool2D(list(last_pool_kernel_size), list(last_pool_kernel_size))
        else:
            self.pool = nn.MaxPool2D(2, 2)
        self.out_channels = channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features of images [B, in_channels, H, W].

        [B, out_channels, H / 32, W / 4] with the defaults; with a last stride of (1, 2) and an average over (2, 2),
        as PP-OCRv3 has it, [B, out_channels, H / 32, W / 8].
        """
        return self.pool(self.block_list(self.conv1(x)))
