"""PP-HGNet: blocks that concatenate all their intermediate features, as in VoVNet (https://arxiv.org/abs/1904.09730)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingNormal

from ppocr.config.ranges import Whole
from ppocr.declarations import Filled
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.hgnet import STYLE, Stage, all_outputs, checked_indices
from ppocr.modeling.layers.line_pool import line_pool
from ppocr.registry import BACKBONES

STEM = (64, 64, 128)
# Inner width, width of the result and number of blocks of each stage.
STAGES = ((128, 256, 1), (160, 512, 1), (192, 768, 2), (224, 1024, 1))
LINE_STRIDES = ((2, 1), (1, 2), (2, 1), (2, 1))
PAGE_STRIDES = (None, 2, 2, 2)
DEPTH = 6  # convolutions in a block


class ChannelGate(nn.Layer):
    """Each channel is scaled by a gate, one convolution of all channel means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2D(channels, channels, 1, weight_attr=ParamAttr(initializer=KaimingNormal()))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * F.sigmoid(self.conv(F.adaptive_avg_pool2d(x, 1)))


class Block(nn.Layer):
    """A chain of convolutions whose outputs are concatenated and gated.

    Args:
        in_channels: channels of the input.
        inner: channels of each convolution.
        out_channels: channels of the output.
        shortcut: add the input to the result.
    """

    def __init__(self, in_channels: int, inner: int, out_channels: int, shortcut: bool) -> None:
        super().__init__()
        self.layers = nn.LayerList(
            [ConvBNLayer(inner if i else in_channels, inner, 3, style=STYLE) for i in range(DEPTH)]
        )
        self.aggregation_conv = ConvBNLayer(in_channels + DEPTH * inner, out_channels, 1, style=STYLE)
        self.att = ChannelGate(out_channels)
        self.shortcut = shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.att(self.aggregation_conv(all_outputs(self.layers, x)))
        return x + y if self.shortcut else y


@BACKBONES.register("PPHGNet_small", scope="det")
@BACKBONES.register("PPHGNet_small", scope="rec")
class PPHGNet_small(nn.Layer):  # noqa: N801
    """Strong backbone for lines of text 48 pixels high, or for pages.

    Args:
        in_channels: channels of the image.
        det: return maps of a page instead of the features of a line.
        out_indices: with `det`, the stages whose maps are returned; all when not given.

    Raises:
        ConfigError: a stage that does not exist.
    """

    ignored_keys = ("pretrained", "use_ssld")  # weights are named by Global.pretrained_model

    def __init__(
        self, in_channels: Filled[int] = 3, det: bool = False, out_indices: Sequence[Whole] | None = None
    ) -> None:
        super().__init__()
        self.det = det
        self.out_indices = checked_indices(type(self).__name__, out_indices, len(STAGES))
        widths = (in_channels, *STEM)
        self.stem = nn.Sequential(
            *(ConvBNLayer(*pair, 3, 1 if i else 2, style=STYLE) for i, pair in enumerate(zip(widths, STEM)))
        )
        channels, stages, out_channels = STEM[-1], [], []
        for (inner, width, count), stride in zip(STAGES, PAGE_STRIDES if det else LINE_STRIDES):
            blocks = [Block(width if i else channels, inner, width, i > 0) for i in range(count)]
            stages.append(Stage(channels, stride, blocks))
            channels = width
            out_channels.append(width)
        self.stages = nn.LayerList(stages)
        self.out_channels: int | list[int] = [out_channels[i] for i in self.out_indices] if det else channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor | list[paddle.Tensor]:
        """Return the features of images [B, in_channels, H, W].

        Lines: [B, out_channels, 1, W / 8], in training always 40 columns. Pages: maps
        [B, out_channels[i], H / 2**(s + 2), W / 2**(s + 2)], s in `out_indices`.
        """
        x = self.stem(x)
        if self.det:
            x = F.max_pool2d(x, 3, 2, 1)
        maps = chain_outputs(self.stages, x)
        return [maps[i] for i in self.out_indices] if self.det else line_pool(maps[-1], self.training)
