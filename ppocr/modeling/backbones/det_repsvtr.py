"""RepSVTR for detection (https://arxiv.org/abs/2411.15858)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle

from ppocr.config.ranges import Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.repvit import BlockSpec, RepViT
from ppocr.registry import BACKBONES

BLOCKS = (
    BlockSpec(48, squeeze=True),
    BlockSpec(48),
    BlockSpec(96, stride=2),
    BlockSpec(96, squeeze=True),
    BlockSpec(96),
    BlockSpec(192, stride=2),
    *(BlockSpec(192, squeeze=True), BlockSpec(192)) * 2,
    BlockSpec(384, stride=2),
    BlockSpec(384, squeeze=True),
    BlockSpec(384),
)


@BACKBONES.register("RepSVTR_det", scope="det")
class RepSVTR_det(RepViT):  # noqa: N801
    """Re-parameterisable convolutions, for whole pages.

    Args:
        in_channels: channels of the image.
        out_indices: the blocks whose maps are returned, from 1 to 13.

    Raises:
        ConfigError: there is no such block.
    """

    def __init__(self, in_channels: Filled[int] = 3, out_indices: Sequence[Whole] = (2, 5, 10, 13)) -> None:
        super().__init__(in_channels, BLOCKS)
        self.out_indices = list(out_indices)
        if not set(self.out_indices) <= set(range(1, len(BLOCKS) + 1)):
            raise ConfigError(f"RepSVTR_det.out_indices: {self.out_indices} are not all among 1 ... {len(BLOCKS)}")
        self.out_channels = [BLOCKS[i - 1].out for i in self.out_indices]

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """Return the maps [B, out_channels[i], H / 2**(i + 2), W / 2**(i + 2)], the finest first."""
        maps = chain_outputs(self.features, x)
        return [maps[i] for i in sorted(set(self.out_indices))]
