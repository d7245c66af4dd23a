"""ResNet-vd for text lines: height shrinks by 32, width by 4 (https://arxiv.org/abs/1812.01187)."""

from __future__ import annotations

from typing import Literal

import paddle
from paddle import nn

from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.resnet import STYLE, ResidualStages
from ppocr.registry import BACKBONES


@BACKBONES.register("ResNet", scope="rec")
class ResNet(ResidualStages):
    """Strong backbone for text lines 32 pixels high.

    Args:
        in_channels: channels of the image.
        layers: 18, 34, 50, 101, 152 or 200.
    """

    stride = (2, 1)
    pool_shortcuts = True

    def __init__(self, in_channels: Filled[int] = 3, layers: Literal[18, 34, 50, 101, 152, 200] = 50) -> None:
        super().__init__()
        self.conv1_1 = ConvBNLayer(in_channels, 32, 3, style=STYLE)
        self.conv1_2 = ConvBNLayer(32, 32, 3, style=STYLE)
        self.conv1_3 = ConvBNLayer(32, 64, 3, style=STYLE)
        self.pool2d_max = nn.MaxPool2D(3, 2, 1)
        self.add_stages(64, layers)
        self.out_channels = self.widths[-1]
        self.out_pool = nn.MaxPool2D(2, 2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features [B, out_channels, H / 32, W / 4] of images [B, in_channels, H, W]."""
        x = self.pool2d_max(self.conv1_3(self.conv1_2(self.conv1_1(x))))
        return self.out_pool(self.stage_outputs(x)[-1])
