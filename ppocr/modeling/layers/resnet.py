"""The blocks of ResNet and ResNet-vd (https://arxiv.org/abs/1812.01187), shared by recognition and detection."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers.deformable import DeformableConv2D

Stride = int | tuple

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


class ConvBNLayer(nn.Layer):
    """Convolution without bias, batch norm and, when asked for, ReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd; the padding keeps the size at stride 1.
        stride: one number or (vertical, horizontal).
        pooled: reach the stride by average pooling in front of a convolution of stride 1.
        relu: end in a ReLU.
        deformable_groups: make the convolution deformable, with that many sets of offsets; 0 for a plain one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: Stride = 1,
        pooled: bool = False,
        relu: bool = True,
        deformable_groups: int = 0,
    ) -> None:
        super().__init__()
        self.pool = nn.AvgPool2D(stride, stride, ceil_mode=True) if pooled else None
        stride = 1 if pooled else stride
        self._conv: nn.Layer
        if deformable_groups:
            self._conv = DeformableConv2D(in_channels, out_channels, kernel_size, stride, deformable_groups)
        else:
            self._conv = nn.Conv2D(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias_attr=False)
        self._batch_norm = nn.BatchNorm2D(out_channels)
        self.relu = relu

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.pool is not None:
            x = self.pool(x)
        x = self._batch_norm(self._conv(x))
        return F.relu(x) if self.relu else x


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
        self.conv0 = ConvBNLayer(in_channels, width, 3, stride)
        self.conv1 = ConvBNLayer(width, width, 3, relu=False)
        self.short = ConvBNLayer(in_channels, width, 1, stride, pooled=pool_shortcut, relu=False) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        short = x if self.short is None else self.short(x)
        return F.relu(short + self.conv1(self.conv0(x)))


class BottleneckBlock(nn.Layer):
    """1x1, 3x3 and 1x1 convolutions and a shortcut; arguments as in `BasicBlock`, the output 4 times as wide.

    Args:
        deformable_groups: of the 3x3 convolution, see `ConvBNLayer`.
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
        self.conv0 = ConvBNLayer(in_channels, width, 1)
        self.conv1 = ConvBNLayer(width, width, 3, stride, deformable_groups=deformable_groups)
        self.conv2 = ConvBNLayer(width, out, 1, relu=False)
        self.short = ConvBNLayer(in_channels, out, 1, stride, pooled=pool_shortcut, relu=False) if project else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        short = x if self.short is None else self.short(x)
        return F.relu(short + self.conv2(self.conv1(self.conv0(x))))
