"""Batch norms and parallel branches drawn into one convolution, for layers that have `fuse()`."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn


@paddle.no_grad()
def folded(conv: nn.Conv2D, norm: nn.BatchNorm2D | None) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Return weight and bias of the one convolution that does what both do in evaluation.

    Args:
        conv: with or without bias.
        norm: the batch norm behind it; None where it has been drawn in already.
    """
    bias = paddle.zeros([conv.weight.shape[0]]) if conv.bias is None else conv.bias
    return (conv.weight, bias) if norm is None else scaled(conv.weight, bias, norm)


@paddle.no_grad()
def scaled(weight: paddle.Tensor, bias: paddle.Tensor, norm: nn.BatchNorm2D) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Return weight and bias of a convolution followed by a batch norm.

    Args:
        weight: [out, in, H, W].
        bias: [out].
        norm: of `out` channels.
    """
    factor = norm.weight / paddle.sqrt(norm._variance + norm._epsilon)
    return weight * factor.reshape([-1, 1, 1, 1]), norm.bias + (bias - norm._mean) * factor


@paddle.no_grad()
def give(conv: nn.Conv2D, weight: paddle.Tensor, bias: paddle.Tensor) -> None:
    """Give a convolution new values; one without bias gets one."""
    conv.weight.set_value(weight)
    if conv.bias is None:
        conv.bias = conv.create_parameter([weight.shape[0]], is_bias=True)
    conv.bias.set_value(bias)


@paddle.no_grad()
def padded(weight: paddle.Tensor, size: int) -> paddle.Tensor:
    """Return a kernel [out, in, k, k], k and `size` odd, with zeros around it up to [out, in, size, size]."""
    margin = (size - weight.shape[2]) // 2
    return F.pad(weight, [margin] * 4) if margin else weight


@paddle.no_grad()
def identity(channels: int, size: int) -> paddle.Tensor:
    """Return the depthwise kernel [channels, 1, size, size] that gives its input."""
    return padded(paddle.ones([channels, 1, 1, 1]), size)
