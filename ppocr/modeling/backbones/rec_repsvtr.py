"""RepSVTR for recognition: the student of SVTRv2 (https://arxiv.org/abs/2411.15858)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F

from ppocr.declarations import Filled
from ppocr.modeling.layers.repvit import BlockSpec, RepViT
from ppocr.registry import BACKBONES

BLOCKS = (
    BlockSpec(96, squeeze=True),
    *(BlockSpec(96),) * 2,
    BlockSpec(192, stride=(2, 1)),
    *(BlockSpec(192, squeeze=True), BlockSpec(192)) * 3,
    BlockSpec(384, stride=(2, 1)),
    BlockSpec(384, squeeze=True),
    BlockSpec(384),
)


@BACKBONES.register(scope="rec")
class RepSVTR(RepViT):
    """Re-parameterisable convolutions; height shrinks by 16 and is then averaged, width by 8.

    Args:
        in_channels: channels of the image.
    """

    def __init__(self, in_channels: Filled[int] = 3) -> None:
        super().__init__(in_channels, BLOCKS)
        self.out_channels = BLOCKS[-1].out

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features [B, 384, 1, W / 8] of images [B, in_channels, H, W]."""
        for layer in self.features:
            x = layer(x)
        return F.avg_pool2d(x, [x.shape[2], 2])
