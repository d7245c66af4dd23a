"""Pyramids of large depthwise kernels, the necks of PP-OCRv6's detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import paddle
from paddle import nn

from ppocr.config.ranges import Channels, Kernel
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.large_kernel import DilatedReparamBlock, DilatedReparamConv
from ppocr.modeling.layers.mobilenet_v3 import GATE_SLOPE
from ppocr.modeling.layers.pyramid import Pyramid, conv, side_by_side
from ppocr.modeling.necks.rse_fpn import SqueezedConv
from ppocr.registry import NECKS

PAN_KERNEL = 9
Features: TypeAlias = paddle.Tensor | dict


class LargeKernelPyramid(Pyramid):
    """Pyramid that in training also returns its sums, for the head's auxiliary maps."""

    def joined(self, scales: list[paddle.Tensor], sums: Sequence[paddle.Tensor]) -> Features:
        """Return the results concatenated, in training with the sums."""
        fuse = side_by_side(self.refine(scales))
        if not self.training:
            return fuse
        return {"fuse": fuse, "aux_p4": sums[2], "aux_p3": sums[1], "aux_p2": sums[0]}


@NECKS.register()
class RepLKFPN(LargeKernelPyramid):
    """RSEFPN whose 3x3 convolutions are large depthwise ones and 1x1 ones.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 16.
        shortcut: whether there is a shortcut around squeeze and excitation.
        dilated_kernel_size: see `DilatedReparamBlock`.
        intracl: refine each of the four results with an `IntraCLBlock`.
    """

    def __init__(
        self,
        in_channels: Filled[Sequence[int]],
        out_channels: Channels,
        shortcut: bool = True,
        dilated_kernel_size: Kernel = 7,
        intracl: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.shortcut = shortcut
        count, quarter = len(in_channels), out_channels // 4
        self.ins_conv = nn.LayerList([SqueezedConv(c, out_channels, 1, shortcut) for c in in_channels])
        self.inp_conv_dw = nn.LayerList([DilatedReparamBlock(out_channels, dilated_kernel_size) for _ in range(count)])
        self.inp_conv_pw = nn.LayerList([nn.Conv2D(out_channels, quarter, 1, bias_attr=False) for _ in range(count)])
        self.inp_conv_se = nn.LayerList([SEModule(quarter, GATE_SLOPE) for _ in range(count)])
        if intracl:
            self.add_refinement(count, quarter)

    def forward(self, features: Sequence[paddle.Tensor]) -> Features:
        """Return [B, out_channels, H / 4, W / 4] from the maps of an image H x W, the finest first.

        In training a dict: this as `fuse`, and `aux_p4`, `aux_p3`, `aux_p2`, [B, out_channels, H / 2**n, W / 2**n].
        """
        sums = self.sums(features)
        scales = []
        for i in reversed(range(len(sums))):
            x = self.inp_conv_pw[i](self.inp_conv_dw[i](sums[i]))
            scales.append(x + self.inp_conv_se[i](x) if self.shortcut else self.inp_conv_se[i](x))
        return self.joined(scales[::-1], sums)


@NECKS.register()
class RepLKPAN(LargeKernelPyramid):
    """LKPAN whose 9x9 convolutions are depthwise ones and 1x1 ones: from coarse to fine, then from fine to coarse.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 8.
        intracl: see `RepLKFPN`.
    """

    ignored_keys = ("mode",)  # LKPAN has two forms, this one

    def __init__(self, in_channels: Filled[Sequence[int]], out_channels: Channels, intracl: bool = False) -> None:
        super().__init__()
        self.out_channels = out_channels
        count, quarter = len(in_channels), out_channels // 4
        self.ins_conv = nn.LayerList([conv(c, out_channels, 1) for c in in_channels])
        self.inp_conv = nn.LayerList([DilatedReparamConv(out_channels, quarter, PAN_KERNEL) for _ in range(count)])
        self.pan_head_conv = nn.LayerList([conv(quarter, quarter, 3, stride=2) for _ in range(count - 1)])
        self.pan_lat_conv = nn.LayerList([DilatedReparamConv(quarter, quarter, PAN_KERNEL) for _ in range(count)])
        if intracl:
            self.add_refinement(count, quarter)

    def forward(self, features: Sequence[paddle.Tensor]) -> Features:
        """Return [B, out_channels, H / 4, W / 4], or the dict of `RepLKFPN.forward`."""
        sums = self.sums(features)
        paths = [layer(x) for layer, x in reversed(list(zip(self.inp_conv, sums)))][::-1]
        for i in range(1, len(paths)):
            paths[i] = paths[i] + self.pan_head_conv[i - 1](paths[i - 1])
        return self.joined([layer(x) for layer, x in zip(self.pan_lat_conv, paths)], sums)
