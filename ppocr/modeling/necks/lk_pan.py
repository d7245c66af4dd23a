"""LK-PAN: a path aggregation network of large kernels (https://arxiv.org/abs/2206.03001, section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.config.ranges import Channels
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.pyramid import Pyramid, conv, of_each
from ppocr.registry import NECKS

KERNEL = 9


class LightConv(nn.Layer):
    """A large depthwise convolution and two pointwise ones, in place of one large convolution.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        wide = 4 * in_channels
        self.conv1 = nn.Conv2D(
            in_channels, in_channels, kernel_size, padding=kernel_size // 2, groups=in_channels, bias_attr=False
        )
        self.bn1 = nn.BatchNorm2D(in_channels)
        self.conv2 = nn.Conv2D(in_channels, wide, 1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(wide)
        self.conv3 = nn.Conv2D(wide, out_channels, 1, bias_attr=False)
        self.conv_end = (
            nn.Conv2D(in_channels, out_channels, 1, bias_attr=False) if in_channels != out_channels else None
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv3(F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x))))))
        return y if self.conv_end is None else y + self.conv_end(x)


class PathAggregation(Pyramid):
    """Pyramid of large kernels: coarse maps are added to finer ones, and those back to coarser ones.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 4.
        large: makes a layer of a large kernel, from channels of input and output and the kernel size.
        intracl: refine each of the four results with an `IntraCLBlock`.
    """

    def __init__(
        self, in_channels: Sequence[int], out_channels: int, large: Callable[[int, int, int], nn.Layer], intracl: bool
    ) -> None:
        super().__init__(out_channels)
        quarter = out_channels // 4
        self.ins_conv = nn.LayerList([conv(c, out_channels, 1) for c in in_channels])
        self.inp_conv = nn.LayerList([large(out_channels, quarter, KERNEL) for _ in in_channels])
        self.pan_head_conv = nn.LayerList([conv(quarter, quarter, 3, stride=2) for _ in in_channels[1:]])
        self.pan_lat_conv = nn.LayerList([large(quarter, quarter, KERNEL) for _ in in_channels])
        if intracl:
            self.add_refinement(len(in_channels), quarter)

    def scales(self, sums: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """See the base class."""
        scales = of_each(self.inp_conv, sums)
        for i, downsample in enumerate(self.pan_head_conv):
            scales[i + 1] = scales[i + 1] + downsample(scales[i])
        return [layer(x) for layer, x in zip(self.pan_lat_conv, scales)]


@NECKS.register()
class LKPAN(PathAggregation):
    """Strong pyramid for detection.

    Args:
        in_channels: this, the next and the last: see `PathAggregation`.
        mode: "large" for convolutions of 9 x 9, "lite" for separable ones.

    Raises:
        ConfigError: another mode.
    """

    def __init__(
        self, in_channels: Filled[Sequence[int]], out_channels: Channels, mode: str = "large", intracl: bool = False
    ) -> None:
        if mode.lower() not in ("large", "lite"):
            raise ConfigError(f'LKPAN.mode: {mode!r} is neither "large" nor "lite"')
        super().__init__(in_channels, out_channels, conv if mode.lower() == "large" else LightConv, intracl)
