"""A few dense convolutions, for text lines on machines without a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import RELU, ConvBNLayer
from ppocr.registry import BACKBONES

STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1))


@BACKBONES.register(scope="rec")
class PlainConvNet(nn.Layer):
    """Dense 3x3 convolutions: on a CPU they run near peak speed, where depthwise ones are bound by memory.

    Width shrinks by 4 in all; the remaining height (2 of 32 pixels) is averaged. The first stages, at high
    resolution, cost most, so they have one convolution each and the later ones two.

    Args:
        in_channels: channels of the image.
        channels: width of each stage; stages beyond the fourth keep the size.
    """

    def __init__(self, in_channels: Filled[int] = 3, channels: Sequence[Channels] = (16, 32, 64, 64)) -> None:
        super().__init__()
        layers = []
        for i, width in enumerate(channels):
            stride = STRIDES[i] if i < len(STRIDES) else (1, 1)
            layers.append(ConvBNLayer(in_channels, width, 3, stride, style=RELU))
            if i >= 2:
                layers.append(ConvBNLayer(width, width, 3, style=RELU))
            in_channels = width
        self.stages = nn.Sequential(*layers)
        self.out_channels = in_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features [B, out_channels, 1, W / 4] of images [B, in_channels, H, W]."""
        return self.stages(x).mean(axis=2, keepdim=True)
