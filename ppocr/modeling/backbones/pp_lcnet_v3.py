"""PP-LCNetV3: re-parameterised depthwise separable convolutions (https://arxiv.org/abs/2109.15099).

The branches are those of https://arxiv.org/abs/2206.04040.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant, KaimingNormal

from ppocr.config.ranges import NonNegative, Scale, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.chain import chain_outputs
from ppocr.modeling.layers.conv_norm import ConvBNLayer, ConvStyle, SEModule, Stride
from ppocr.modeling.layers.fusing import centred, conv_with, folded, identity_kernel
from ppocr.modeling.layers.line_pool import line_pool
from ppocr.modeling.layers.mobilenet_v3 import make_divisible
from ppocr.registry import BACKBONES

STYLE = ConvStyle(initializer=KaimingNormal, norm_decay=False)


class Unit(NamedTuple):
    """A block: its widths are those of scale 1."""

    kernel: int
    out: int
    lines: Stride  # stride in recognition
    pages: Stride  # stride in detection
    squeeze: bool = False


FIRST_WIDTH = 16
STAGES = {
    "blocks2": (Unit(3, 32, 1, 1),),
    "blocks3": (Unit(3, 64, 1, 2), Unit(3, 64, 1, 1)),
    "blocks4": (Unit(3, 128, (2, 1), 2), Unit(3, 128, 1, 1)),
    "blocks5": (Unit(3, 256, (1, 2), 2), *(Unit(5, 256, 1, 1),) * 4),
    "blocks6": (
        Unit(5, 512, (2, 1), 2, squeeze=True),
        Unit(5, 512, 1, 1, squeeze=True),
        Unit(5, 512, (2, 1), 1),
        Unit(5, 512, 1, 1),
    ),
}
MAP_WIDTHS = (16, 24, 56, 480)  # of the four maps for detection, at scale 1
WIDTH_STEP = 16


def width_at(width: int, scale: float) -> int:
    """Return a width of scale 1 at another scale."""
    return make_divisible(width * scale, WIDTH_STEP)


class LearnableAffine(nn.Layer):
    """One factor and one offset for all values.

    Args:
        rate: factor of the learning rate.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        attr = ParamAttr(learning_rate=rate)
        self.scale = self.create_parameter([1], attr=attr, default_initializer=Constant(1.0))
        self.bias = self.create_parameter([1], attr=attr, default_initializer=Constant(0.0))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.scale * x + self.bias


