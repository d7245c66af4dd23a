"""RSE-FPN: the pyramid of DB with residual squeeze and excitation (https://arxiv.org/abs/2206.03001, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.intra_cl import IntraCLBlock
from ppocr.modeling.layers.mobilenet_v3 import GATE_SLOPE
from ppocr.modeling.necks.db_fpn import conv, enlarged
from ppocr.registry import NECKS


class SqueezedConv(nn.Layer):
    """Convolution, then squeeze and excitation, whose result is added to the convolution's when asked for.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: odd.
        shortcut: whether to add.
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
class RSEFPN(nn.Layer):
    """Light pyramid for detection.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 16.
        shortcut: see `SqueezedConv`.
        intracl: refine each of the four results with an `IntraCLBlock`.
    """

    size_multiple = 32  # so that each map is exactly twice as large as the next

    def __init__(
        self, in_channels: Filled[Sequence[int]], out_channels: Channels, shortcut: bool = True, intracl: bool = False
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        quarter = out_channels // 4
        self.ins_conv = nn.LayerList([SqueezedConv(c, out_channels, 1, shortcut) for c in in_channels])
        self.inp_conv = nn.LayerList([SqueezedConv(out_channels, quarter, 3, shortcut) for _ in in_channels])
        self.refined = [f"incl{i + 1}" for i in range(len(in_channels))] if intracl else []
        for name in self.refined:
            setattr(self, name, IntraCLBlock(quarter))

    def forward(self, features: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Return [B, out_channels, H / 4, W / 4] from the maps of an image H x W, the finest first."""
        # the coarsest first, as the reference does: inference models hold their arrays in this order
        sums = [narrow(x) for narrow, x in reversed(list(zip(self.ins_conv, features)))][::-1]
        for i in reversed(range(len(sums) - 1)):
            sums[i] = sums[i] + enlarged(sums[i + 1], 2)
        scales = [layer(x) for layer, x in reversed(list(zip(self.inp_conv, sums)))][::-1]
        scales = [getattr(self, name)(x) for name, x in zip(self.refined, scales)] or scales
        return side_by_side(scales)


def side_by_side(scales: Sequence[paddle.Tensor]) -> paddle.Tensor:
    """Return maps, the finest first and each half as large as the one before, enlarged and joined, coarsest first."""
    enlargements = [enlarged(x, 2**i) if i else x for i, x in enumerate(scales)]
    return paddle.concat(enlargements[::-1], axis=1)
