"""The feature pyramid of DB and DB++."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels
from ppocr.declarations import Filled
from ppocr.modeling.layers.pyramid import Pyramid, conv, of_each, same_size
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
class DBFPN(Pyramid):
    """The pyramid of DB (https://arxiv.org/abs/1911.08947): coarse maps added to finer ones, then all concatenated.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 4.
        use_asf: weight the scales, as DB++ does.
    """

    def __init__(self, in_channels: Filled[Sequence[int]], out_channels: Channels, use_asf: bool = False) -> None:
        super().__init__(out_channels)
        quarter = out_channels // 4
        # Attribute names count from 2: map i is 2**i times smaller than the image.
        levels = range(2, 2 + len(in_channels))
        self.ins_conv = [
            self.add_sublayer(f"in{i}_conv", conv(c, out_channels, 1)) for i, c in zip(levels, in_channels)
        ]
        outs = [self.add_sublayer(f"p{i}_conv", conv(out_channels, quarter, 3)) for i in reversed(levels)]
        self.outs_conv = outs[::-1]
        self.asf = AdaptiveScaleFusion(out_channels, quarter) if use_asf else None

    def scales(self, sums: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """See the base class."""
        return of_each(self.outs_conv, sums)

    def joined(self, scales: list[paddle.Tensor]) -> paddle.Tensor:
        """Return the scales, weighted where that is asked for, concatenated."""
        return super().joined(scales) if self.asf is None else self.asf(same_size(scales))
