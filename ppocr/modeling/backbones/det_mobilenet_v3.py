"""MobileNetV3 as a pyramid of four feature maps (https://arxiv.org/abs/1905.02244)."""

from __future__ import annotations

from typing import Literal

import paddle
from paddle import nn

from ppocr.config.ranges import Scale
from ppocr.declarations import Filled
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import HARDSWISH, ConvBNLayer
from ppocr.modeling.layers.mobilenet_v3 import ResidualUnit, block_table, make_divisible
from ppocr.registry import BACKBONES

# The blocks of stride 2.
SHRINKING = {"large": (1, 3, 6, 12), "small": (0, 1, 3, 8)}


@BACKBONES.register("MobileNetV3", scope="det")
class MobileNetV3(nn.Layer):
    """Light backbone for whole images.

    Args:
        in_channels: channels of the image.
        model_name: "small" or "large".
        scale: width multiplier, one of 0.35, 0.5, 0.75, 1.0, 1.25.
        disable_se: leave out every squeeze and excitation.

    Raises:
        ConfigError: a value outside the above.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        model_name: Literal["small", "large"] = "large",
        scale: Scale = 0.5,
        disable_se: bool = False,
    ) -> None:
        super().__init__()
        shrinking = SHRINKING.get(model_name, ())
        channels = make_divisible(16 * scale)
        self.conv = ConvBNLayer(in_channels, channels, 3, 2, style=HARDSWISH)
        stages: list[list[nn.Layer]] = [[]]
        self.out_channels = []
        for index, spec in enumerate(block_table(model_name, scale, disable_se, dict.fromkeys(shrinking, 2))):
            # The first map is a quarter of the image: "large" gets there with its second block, "small" with its first.
            if index in shrinking[1:]:
                self.out_channels.append(channels)
                stages.append([])
            stages[-1].append(ResidualUnit(channels, spec))
            channels = spec.out
        self.out_channels.append(spec.expanded)  # as wide as the last block inside
        stages[-1].append(ConvBNLayer(channels, spec.expanded, 1, style=HARDSWISH))
        self.stages = [self.add_sublayer(f"stage{i}", nn.Sequential(*units)) for i, units in enumerate(stages)]

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the features [B, out_channels[i], H / 2**(i + 2), W / 2**(i + 2)] of images [B, in_channels, H, W]."""
        return chain_outputs(self.stages, self.conv(x))
