"""Turning batch norms and parallel branches into one convolution (https://arxiv.org/abs/2101.03697)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import nn


def folded(
    weight: paddle.Tensor, norm: nn.Layer, bias: paddle.Tensor | None = None
) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Return the kernel and bias that equal a convolution followed by a batch norm in evaluation.

    Args:
        weight: kernel of the convolution, [out, in / groups, height, width].
        norm: the batch norm behind it, of `out` channels.
        bias: of the convolution, [out]; None where it has none.

    Returns:
        The kernel, of the same shape, and the bias, [out].
    """
    factor = norm.weight / paddle.sqrt(norm._variance + norm._epsilon)
    mean = norm._mean if bias is None else norm._mean - bias
    return weight * factor.reshape([-1, 1, 1, 1]), norm.bias - mean * factor


def centred(weight: paddle.Tensor, kernel_size: int) -> paddle.Tensor:
    """Return a kernel with zeros around it, `kernel_size` on each side; both sizes are odd."""
    vertical, horizontal = ((kernel_size - side) // 2 for side in weight.shape[2:])
    return F.pad(weight, [horizontal, horizontal, vertical, vertical])


def identity_kernel(channels: int, groups: int) -> paddle.Tensor:
    """Return the 1x1 kernel of a grouped convolution that changes nothing, [channels, channels / groups, 1, 1]."""
    width = channels // groups
    return paddle.eye(width).tile([groups, 1]).reshape([channels, width, 1, 1])


def conv_with(weight: paddle.Tensor, bias: paddle.Tensor, *, stride: int | Sequence[int], groups: int) -> nn.Conv2D:
    """Return a convolution of the given kernel and bias, padded so that stride 1 keeps the size."""
    out_channels, width, height, breadth = weight.shape
    conv = nn.Conv2D(
        width * groups, out_channels, (height, breadth), stride, (height // 2, breadth // 2), groups=groups
    )
    conv.weight.set_value(weight)
    conv.bias.set_value(bias)
    return conv


def fold_into(conv: nn.Conv2D, norm: nn.Layer) -> None:
    """Give a convolution without bias the values, and a bias, that make up for the batch norm behind it."""
    weight, bias = folded(conv.weight, norm)
    conv.weight.set_value(weight)
    conv.bias = conv.create_parameter(bias.shape, is_bias=True)
    conv.bias.set_value(bias)
