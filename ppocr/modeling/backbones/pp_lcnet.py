"""PP-LCNet: a light classifier of depthwise separable convolutions (https://arxiv.org/abs/2109.15099)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingNormal
from paddle.regularizer import L2Decay

from ppocr.config.ranges import Channels, Dropout, Kernel, Scale
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.mobilenet_v3 import make_divisible
from ppocr.registry import BACKBONES

Stride = int | Sequence[int]

FIRST_WIDTH = 16


class Unit(NamedTuple):
    """A block: its width is that of scale 1."""

    kernel: int
    out: int
    squeeze: bool = False


# The first block of each stage but `blocks2` has the stage's stride.
STAGES = {
    "blocks2": (Unit(3, 32),),
    "blocks3": (Unit(3, 64), Unit(3, 64)),
    "blocks4": (Unit(3, 128), Unit(3, 128)),
    "blocks5": (Unit(3, 256), *(Unit(5, 256),) * 5),
    "blocks6": (Unit(5, 512, squeeze=True), Unit(5, 512, squeeze=True)),
}


class ConvBNLayer(nn.Layer):
    """Convolution without bias, batch norm without weight decay, and hard swish."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: Stride = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride if isinstance(stride, int) else list(stride),
            kernel // 2,
            groups=groups,
            weight_attr=ParamAttr(initializer=KaimingNormal()),
            bias_attr=False,
        )
        undecayed = [ParamAttr(regularizer=L2Decay(0.0)) for _ in range(2)]
        self.bn = nn.BatchNorm2D(out_channels, weight_attr=undecayed[0], bias_attr=undecayed[1])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.hardswish(self.bn(self.conv(x)))


class SEModule(nn.Layer):
    """Squeeze and excitation: each channel is scaled by a gate computed from all channel means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2D(1)
        self.conv1 = nn.Conv2D(channels, channels // 4, 1)
        self.conv2 = nn.Conv2D(channels // 4, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * F.hardsigmoid(self.conv2(F.relu(self.conv1(self.avg_pool(x)))))


class DepthwiseSeparable(nn.Layer):
    """Depthwise convolution, optional squeeze and excitation, pointwise convolution."""

    def __init__(self, in_channels: int, out_channels: int, unit: Unit, stride: Stride) -> None:
        super().__init__()
        self.dw_conv = ConvBNLayer(in_channels, in_channels, unit.kernel, stride, groups=in_channels)
        self.se = SEModule(in_channels) if unit.squeeze else None
        self.pw_conv = ConvBNLayer(in_channels, out_channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dw_conv(x)
        return self.pw_conv(x if self.se is None else self.se(x))


@BACKBONES.register("PPLCNet", scope="cls")
class PPLCNet(nn.Layer):
    """Features of a whole image.

    Args:
        in_channels: channels of the image.
        scale: width multiplier.
        stride_list: strides of the first convolution and of the four stages below, each one number or (vertical,
            horizontal). Text lines are wide: theirs shrink more down than across.
        use_last_conv: widen the channel means by a layer with dropout, which ends the network's maps.
        class_expand: how wide.
        dropout_prob: share of what is left out in training.

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
        self.conv1 = ConvBNLayer(in_channels, width, 3, stride_list[0])
        for (name, units), stride in zip(STAGES.items(), (1, *stride_list[1:])):
            blocks = []
            for number, unit in enumerate(units):
                out = make_divisible(unit.out * scale)
                blocks.append(DepthwiseSeparable(width, out, unit, 1 if number else stride))
                width = out
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
