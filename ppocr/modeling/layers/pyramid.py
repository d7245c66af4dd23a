"""The parts that feature pyramids for detection have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def same_size(scales: Sequence[paddle.Tensor]) -> list[paddle.Tensor]:
    """Return maps, the finest first and each half as large as the one before, enlarged to one size, coarsest first."""
    return [enlarged(x, 2**i) if i else x for i, x in enumerate(scales)][::-1]


def of_each(layers: Iterable[nn.Layer], maps: Iterable[paddle.Tensor]) -> list[paddle.Tensor]:
    """Return what each layer makes of its map.

    The last, coarsest map is the first to be computed: inference models hold their arrays in this order.
    """
    return [layer(x) for layer, x in reversed(list(zip(layers, maps)))][::-1]


class Pyramid(nn.Layer):
    """Base of necks that add coarse maps to finer ones, in one width, and concatenate what they make of the sums.

    Args:
        out_channels: channels of the result.

    Attributes:
        ins_conv: of each map, the convolution to one width.
        sums_in_training: whether the sums are given in training too, for the head's auxiliary maps.
    """

    ins_conv: Iterable[nn.Layer]
    size_multiple = 32  # so that each map is exactly twice as large as the next
    sums_in_training = False

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.refined: list[nn.Layer] = []

    def add_refinement(self, count: int, width: int) -> None:
        """Add an `IntraCLBlock` for each of the results."""
        self.refined = [self.add_sublayer(f"incl{i + 1}", IntraCLBlock(width)) for i in range(count)]

    def forward(self, features: Sequence[paddle.Tensor]) -> paddle.Tensor | dict[str, paddle.Tensor]:
        """Return [B, out_channels, H / 4, W / 4] from the maps of an image H x W, the finest first.

        With `sums_in_training`, in training a dict: this as `fuse`, and `aux_p4`, `aux_p3`, `aux_p2`,
        [B, out_channels, H / 2**n, W / 2**n].
        """
        sums = of_each(self.ins_conv, features)
        for i in reversed(range(len(sums) - 1)):
            sums[i] = sums[i] + enlarged(sums[i + 1], 2)
        fuse = self.joined(self.scales(sums))
        if not (self.training and self.sums_in_training):
            return fuse
        return {"fuse": fuse, "aux_p4": sums[2], "aux_p3": sums[1], "aux_p2": sums[0]}

    def scales(self, sums: list[paddle.Tensor]) -> list[paddle.Tensor]:
        """Return a quarter of the result's channels from each of the sums."""
        raise TypeError(f"{type(self).__name__} does not implement scales")

    def joined(self, scales: list[paddle.Tensor]) -> paddle.Tensor:
        """Return the scales, refined if there are blocks for it, concatenated."""
        return paddle.concat(same_size(of_each(self.refined, scales) or scales), axis=1)
