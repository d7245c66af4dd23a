"""The feature pyramid of DB and DB++."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels
from ppocr.declarations import Filled
from ppocr.modeling.layers.pyramid import conv, enlarged
from ppocr.registry import NECKS


class AdaptiveScaleFusion(nn.Layer):
    """Weights the scales at each position (https://arxiv.org/abs/2202.10304).

    Args:
        in_channels: channels of all scales together.
        inner_channels: width of the convolution before the weights.
        scales: number of scales.
    """

    def __init__(self, in_channels: int, inner_channels: int, scales: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2D(in_channels, inner_channels, 3, padding=1)
        self.spatial_scale = nn.Sequential(conv(1, 1, 3), nn.ReLU(), conv(1, 1, 1), nn.Sigmoid())
        self.channel_scale = nn.Sequential(conv(inner_channels, scales, 1), nn.Sigmoid())

    def forward(self, scales: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Return the scales, each [B, C, H, W], weighted and concatenated: [B, C * len(scales), H, W]."""
        x = self.conv(paddle.concat(scales, axis=1))
        x = self.spatial_scale(x.mean(axis=1, keepdim=True)) + x
        weights = self.channel_scale(x)
        return paddle.concat([weights[:, i : i + 1] * scale for i, scale in enumerate(scales)], axis=1)


@NECKS.register()
class DBFPN(nn.Layer):
    """The pyramid of DB (https://arxiv.org/abs/1911.08947): coarse maps added to finer ones, then all concatenated.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 4.
        use_asf: weight the scales, as DB++ does.
    """

    size_multiple = 32  # so that each map is exactly twice as large as the next

    def __init__(self, in_channels: Filled[Sequence[int]], out_channels: Channels, use_asf: bool = False) -> None:
        super().__init__()
        self.out_channels = out_channels
        # Attribute names count from 2: map i is 2**i times smaller than the image.
        self.in2_conv, self.in3_conv, self.in4_conv, self.in5_conv = (conv(c, out_channels, 1) for c in in_channels)
        quarter = out_channels // 4
        self.p5_conv = conv(out_channels, quarter, 3)
        self.p4_conv = conv(out_channels, quarter, 3)
        self.p3_conv = conv(out_channels, quarter, 3)
        self.p2_conv = conv(out_channels, quarter, 3)
        self.asf = AdaptiveScaleFusion(out_channels, quarter) if use_asf else None

    def forward(self, features: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Return [B, out_channels, H / 4, W / 4] from the maps of an image H x W, the finest first."""
        map2, map3, map4, map5 = features
        sum5 = self.in5_conv(map5)
        sum4 = self.in4_conv(map4) + enlarged(sum5, 2)
        sum3 = self.in3_conv(map3) + enlarged(sum4, 2)
        sum2 = self.in2_conv(map2) + enlarged(sum3, 2)
        scales = [
            enlarged(self.p5_conv(sum5), 8),
            enlarged(self.p4_conv(sum4), 4),
            enlarged(self.p3_conv(sum3), 2),
            self.p2_conv(sum2),
        ]
        return paddle.concat(scales, axis=1) if self.asf is None else self.asf(scales)
