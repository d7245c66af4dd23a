"""Re-parameterisation: batch norms and parallel branches become one convolution (https://arxiv.org/abs/2101.03697)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import nn


def folded(
    weight: paddle.Tensor, norm: nn.Layer, bias: paddle.Tensor | None = None
) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Return the kernel and bias of a convolution equal to one followed by a batch norm in evaluation.

    Args:
        weight: kernel of the convolution, [out, in / groups, height, width].
        norm: the batch norm after it, of `out` channels.
        bias: of the convolution, [out]; None if it has none.

    Returns:
        The kernel, of the same shape, and the bias, [out].
    """
    factor = norm.weight / paddle.sqrt(norm._variance + norm._epsilon)
    mean = norm._mean if bias is None else norm._mean - bias
    return weight * factor.reshape([-1, 1, 1, 1]), norm.bias - mean * factor


def centred(weight: paddle.Tensor, kernel_size: int) -> paddle.Tensor:
    """Return a kernel padded with zeros to height and width `kernel_size`; all sizes are odd."""
    vertical, horizontal = ((kernel_size - size) // 2 for size in weight.shape[2:])
    return F.pad(weight, [horizontal, horizontal, vertical, vertical])


def identity_kernel(channels: int, groups: int) -> paddle.Tensor:
    """Return the 1x1 kernel of an identity grouped convolution, [channels, channels / groups, 1, 1]."""
    width = channels // groups
    return paddle.eye(width).tile([groups, 1]).reshape([channels, width, 1, 1])


def conv_with(weight: paddle.Tensor, bias: paddle.Tensor, *, stride: int | Sequence[int], groups: int) -> nn.Conv2D:
    """Return a convolution of the given kernel and bias, padded so that stride 1 keeps the size."""
    out_channels, in_channels, height, width = weight.shape
    conv = nn.Conv2D(
        in_channels * groups, out_channels, (height, width), stride, (height // 2, width // 2), groups=groups
    )
    conv.weight.set_value(weight)
    conv.bias.set_value(bias)
    return conv


def fold_into(conv: nn.Conv2D, norm: nn.Layer) -> None:
    """Fold a batch norm into the convolution before it, which has no bias and gets one."""
    weight, bias = folded(conv.weight, norm)
    conv.weight.set_value(weight)
    conv.bias = conv.create_parameter(bias.shape, is_bias=True)
    conv.bias.set_value(bias)
