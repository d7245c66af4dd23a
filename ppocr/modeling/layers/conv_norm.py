"""Convolution with batch norm, and squeeze and excitation: the blocks of most networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.regularizer import L2Decay

from ppocr.modeling.layers.deformable import DeformableConv2D

Stride = int | Sequence[int]

ACTIVATIONS = {"gelu": F.gelu, "hardswish": F.hardswish, "relu": F.relu, "swish": F.swish}


class ConvStyle(NamedTuple):
    """Options shared by the convolutions of a network.

    Args:
        act: a key of `ACTIVATIONS`; None for no activation.
        initializer: class of the initialiser of the convolution; Paddle's default when not given.
        norm_decay: whether weight decay applies to the batch norm.
        rate: factor of the learning rate.
        bias: whether the convolution has a bias.
        names: attributes of the convolution and of the batch norm, as checkpoints have them.
        deformable_groups: makes the convolution deformable, with that many sets of offsets; 0 for a plain one.
    """

    act: str | None = None
    initializer: type | None = None
    norm_decay: bool = True
    rate: float = 1.0
    bias: bool = False
    names: tuple[str, str] = ("conv", "bn")
    deformable_groups: int = 0

    def attr(self, decay: bool = True, initializer: type | None = None) -> ParamAttr:
        """Return the attributes of one parameter."""
        return ParamAttr(
            initializer=initializer() if initializer else None,
            learning_rate=self.rate,
            regularizer=None if decay else L2Decay(0.0),
        )


LINEAR = ConvStyle()
RELU = ConvStyle("relu")
HARDSWISH = ConvStyle("hardswish")


class ConvBNLayer(nn.Layer):
    """Convolution, batch norm and activation; stride 1 keeps the size.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: one number or (vertical, horizontal); an even number pads below and to the right.
        stride: one number or (vertical, horizontal).
        groups: groups of the convolution.
        style: see `ConvStyle`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: Stride = 1,
        groups: int = 1,
        style: ConvStyle = LINEAR,
    ) -> None:
        super().__init__()
        self.names: tuple[str, ...] = style.names
        self.act = ACTIVATIONS[style.act] if style.act else None
        if style.deformable_groups:
            assert isinstance(kernel_size, int)
            conv = DeformableConv2D(in_channels, out_channels, kernel_size, stride, style.deformable_groups)
        else:
            conv = nn.Conv2D(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                same_padding(kernel_size),
                groups=groups,
                weight_attr=style.attr(initializer=style.initializer),
                bias_attr=None if style.bias else False,
            )
        norm_attrs = [style.attr(style.norm_decay) for _ in range(2)]
        norm = nn.BatchNorm2D(out_channels, weight_attr=norm_attrs[0], bias_attr=norm_attrs[1])
        for name, layer in zip(self.names, (conv, norm)):
            setattr(self, name, layer)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, out_channels, H / stride, W / stride] for [B, in_channels, H, W]."""
        for name in self.names:
            x = getattr(self, name)(x)
        return x if self.act is None else self.act(x)


def same_padding(kernel_size: int | Sequence[int]) -> int | str | list[int]:
    """Return the padding that keeps the size at stride 1."""
    if isinstance(kernel_size, int):
        return kernel_size // 2 if kernel_size % 2 else "SAME"
    return [size // 2 for size in kernel_size]


class SEModule(nn.Layer):
    """Squeeze and excitation (https://arxiv.org/abs/1709.01507): scales each channel by a gate of all channel means.

    Args:
        channels: of input and output.
        slope: of the gate's hard sigmoid; Paddle's default when not given.
        rate: factor of the learning rate.
    """

    def __init__(self, channels: int, slope: float = 0.1666667, rate: float = 1.0) -> None:
        super().__init__()
        self.slope = slope
        attrs = [ParamAttr(learning_rate=rate) for _ in range(4)]
        self.conv1 = nn.Conv2D(channels, channels // 4, 1, weight_attr=attrs[0], bias_attr=attrs[1])
        self.conv2 = nn.Conv2D(channels // 4, channels, 1, weight_attr=attrs[2], bias_attr=attrs[3])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, channels, H, W] for [B, channels, H, W]."""
        gate = self.conv2(F.relu(self.conv1(F.adaptive_avg_pool2d(x, 1))))
        return x * F.hardsigmoid(gate, slope=self.slope)


class SeparableUnit(NamedTuple):
    """A depthwise separable convolution."""

    kernel: int
    out: int
    stride: Stride = 1
    squeeze: bool = False


def depthwise_separable(
    in_channels: int, unit: SeparableUnit, style: ConvStyle, names: Sequence[str] = ("dw_conv", "se", "pw_conv")
) -> nn.Sequential:
    """Return a depthwise convolution, squeeze and excitation where the unit has it, and a pointwise convolution.

    Args:
        in_channels: channels of the input.
        unit: the other sizes.
        style: of both convolutions.
        names: attributes of the three layers, as checkpoints have them.
    """
    depthwise = ConvBNLayer(in_channels, in_channels, unit.kernel, unit.stride, in_channels, style)
    squeeze = SEModule(in_channels) if unit.squeeze else None
    layers = (depthwise, squeeze, ConvBNLayer(in_channels, unit.out, 1, style=style))
    return nn.Sequential(*((name, layer) for name, layer in zip(names, layers) if layer is not None))
