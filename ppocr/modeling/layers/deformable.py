"""Modulated deformable convolution (https://arxiv.org/abs/1811.11168)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant
from paddle.vision.ops import DeformConv2D


class DeformableConv2D(nn.Layer):
    """A convolution without bias whose taps have an offset and a weight at each position, predicted from the input.

    Initially the offsets are 0 and the weights one half.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd; the padding keeps the size at stride 1.
        stride: one number or (vertical, horizontal).
        groups: groups of input channels, each with offsets and weights of its own.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int | Sequence[int] = 1, groups: int = 1
    ) -> None:
        super().__init__()
        taps = groups * kernel_size**2
        self.offset_channels = 2 * taps
        self.conv_dcn = DeformConv2D(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            kernel_size // 2,
            deformable_groups=groups,
            bias_attr=False,
        )
        self.conv_offset = nn.Conv2D(
            in_channels,
            3 * taps,
            kernel_size,
            stride,
            kernel_size // 2,
            weight_attr=ParamAttr(initializer=Constant(0.0)),
            bias_attr=ParamAttr(initializer=Constant(0.0)),
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        predicted = self.conv_offset(x)
        offset, weight = predicted[:, : self.offset_channels], predicted[:, self.offset_channels :]
        return self.conv_dcn(x, offset, F.sigmoid(weight))
