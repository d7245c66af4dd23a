"""The parts that feature pyramids for detection have in common."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingUniform

from ppocr.modeling.layers.intra_cl import IntraCLBlock


def conv(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Conv2D:
    """Return a convolution without bias that keeps the size at stride 1; the kernel size is odd."""
    return nn.Conv2D(
        in_channels,
        out_channels,
        kernel_size,
        stride,
        kernel_size // 2,
        weight_attr=ParamAttr(initializer=KaimingUniform()),
        bias_attr=False,
    )


def enlarged(x: paddle.Tensor, factor: int) -> paddle.Tensor:
    """Return a feature map enlarged by nearest-neighbour interpolation."""
    return F.interpolate(x, scale_factor=factor, mode="nearest")


def side_by_side(scales: Sequence[paddle.Tensor]) -> paddle.Tensor:
    """Return maps, the finest first and each half as large as the one before, enlarged and joined, coarsest first."""
    enlargements = [enlarged(x, 2**i) if i else x for i, x in enumerate(scales)]
    return paddle.concat(enlargements[::-1], axis=1)


class Pyramid(nn.Layer):
    """Base of necks that add coarse maps to finer ones, in one width, and may refine their results."""

    ins_conv: nn.LayerList
    size_multiple = 32  # so that each map is exactly twice as large as the next

    def __init__(self) -> None:
        super().__init__()
        self.refined: list[str] = []

    def add_refinement(self, count: int, width: int) -> None:
        """Add an `IntraCLBlock` for each of the results."""
        self.refined = [f"incl{i + 1}" for i in range(count)]
        for name in self.refined:
            setattr(self, name, IntraCLBlock(width))

    def sums(self, features: Sequence[paddle.Tensor]) -> list[paddle.Tensor]:
        """Return the maps in one width, each with the coarser ones added."""
        # inference models hold their arrays in the order of the layers: here and below the coarsest first
        sums = [narrow(x) for narrow, x in reversed(list(zip(self.ins_conv, features)))][::-1]
        for i in reversed(range(len(sums) - 1)):
            sums[i] = sums[i] + enlarged(sums[i + 1], 2)
        return sums

    def refine(self, scales: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """Return the results, refined if there are blocks for it."""
        refined = [getattr(self, name)(x) for name, x in reversed(list(zip(self.refined, scales)))]
        return refined[::-1] or scales
