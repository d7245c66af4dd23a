"""Large depthwise kernels, re-parameterised from parallel dilated ones (https://arxiv.org/abs/2311.15599)."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn.initializer import KaimingUniform

from ppocr.errors import ConfigError
from ppocr.modeling.layers.fusing import centred, conv_with, fold_into, folded

# (kernel size, dilation) of the parallel convolutions, by the size of the large kernel.
DILATED = {
    5: ((3, 1), (3, 2)),
    7: ((5, 1), (3, 2), (3, 3)),
    9: ((5, 1), (5, 2), (3, 3), (3, 4)),
    11: ((5, 1), (5, 2), (3, 3), (3, 4), (3, 5)),
    13: ((5, 1), (7, 2), (3, 3), (3, 4), (3, 5)),
}


class DilatedReparamBlock(nn.Layer):
    """Sum of a large depthwise convolution and dilated ones, each with its norm; `fuse` makes one convolution of it.

    Args:
        channels: of input and output.
        kernel_size: of the large one, a key of `DILATED`.

    Raises:
        ConfigError: another size.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        if kernel_size not in DILATED:
            raise ConfigError(f"the kernel size {kernel_size} is none of {', '.join(map(str, DILATED))}")
        self.channels, self.kernel_size = channels, kernel_size
        self.lk_origin = _depthwise(channels, kernel_size, 1)
        self.origin_bn = nn.BatchNorm2D(channels)
        self.branches = [(f"dil_conv_k{k}_{d}", f"dil_bn_k{k}_{d}", d) for k, d in DILATED[kernel_size]]
        for (conv, norm, _), (size, dilation) in zip(self.branches, DILATED[kernel_size]):
            setattr(self, conv, _depthwise(channels, size, dilation))
            setattr(self, norm, nn.BatchNorm2D(channels))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, channels, H, W] for [B, channels, H, W]."""
        if self.lk_origin.bias is not None:
            return self.lk_origin(x)
        y = self.origin_bn(self.lk_origin(x))
        for conv, norm, _ in self.branches:
            y = y + getattr(self, norm)(getattr(self, conv)(x))
        return y

    @paddle.no_grad()
    def fuse(self) -> None:
        """Become one convolution."""
        if self.lk_origin.bias is not None:
            return
        weight, bias = folded(self.lk_origin.weight, self.origin_bn)
        for conv, norm, dilation in self.branches:
            kernel, shift = folded(getattr(self, conv).weight, getattr(self, norm))
            weight = weight + centred(spread(kernel, dilation), self.kernel_size)
            bias = bias + shift
            delattr(self, conv)
            delattr(self, norm)
        del self.origin_bn
        self.lk_origin = conv_with(weight, bias, stride=1, groups=self.channels)


class DilatedReparamConv(nn.Sequential):
    """A `DilatedReparamBlock`, then a 1x1 convolution to other channels, with its norm.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: see `DilatedReparamBlock`.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(
            ("dw", DilatedReparamBlock(in_channels, kernel_size)),
            ("pw", nn.Conv2D(in_channels, out_channels, 1, weight_attr=KaimingUniform(), bias_attr=False)),
            ("bn", nn.BatchNorm2D(out_channels)),
        )

    @paddle.no_grad()
    def fuse(self) -> None:
        """Become two convolutions."""
        self.dw.fuse()
        if self.pw.bias is None:
            fold_into(self.pw, self.bn)
            del self.bn


def spread(kernel: paddle.Tensor, dilation: int) -> paddle.Tensor:
    """Return the plain kernel that equals a dilated one [C, 1, k, k]: zeros between its values."""
    size = (kernel.shape[2] - 1) * dilation + 1
    plain = np.zeros([*kernel.shape[:2], size, size], np.float32)
    plain[:, :, ::dilation, ::dilation] = kernel.numpy()
    return paddle.to_tensor(plain)


def _depthwise(channels: int, kernel_size: int, dilation: int) -> nn.Conv2D:
    """Return a depthwise convolution without bias that keeps the size."""
    padding = (kernel_size - 1) * dilation // 2
    return nn.Conv2D(channels, channels, kernel_size, 1, padding, dilation=dilation, groups=channels, bias_attr=False)
