"""PP-LCNet: a light classifier of depthwise separable convolutions (https://arxiv.org/abs/2109.15099)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.nn.initializer import KaimingNormal

from ppocr.config.ranges import Channels, Dropout, Kernel, Scale
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, SeparableUnit, depthwise_separable
from ppocr.modeling.layers.mobilenet_v3 import make_divisible
from ppocr.registry import BACKBONES

FIRST_WIDTH = 16
STYLE = ConvStyle("hardswish", KaimingNormal, norm_decay=False)


# Widths are those of scale 1; the first block of each stage but `blocks2` has the stage's stride.
STAGES = {
    "blocks2": (SeparableUnit(3, 32),),
    "blocks3": (SeparableUnit(3, 64), SeparableUnit(3, 64)),
    "blocks4": (SeparableUnit(3, 128), SeparableUnit(3, 128)),
    "blocks5": (SeparableUnit(3, 256), *(SeparableUnit(5, 256),) * 5),
    "blocks6": (SeparableUnit(5, 512, squeeze=True), SeparableUnit(5, 512, squeeze=True)),
}


@BACKBONES.register("PPLCNet", scope="cls")
class PPLCNet(nn.Layer):
    """Features of a whole image.

    Args:
        in_channels: channels of the image.
        scale: width multiplier.
        stride_list: strides of the first convolution and of the four stages below, each one number or (vertical,
            horizontal). Text lines are wide: their height shrinks more than their width.
        use_last_conv: end in a layer that widens the channel means, with dropout.
        class_expand: width of that layer.
        dropout_prob: probability of dropout.

    Raises:
        ConfigError: not five strides.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        scale: Scale = 1.0,
        stride_list: Sequence[Kernel | Sequence[Kernel]] = (2, 2, 2, 2, 2),
        use_last_conv: bool = True,
        class_expand: Channels = 1280,
        dropout_prob: Dropout = 0.2,
    ) -> None:
        super().__init__()
        if len(stride_list) != 5:
            raise ConfigError(f"PPLCNet.stride_list: five strides are needed, not {list(stride_list)}")
        width = make_divisible(FIRST_WIDTH * scale)
        self.conv1 = ConvBNLayer(in_channels, width, 3, stride_list[0], style=STYLE)
        for (name, units), stride in zip(STAGES.items(), (1, *stride_list[1:])):
            blocks = []
            for number, unit in enumerate(units):
                unit = unit._replace(out=make_divisible(unit.out * scale), stride=1 if number else stride)
                blocks.append(depthwise_separable(width, unit, STYLE))
                width = unit.out
            setattr(self, name, nn.Sequential(*blocks))
        self.out_channels = class_expand if use_last_conv else width
        self.last_conv = None
        if use_last_conv:
            self.avg_pool = nn.AdaptiveAvgPool2D(1)
            self.last_conv = nn.Conv2D(width, class_expand, 1, bias_attr=False)
            self.dropout = nn.Dropout(dropout_prob, mode="downscale_in_infer")

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features of images [B, in_channels, H, W]: [B, out_channels, 1, 1], or maps without the last layer."""
        x = self.conv1(x)
        for name in STAGES:
            x = getattr(self, name)(x)
        if self.last_conv is None:
            return x
        return self.dropout(F.hardswish(self.last_conv(self.avg_pool(x))))
