"""Pyramids of large depthwise kernels, the necks of PP-OCRv6's detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import paddle
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingUniform

from ppocr.config.ranges import Channels, Kernel
from ppocr.declarations import Filled
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.intra_cl import IntraCLBlock
from ppocr.modeling.layers.large_kernel import DilatedReparamBlock, DilatedReparamConv
from ppocr.modeling.layers.mobilenet_v3 import GATE_SLOPE
from ppocr.modeling.necks.db_fpn import conv, enlarged
from ppocr.modeling.necks.rse_fpn import SqueezedConv, side_by_side
from ppocr.registry import NECKS

PAN_KERNEL = 9
Features: TypeAlias = paddle.Tensor | dict


class LargeKernelPyramid(nn.Layer):
    """What both pyramids have in common: coarse maps added to finer ones, and what they give in training."""

    ins_conv: nn.LayerList
    size_multiple = 32  # so that each map is exactly twice as large as the next

    def __init__(self) -> None:
        super().__init__()
        self.refined: list[str] = []

    def add_refinement(self, count: int, width: int) -> None:
        """Add the blocks that refine the results."""
        self.refined = [f"incl{i + 1}" for i in range(count)]
        for name in self.refined:
            setattr(self, name, IntraCLBlock(width))

    def sums(self, features: Sequence[paddle.Tensor]) -> list[paddle.Tensor]:
        """Return the maps in one width, each with the coarser ones added."""
        # the order of the layers here and below is that of the arrays in inference models: first from coarse to fine
        sums = [narrow(x) for narrow, x in reversed(list(zip(self.ins_conv, features)))][::-1]
        for i in reversed(range(len(sums) - 1)):
            sums[i] = sums[i] + enlarged(sums[i + 1], 2)
        return sums

    def joined(self, scales: list[paddle.Tensor], sums: Sequence[paddle.Tensor]) -> Features:
        """Return the results side by side, in training with the sums for the head's auxiliary maps."""
        scales = [getattr(self, name)(x) for name, x in zip(self.refined, scales)] or scales
        fuse = side_by_side(scales)
        if not self.training:
            return fuse
        return {"fuse": fuse, "aux_p4": sums[2], "aux_p3": sums[1], "aux_p2": sums[0]}


@NECKS.register()
class RepLKFPN(LargeKernelPyramid):
    """RSEFPN whose 3x3 convolutions are large depthwise ones and 1x1 ones.

    Args:
        in_channels: channels of the four maps, the finest first.
        out_channels: channels of the result, a multiple of 16.
        shortcut: add what squeeze and excitation give to what goes in.
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

    ignored_keys = ("mode",)  # LKPAN's two forms are one here

    def __init__(self, in_channels: Filled[Sequence[int]], out_channels: Channels, intracl: bool = False) -> None:
        super().__init__()
        self.out_channels = out_channels
        count, quarter = len(in_channels), out_channels // 4
        self.ins_conv = nn.LayerList([conv(c, out_channels, 1) for c in in_channels])
        self.inp_conv = nn.LayerList([DilatedReparamConv(out_channels, quarter, PAN_KERNEL) for _ in range(count)])
        self.pan_head_conv = nn.LayerList([_halving(quarter) for _ in range(count - 1)])
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


def _halving(channels: int) -> nn.Conv2D:
    """Return a convolution without bias that halves the size."""
    initial = ParamAttr(initializer=KaimingUniform())
    return nn.Conv2D(channels, channels, 3, 2, 1, weight_attr=initial, bias_attr=False)