class AffineHardswish(nn.Layer):
    """Hardswish and a learnable affine block."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.lab = LearnableAffine(rate)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.lab(F.hardswish(x))


class BranchedConv(nn.Layer):
    """The sum of several convolutions of one size, one of size 1 and the input itself, then an activation.

    `fuse()` makes one convolution of the branches.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd; with size 1 there is no second branch of size 1.
        stride: one number or (vertical, horizontal).
        groups: groups of the convolutions.
        branches: how many convolutions of `kernel_size` there are.
        rates: factors of the learning rate, in general and of the affine blocks.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: Stride = 1,
        groups: int = 1,
        *,
        branches: int,
        rates: tuple[float, float],
    ) -> None:
        super().__init__()
        rate, affine_rate = rates
        self.in_channels, self.kernel_size, self.stride, self.groups = in_channels, kernel_size, stride, groups
        conv = partial(
            ConvBNLayer, in_channels, out_channels, stride=stride, groups=groups, style=STYLE._replace(rate=rate)
        )
        self.identity: nn.Layer | None = None
        if out_channels == in_channels and stride == 1:
            attrs = [ParamAttr(learning_rate=rate) for _ in range(2)]
            self.identity = nn.BatchNorm2D(in_channels, weight_attr=attrs[0], bias_attr=attrs[1])
        self.conv_kxk = nn.LayerList([conv(kernel_size) for _ in range(branches)])
        self.conv_1x1 = conv(1) if kernel_size > 1 else None
        self.lab = LearnableAffine(affine_rate)
        self.act = AffineHardswish(affine_rate)
        # upstream: a stride of 2 in both directions has no activation, whose parameters exist nevertheless.
        self.active = stride != 2
        if not self.active:
            for parameter in self.act.parameters():
                parameter.stop_gradient = True  # unused: not trained
        self.reparam_conv: nn.Layer | None = None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, out_channels, H / stride, W / stride] from [B, in_channels, H, W]."""
        if self.reparam_conv is not None:
            y = self.reparam_conv(x)
        else:
            branches = [self.identity, self.conv_1x1, *self.conv_kxk]
            y = sum(branch(x) for branch in branches if branch is not None)
        y = self.lab(y)
        return self.act(y) if self.active else y

    @paddle.no_grad()
    def fuse(self) -> None:
        """Replace the branches by one convolution with the same output in evaluation."""
        if self.reparam_conv is not None:
            return
        branches = [self.conv_1x1, *self.conv_kxk]
        folds = [folded(branch.conv.weight, branch.bn) for branch in branches if branch is not None]
        if self.identity is not None:
            folds.append(folded(identity_kernel(self.in_channels, self.groups), self.identity))
        kernel = sum(centred(weight, self.kernel_size) for weight, _ in folds)
        bias = sum(bias for _, bias in folds)
        self.reparam_conv = conv_with(kernel, bias, stride=self.stride, groups=self.groups)
        self.identity = self.conv_1x1 = self.conv_kxk = None


def _separable(
    in_channels: int, unit: Unit, stride: Stride, branches: int, rates: tuple[float, float]
) -> nn.Sequential:
    """Return depthwise convolution, squeeze and excitation where the unit has it, and pointwise convolution.

    Args:
        in_channels: channels of the input.
        unit: the block, its width already scaled.
        stride: one number or (vertical, horizontal).
        branches: of both convolutions, see `BranchedConv`.
        rates: see `BranchedConv`.
    """
    shared: dict[str, Any] = {"branches": branches, "rates": rates}
    layers = [("dw_conv", BranchedConv(in_channels, in_channels, unit.kernel, stride, in_channels, **shared))]
    if unit.squeeze:
        layers.append(("se", SEModule(in_channels, rate=rates[0])))
    return nn.Sequential(*layers, ("pw_conv", BranchedConv(in_channels, unit.out, 1, **shared)))


@BACKBONES.register("PPLCNetV3", scope="det")
@BACKBONES.register("PPLCNetV3", scope="rec")
class PPLCNetV3(nn.Layer):
    """Light backbone for lines of text 48 pixels high, or for pages.

    Args:
        in_channels: channels of the image.
        scale: width multiplier.
        conv_kxk_num: parallel convolutions in training.
        lr_mult_list: factors of the learning rate of the first convolution and the five stages.
        lab_lr: further factor for the affine blocks.
        det: return four maps of a page instead of the features of a line.

    Raises:
        ConfigError: not six factors.
    """

    ignored_keys = ("pretrained",)  # weights are named by Global.pretrained_model

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        scale: Scale = 1.0,
        conv_kxk_num: Whole = 4,
        lr_mult_list: Sequence[NonNegative] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
        lab_lr: NonNegative = 0.1,
        det: bool = False,
    ) -> None:
        super().__init__()
        if len(lr_mult_list) != 1 + len(STAGES):
            raise ConfigError(f"PPLCNetV3.lr_mult_list: six numbers are needed, not {list(lr_mult_list)}")
        self.det = det
        channels = width_at(FIRST_WIDTH, scale)
        self.conv1 = ConvBNLayer(in_channels, channels, 3, 2, style=STYLE._replace(rate=lr_mult_list[0]))
        widths = []
        for (name, units), rate in zip(STAGES.items(), lr_mult_list[1:]):
            blocks = []
            for unit in units:
                unit = unit._replace(out=width_at(unit.out, scale))
                stride = unit.pages if det else unit.lines
                blocks.append(_separable(channels, unit, stride, conv_kxk_num, (rate, rate * lab_lr)))
                channels = unit.out
            setattr(self, name, nn.Sequential(*blocks))
            widths.append(channels)
        self.out_channels: int | list[int] = channels
        if det:
            self.out_channels = [int(width * scale) for width in MAP_WIDTHS]
            self.layer_list = nn.LayerList([nn.Conv2D(*pair, 1) for pair in zip(widths[1:], self.out_channels)])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor | list[paddle.Tensor]:
        """Return the features of images [B, in_channels, H, W].

        Lines: [B, out_channels, 1, W / 8], in training always 40 columns. Pages: four maps
        [B, out_channels[i], H / 2**(i + 2), W / 2**(i + 2)].
        """
        maps = chain_outputs([getattr(self, name) for name in STAGES], self.conv1(x))
        if not self.det:
            return line_pool(maps[-1], self.training)
        return [narrow(features) for narrow, features in zip(self.layer_list, maps[1:])]
