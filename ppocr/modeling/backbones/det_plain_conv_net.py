"""A few dense convolutions, for text detection on machines without a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels, Depth
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import RELU, ConvBNLayer
from ppocr.registry import BACKBONES


@BACKBONES.register(scope="det")
class PlainConvNet(nn.Layer):
    """Dense 3x3 convolutions: on a CPU they run near peak speed, where depthwise ones are bound by memory.

    A stem halves the size; each of four stages halves it again and has `depths` convolutions; all but the first
    of a stage have a shortcut.

    Args:
        in_channels: channels of the image.
        stem: channels of the stem.
        channels: width of each stage.
        depths: convolutions of each stage.

    Raises:
        ConfigError: not four stages.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        stem: Channels = 16,
        channels: Sequence[Channels] = (24, 48, 96, 128),
        depths: Sequence[Depth] = (1, 2, 2, 2),
    ) -> None:
        super().__init__()
        if len(channels) != 4 or len(depths) != 4 or min(depths) < 1:
            raise ConfigError(
                f"PlainConvNet: channels {list(channels)} and depths {list(depths)} must name four stages",
                "such as channels [24, 48, 96, 128], depths [1, 2, 2, 2]",
            )
        self.stem = ConvBNLayer(in_channels, stem, 3, 2, style=RELU)
        before = [stem, *channels]
        self.stages = nn.LayerList()
        for i, (width, depth) in enumerate(zip(channels, depths)):
            layers = [ConvBNLayer(before[i], width, 3, 2, style=RELU)]
            layers += [ConvBNLayer(width, width, 3, style=RELU) for _ in range(depth - 1)]
            self.stages.append(nn.LayerList(layers))
        self.out_channels = list(channels)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return features [B, channels[i], H / s, W / s] of images [B, in_channels, H, W] for s = 4, 8, 16, 32."""
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage[0](x)
            for layer in stage[1:]:
                x = x + layer(x)
            features.append(x)
        return features
