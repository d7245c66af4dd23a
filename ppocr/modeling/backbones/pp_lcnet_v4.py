"""PP-LCNetV4, the backbone of PP-OCRv6: RepViT's blocks with fewer parameters, for lines and for pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import paddle
from paddle import nn

from ppocr.config.ranges import NonNegative
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, SEModule, Stride
from ppocr.modeling.layers.fusing import fold_into
from ppocr.modeling.layers.hgnet import Stem
from ppocr.modeling.layers.line_pool import line_pool
from ppocr.modeling.layers.rep_conv import ConvNorm, RepDepthwise
from ppocr.registry import BACKBONES

KERNEL = 3
STEM_STYLE = ConvStyle("relu", norm_decay=False)
LINE_STRIDES: tuple[Stride, ...] = (1, 1, (2, 1), (2, 1), 1)
PAGE_STRIDES: tuple[Stride, ...] = (1, 2, 2, 2)


class Stage(NamedTuple):
    """Blocks of one width; "S" is one with squeeze and excitation, "-" one without."""

    width: int
    blocks: str


PAGE_BLOCKS = ("S-", "-S-", "-S-S-", "-S-")
PAGE_WIDTHS = {"tiny": (32, 48, 64, 160), "small": (48, 96, 192, 384), "medium": (128, 256, 512, 896)}
LINE_STAGES = {
    "tiny": (Stage(48, "S"), Stage(48, "-"), Stage(96, "-S-"), Stage(160, "-S--"), Stage(160, "")),
    "small": (Stage(96, "S"), Stage(96, "--"), Stage(192, "-S-S-S-"), Stage(384, "-S-"), Stage(384, "")),
    "medium": (Stage(128, "S"), Stage(256, "--S"), Stage(512, "-S-S-S-"), Stage(768, "-S-"), Stage(768, "")),
}
PLAIN_STEM = "tiny"  # the size whose first layers for lines are two convolutions


class StemConv(ConvBNLayer):
    """Convolution, batch norm and ReLU; `fuse` makes them a convolution and ReLU."""

    @paddle.no_grad()
    def fuse(self) -> None:
        """Fold the batch norm into the convolution."""
        if self.names == STEM_STYLE.names:
            fold_into(self.conv, self.bn)
            self.names = self.names[:1]
            del self.bn


def stem_block(in_channels: int, out_channels: int, rate: float) -> Stem:
    """Return the first layers, down to a quarter of the size.

    Args:
        in_channels: channels of the image.
        out_channels: channels of the output; half of them within.
        rate: factor of the learning rate.
    """
    return Stem(in_channels, out_channels // 2, out_channels, 2, STEM_STYLE._replace(rate=rate), StemConv)


class MixerBlock(nn.Layer):
    """Token mixer, a depthwise convolution, and channel mixer, two 1x1 ones; with a shortcut if the size stays.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: one number or (vertical, horizontal).
        squeeze: whether there is squeeze and excitation.
        rate: factor of the learning rate of squeeze and excitation.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: Stride, squeeze: bool, rate: float) -> None:
        super().__init__()
        self.shortcut = in_channels == out_channels and stride == 1
        if self.shortcut:
            self.token_mixer = nn.Sequential(("rep_dw", RepDepthwise(in_channels, KERNEL)))
        else:
            dw_conv = ConvNorm(in_channels, in_channels, KERNEL, stride, in_channels)
            self.token_mixer = nn.Sequential(("dw_conv", dw_conv))
        if squeeze:
            self.token_mixer.add_sublayer("se", SEModule(in_channels, rate=rate))
        self.channel_mixer = nn.Sequential(
            ("expand", ConvNorm(in_channels, 2 * in_channels)),
            ("act", nn.GELU()),
            ("compress", ConvNorm(2 * in_channels, out_channels, silent=self.shortcut)),
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.token_mixer(x)
        y = self.channel_mixer(x)
        return x + y if self.shortcut else y

    def fuse(self) -> None:
        """Fold the batch norms into the convolutions; the branches of a depthwise one fuse by themselves."""
        for layer in (*self.token_mixer, *self.channel_mixer):
            if isinstance(layer, ConvNorm):
                layer.fold()


@BACKBONES.register("PPLCNetV4", scope="det")
@BACKBONES.register("PPLCNetV4", scope="rec")
class PPLCNetV4(nn.Layer):
    """Light backbone for lines of text 48 pixels high, or for pages.

    Args:
        in_channels: channels of the image.
        det: return four maps of a page instead of the features of a line.
        model_size: "tiny", "small" or "medium".
        lr_mult_list: factors of the learning rate of the first layers and the five stages; unused with `det`.

    Raises:
        ConfigError: an unknown size, or not six factors.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        det: bool = False,
        model_size: Literal["tiny", "small", "medium"] = "small",
        lr_mult_list: Sequence[NonNegative] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    ) -> None:
        super().__init__()
        if len(lr_mult_list) != 1 + len(LINE_STRIDES):
            raise ConfigError(f"PPLCNetV4.lr_mult_list: six numbers are needed, not {list(lr_mult_list)}")
        self.det = det
        if det:
            stages = tuple(map(Stage, PAGE_WIDTHS[model_size], PAGE_BLOCKS))
            self.stem = stem_block(in_channels, stages[0].width, 1.0)
            self.names = [f"blocks_s{i + 1}" for i in range(len(stages))]
            self._add(stages, PAGE_STRIDES, (1.0,) * len(stages))
            self.out_channels: int | list[int] = [stage.width for stage in stages]
            return
        stages = LINE_STAGES[model_size]
        width = stages[0].width
        if model_size == PLAIN_STEM:
            first, second = ConvNorm(in_channels, width // 2, 3, 2), ConvNorm(width // 2, width, 3, 2)
            self.conv1: nn.Layer = nn.Sequential(first, nn.GELU(), second)
        else:
            self.conv1 = stem_block(in_channels, width, lr_mult_list[0])
        self.names = [f"blocks{i + 2}" for i in range(len(stages))]
        self._add(stages, LINE_STRIDES, lr_mult_list[1:])
        self.out_channels = stages[-1].width

    def _add(self, stages: Sequence[Stage], strides: Sequence[Stride], rates: Sequence[float]) -> None:
        """Add the stages; the first block of each has its stride."""
        channels = stages[0].width
        for name, stage, stride, rate in zip(self.names, stages, strides, rates):
            blocks = nn.Sequential()
            for i, kind in enumerate(stage.blocks):
                block = MixerBlock(channels, stage.width, stride if i == 0 else 1, kind == "S", rate)
                blocks.add_sublayer(str(i), block)
                channels = stage.width
            setattr(self, name, blocks)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor | list[paddle.Tensor]:
        """Return the features of images [B, in_channels, H, W].

        Lines: [B, out_channels, 1, W / 8], in training always 40 columns. Pages: four maps
        [B, out_channels[i], H / 2**(i + 2), W / 2**(i + 2)].
        """
        first = self.stem if self.det else self.conv1
        maps = chain_outputs([getattr(self, name) for name in self.names], first(x))
        return maps if self.det else line_pool(maps[-1], self.training)
