"""Pyramids of large depthwise kernels, the necks of PP-OCRv6's detectors."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.config.ranges import Channels, Kernel
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.large_kernel import DilatedReparamBlock, DilatedReparamConv
from ppocr.modeling.layers.mobilenet_v3 import GATE_SLOPE
from ppocr.modeling.layers.pyramid import Pyramid
from ppocr.modeling.necks.lk_pan import PathAggregation
from ppocr.modeling.necks.rse_fpn import SqueezedConv
from ppocr.registry import NECKS


@NECKS.register()
class RepLKFPN(Pyramid):
    """RSEFPN whose 3x3 convolutions are large depthwise ones and 1x1 ones.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 16.
        shortcut: whether there is a shortcut around squeeze and excitation.
        dilated_kernel_size: see `DilatedReparamBlock`.
        intracl: refine each of the four results with an `IntraCLBlock`.
    """

    sums_in_training = True

    def __init__(
        self,
        in_channels: Filled[Sequence[int]],
        out_channels: Channels,
        shortcut: bool = True,
        dilated_kernel_size: Kernel = 7,
        intracl: bool = False,
    ) -> None:
        super().__init__(out_channels)
        self.shortcut = shortcut
        count, quarter = len(in_channels), out_channels // 4
        self.ins_conv = nn.LayerList([SqueezedConv(c, out_channels, 1, shortcut) for c in in_channels])
        self.inp_conv_dw = nn.LayerList([DilatedReparamBlock(out_channels, dilated_kernel_size) for _ in range(count)])
        self.inp_conv_pw = nn.LayerList([nn.Conv2D(out_channels, quarter, 1, bias_attr=False) for _ in range(count)])
        self.inp_conv_se = nn.LayerList([SEModule(quarter, GATE_SLOPE) for _ in range(count)])
        if intracl:
            self.add_refinement(count, quarter)

    def scales(self, sums: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """See the base class."""
        scales = []
        for i in reversed(range(len(sums))):
            x = self.inp_conv_pw[i](self.inp_conv_dw[i](sums[i]))
            scales.append(x + self.inp_conv_se[i](x) if self.shortcut else self.inp_conv_se[i](x))
        return scales[::-1]


@NECKS.register()
class RepLKPAN(PathAggregation):
    """LKPAN whose 9x9 convolutions are depthwise ones and 1x1 ones; arguments as in `PathAggregation`."""

    ignored_keys = ("mode",)  # LKPAN has two forms, this one
    sums_in_training = True

    def __init__(self, in_channels: Filled[Sequence[int]], out_channels: Channels, intracl: bool = False) -> None:
        super().__init__(in_channels, out_channels, DilatedReparamConv, intracl)
