"""PP-HGNetV2: PP-HGNet with lighter deep stages and a stem of two paths (https://arxiv.org/abs/2304.08069)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import paddle
from paddle import nn

from ppocr.config.ranges import NonNegative, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, Stride
from ppocr.modeling.layers.hgnet import STYLE, Stage, Stem, all_outputs, checked_indices
from ppocr.modeling.layers.line_pool import line_pool
from ppocr.registry import BACKBONES


class StageSpec(NamedTuple):
    """One stage of the network; a light one has pairs of a pointwise and a depthwise convolution."""

    inner: int
    out: int
    blocks: int
    light: bool
    kernel: int
    line: Stride
    page: Stride | None


STEM = (32, 48)
STAGES = (
    StageSpec(48, 128, 1, False, 3, (2, 1), None),
    StageSpec(96, 512, 1, False, 3, (1, 2), 2),
    StageSpec(192, 1024, 3, True, 5, (2, 1), 2),
    StageSpec(384, 2048, 1, True, 5, (2, 1), 2),
)
DEPTH = 6  # convolutions in a block
CLASSIFIER_WIDTH, CLASSES = 2048, 1000  # of the image classifier with this backbone


class LightConv(nn.Layer):
    """Pointwise convolution, then a depthwise one with an activation."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, style: ConvStyle) -> None:
        super().__init__()
        self.conv1 = ConvBNLayer(in_channels, out_channels, 1, style=style._replace(act=None))
        self.conv2 = ConvBNLayer(out_channels, out_channels, kernel_size, groups=out_channels, style=style)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv2(self.conv1(x))


class Block(nn.Layer):
    """A chain of convolutions whose outputs are concatenated, narrowed and widened.

    Args:
        in_channels: channels of the input.
        spec: of the stage.
        shortcut: add the input to the result.
        style: of the convolutions.
    """

    def __init__(self, in_channels: int, spec: StageSpec, shortcut: bool, style: ConvStyle) -> None:
        super().__init__()
        layers: list[nn.Layer] = []
        for i in range(DEPTH):
            width = spec.inner if i else in_channels
            if spec.light:
                layers.append(LightConv(width, spec.inner, spec.kernel, style))
            else:
                layers.append(ConvBNLayer(width, spec.inner, spec.kernel, style=style))
        self.layers = nn.LayerList(layers)
        joined = in_channels + DEPTH * spec.inner
        self.aggregation_squeeze_conv = ConvBNLayer(joined, spec.out // 2, 1, style=style)
        self.aggregation_excitation_conv = ConvBNLayer(spec.out // 2, spec.out, 1, style=style)
        self.shortcut = shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.aggregation_excitation_conv(self.aggregation_squeeze_conv(all_outputs(self.layers, x)))
        return x + y if self.shortcut else y


@BACKBONES.register("PPHGNetV2_B4", scope="det")
@BACKBONES.register("PPHGNetV2_B4", scope="rec")
class PPHGNetV2_B4(nn.Layer):  # noqa: N801
    """Strong backbone for lines of text 48 pixels high, or for pages.

    Args:
        in_channels: channels of the image.
        det: return maps of a page.
        text_rec: return the features of a line, of one row; with neither the features of the last stage.
        lr_mult_list: factors of the learning rate of the stem and the four stages.
        out_indices: with `det`, the stages whose maps are returned; all when not given.

    Raises:
        ConfigError: not five factors, or a stage that does not exist.
    """

    ignored_keys = ("pretrained", "use_ssld")  # weights are named by Global.pretrained_model

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        det: bool = False,
        text_rec: bool = False,
        lr_mult_list: Sequence[NonNegative] = (1.0, 1.0, 1.0, 1.0, 1.0),
        out_indices: Sequence[Whole] | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if len(lr_mult_list) != 1 + len(STAGES):
            raise ConfigError(f"{name}.lr_mult_list: five numbers are needed, not {list(lr_mult_list)}")
        self.det, self.text_rec = det, text_rec
        self.out_indices = checked_indices(name, out_indices, len(STAGES))
        styles = [STYLE._replace(rate=rate) for rate in lr_mult_list]
        self.stem = Stem(in_channels, *STEM, 1 if text_rec else 2, styles[0])
        channels, stages = STEM[-1], []
        for spec, style in zip(STAGES, styles[1:]):
            blocks = [Block(spec.out if i else channels, spec, i > 0, style) for i in range(spec.blocks)]
            stages.append(Stage(channels, spec.page if det else spec.line, blocks, style))
            channels = spec.out
        self.stages = nn.LayerList(stages)
        self.out_channels: int | list[int] = [STAGES[i].out for i in self.out_indices] if det else channels
        # upstream: the layers of the image classifier are kept; unused, but checkpoints have them.
        self.last_conv = nn.Conv2D(channels, CLASSIFIER_WIDTH, 1, bias_attr=False)
        self.fc = None if det else nn.Linear(CLASSIFIER_WIDTH, CLASSES)
        for layer in (self.last_conv, self.fc):
            for parameter in layer.parameters() if layer is not None else ():
                parameter.stop_gradient = True  # unused: not trained

    def forward(self, x: paddle.Tensor) -> paddle.Tensor | list[paddle.Tensor]:
        """Return the features of images [B, in_channels, H, W].

        Lines: [B, out_channels, 1, W / 8], in training always 40 columns. Pages: maps
        [B, out_channels[i], H / 2**(s + 2), W / 2**(s + 2)], s in `out_indices`.
        """
        maps = chain_outputs(self.stages, self.stem(x))
        if self.det:
            return [maps[i] for i in self.out_indices]
        return line_pool(maps[-1], self.training) if self.text_rec else maps[-1]
