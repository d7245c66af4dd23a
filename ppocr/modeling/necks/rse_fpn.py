"""RSE-FPN: the pyramid of DB with residual squeeze and excitation (https://arxiv.org/abs/2206.03001, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.mobilenet_v3 import GATE_SLOPE
from ppocr.modeling.layers.pyramid import Pyramid, conv, of_each
from ppocr.registry import NECKS


class SqueezedConv(nn.Layer):
    """Convolution, then squeeze and excitation with an optional shortcut.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd.
        shortcut: whether there is a shortcut around squeeze and excitation.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, shortcut: bool) -> None:
        super().__init__()
        self.in_conv = conv(in_channels, out_channels, kernel_size)
        self.se_block = SEModule(out_channels, GATE_SLOPE)
        self.shortcut = shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.in_conv(x)
        return x + self.se_block(x) if self.shortcut else self.se_block(x)


@NECKS.register()
class RSEFPN(Pyramid):
    """Light pyramid for detection.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 16.
        shortcut: see `SqueezedConv`.
        intracl: refine each of the four results with an `IntraCLBlock`.
    """

    def __init__(
        self, in_channels: Filled[Sequence[int]], out_channels: Channels, shortcut: bool = True, intracl: bool = False
    ) -> None:
        super().__init__(out_channels)
        quarter = out_channels // 4
        self.ins_conv = nn.LayerList([SqueezedConv(c, out_channels, 1, shortcut) for c in in_channels])
        self.inp_conv = nn.LayerList([SqueezedConv(out_channels, quarter, 3, shortcut) for _ in in_channels])
        if intracl:
            self.add_refinement(len(in_channels), quarter)

    def scales(self, sums: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """See the base class."""
        return of_each(self.inp_conv, sums)
