"""Re-parameterised blocks: several branches in training, one convolution in deployment (https://arxiv.org/abs/2307.09283)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.nn.initializer import Constant

from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, Stride
from ppocr.modeling.layers.fusing import centred, conv_with, folded, identity_kernel


class ConvNorm(ConvBNLayer):
    """Convolution without bias and batch norm; `fold` makes them a convolution with weight and bias of its own.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd; the padding keeps the size at stride 1.
        stride: one number or (vertical, horizontal).
        groups: groups of the convolution.
        silent: initialise the scale of the norm with 0, so that the block is initially its shortcut.
        name: attribute of the convolution, as checkpoints have it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        stride: Stride = 1,
        groups: int = 1,
        silent: bool = False,
        name: str = "conv",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, groups, ConvStyle(names=(name, "bn")))
        self.stride, self.padding, self.groups = stride, kernel_size // 2, groups
        self.conv_name: str | None = name
        Constant(0.0 if silent else 1.0)(self.bn.weight)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.conv_name is None:
            return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=self.groups)
        return super().forward(x)

    def folded_values(self) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Return weight and bias of the equivalent convolution in evaluation."""
        if self.conv_name is None:
            return self.weight, self.bias
        return folded(getattr(self, self.conv_name).weight, self.bn)

    @paddle.no_grad()
    def fold(self) -> None:
        """Become the convolution of `folded_values`."""
        if self.conv_name is None:
            return
        weight, bias = self.folded_values()
        delattr(self, self.conv_name)
        del self.bn
        self.conv_name = None
        self.weight = self.create_parameter(weight.shape)
        self.bias = self.create_parameter(bias.shape, is_bias=True)
        self.weight.set_value(weight)
        self.bias.set_value(bias)


class RepDepthwise(nn.Layer):
    """Sum of a depthwise convolution with norm, a 1x1 one and the input, normed; `fuse` makes one convolution of it.

    Args:
        channels: of input and output.
        kernel_size: odd.
        bias: whether the 1x1 convolution has a bias.
        name: see `ConvNorm`.
    """

    def __init__(self, channels: int, kernel_size: int = 3, bias: bool = False, name: str = "conv") -> None:
        super().__init__()
        self.channels, self.kernel_size = channels, kernel_size
        self.conv = ConvNorm(channels, channels, kernel_size, groups=channels, name=name)
        self.conv1 = nn.Conv2D(channels, channels, 1, groups=channels, bias_attr=None if bias else False)
        self.bn = nn.BatchNorm2D(channels)
        self.reparam_conv: nn.Layer | None = None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, channels, H, W] for [B, channels, H, W]."""
        if self.reparam_conv is not None:
            return self.reparam_conv(x)
        return self.bn(self.conv(x) + self.conv1(x) + x)

    @paddle.no_grad()
    def fuse(self) -> None:
        """Become one convolution."""
        if self.reparam_conv is not None:
            return
        weight, bias = self.conv.folded_values()
        for point in (self.conv1.weight, identity_kernel(self.channels, self.channels)):
            weight = weight + centred(point, self.kernel_size)
        if self.conv1.bias is not None:
            bias = bias + self.conv1.bias
        self.reparam_conv = conv_with(*folded(weight, self.bn, bias), stride=1, groups=self.channels)
        del self.conv, self.conv1, self.bn
