"""Differentiable binarisation (https://arxiv.org/abs/1911.08947): where text is, and the threshold that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant, KaimingUniform, Uniform

from ppocr.errors import ConfigError
from ppocr.registry import HEADS


class MapHead(nn.Layer):
    """One map of the image's size, before the sigmoid, from features a quarter of it.

    Args:
        in_channels: channels of the features.
        kernel_list: sizes of the convolution and of the two transposed ones that double the size each.
        fix_nan: in training, turn NaN into 0 behind each convolution.
    """

    def __init__(self, in_channels: int, kernel_list: Sequence[int], fix_nan: bool) -> None:
        super().__init__()
        self.fix_nan = fix_nan
        first, second, third = kernel_list
        width = in_channels // 4
        self.conv1 = nn.Conv2D(in_channels, width, first, padding=first // 2, bias_attr=False)
        self.conv_bn1 = _batch_norm(width)
        self.conv2 = _doubling(width, width, second)
        self.conv_bn2 = _batch_norm(width)
        self.conv3 = _doubling(width, 1, third)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, 1, 4H, 4W] from features [B, in_channels, H, W]."""
        x = self._fixed(F.relu(self.conv_bn1(self.conv1(x))))
        x = self._fixed(F.relu(self.conv_bn2(self.conv2(x))))
        return self._fixed(self.conv3(x))

    def _fixed(self, x: paddle.Tensor) -> paddle.Tensor:
        if not (self.fix_nan and self.training):
            return x
        return paddle.where(paddle.isnan(x), paddle.zeros_like(x), x)


def _batch_norm(channels: int) -> nn.BatchNorm2D:
    return nn.BatchNorm2D(channels, bias_attr=ParamAttr(initializer=Constant(1e-4)))


def _doubling(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2DTranspose:
    bound = 1.0 / math.sqrt(in_channels)
    return nn.Conv2DTranspose(
        in_channels,
        out_channels,
        kernel_size,
        stride=2,
        weight_attr=ParamAttr(initializer=KaimingUniform()),
        bias_attr=ParamAttr(initializer=Uniform(-bound, bound)),
    )


@HEADS.register()
class DBHead(nn.Layer):
    """Probability of text at each pixel; in training also the threshold and the binarised map.

    Args:
        in_channels: channels of the features.
        k: steepness of the binarisation.
        kernel_list: see `MapHead`.
        fix_nan: see `MapHead`.
        aux_in_channels: channels of further features with maps of their own in training; only necks that give
            such features can be used with it.

    Raises:
        ConfigError: `aux_in_channels` is set.
    """

    targets = ()
    inputs = ()
    outputs = ("maps",)
    aux = ()

    def __init__(
        self,
        in_channels: int,
        k: int = 50,
        kernel_list: Sequence[int] = (3, 2, 2),
        fix_nan: bool = False,
        aux_in_channels: int | None = None,
    ) -> None:
        super().__init__()
        if aux_in_channels is not None:
            raise ConfigError("DBHead.aux_in_channels: none of the necks gives auxiliary features", "leave the key out")
        self.k = k
        self.binarize = MapHead(in_channels, kernel_list, fix_nan)
        self.thresh = MapHead(in_channels, kernel_list, fix_nan)

    def forward(self, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """Return `maps`: [B, 3, 4H, 4W] (text, threshold, binary) in training, [B, 1, 4H, 4W] (text) in evaluation.

        Args:
            x: features, float32 [B, in_channels, H, W].
        """
        text = self.binarize(x)
        if not self.training:
            return {"maps": F.sigmoid(text)}
        threshold = self.thresh(x)
        # float16 rounds probabilities near 1 to 1, where the gradient of the cross entropy has no bound.
        with paddle.amp.auto_cast(enable=False):
            text, threshold = (F.sigmoid(logits.astype("float32")) for logits in (text, threshold))
            binary = F.sigmoid(self.k * (text - threshold))
            return {"maps": paddle.concat([text, threshold, binary], axis=1)}
