"""Differentiable binarisation (https://arxiv.org/abs/1911.08947): where text is, and the threshold that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant, KaimingUniform, Uniform

from ppocr.config.ranges import Channels, Count, Kernel
from ppocr.errors import ConfigError
from ppocr.registry import HEADS

AUX_FACTORS = {"p4": 4, "p3": 2, "p2": 1}  # how much coarser than the fused features, by the name of a scale


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
        return self.last(self.features(x))

    def features(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return what the map is made of, [B, in_channels / 4, 2H, 2W]."""
        x = self._fixed(F.relu(self.conv_bn1(self.conv1(x))))
        return self._fixed(F.relu(self.conv_bn2(self.conv2(x))))

    def last(self, features: paddle.Tensor) -> paddle.Tensor:
        """Return the map [B, 1, 4H, 4W] made of them."""
        return self._fixed(self.conv3(features))

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
        aux_in_channels: channels of the neck's features of three scales, which in training have maps of their own;
            None for no such maps.
    """

    targets = ()
    inputs = ()
    outputs = ("maps",)
    logits = ("logits",)  # what evaluation's maps are made of, for the comparison with the exported network
    aux: tuple[str, ...] = ()

    def __init__(
        self,
        in_channels: int,
        k: Count = 50,
        kernel_list: Sequence[Kernel] = (3, 2, 2),
        fix_nan: bool = False,
        aux_in_channels: Channels | None = None,
    ) -> None:
        super().__init__()
        self.k = k
        self.binarize = MapHead(in_channels, kernel_list, fix_nan)
        self.thresh = MapHead(in_channels, kernel_list, fix_nan)
        if aux_in_channels:
            self.aux = tuple(f"aux_maps_{scale}" for scale in AUX_FACTORS)
            for scale in AUX_FACTORS:
                setattr(self, f"aux_binarize_{scale}", MapHead(aux_in_channels, kernel_list, fix_nan))
                setattr(self, f"aux_thresh_{scale}", MapHead(aux_in_channels, kernel_list, fix_nan))

    def forward(self, x: paddle.Tensor | Mapping[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
        """Return `maps`: [B, 3, 4H, 4W] (text, threshold, binary) in training, [B, 1, 4H, 4W] (text) in evaluation,
        and there the `logits` of the latter.

        With auxiliary maps also `aux_maps_p4`, `aux_maps_p3` and `aux_maps_p2` in training, of the same shape.

        Args:
            x: features, float32 [B, in_channels, H, W], or a dict with them as `fuse` and those of three scales as
                `aux_p4` (H / 4), `aux_p3` (H / 2) and `aux_p2` (H).

        Raises:
            ConfigError: auxiliary maps are asked for and the neck gives no features of three scales.
        """
        scales = x if isinstance(x, Mapping) else {"fuse": x}
        text = self.binarize(scales["fuse"])
        if not self.training:
            return {"maps": F.sigmoid(text), "logits": text}
        preds = {"maps": self._maps(text, self.thresh(scales["fuse"]))}
        for scale, factor in AUX_FACTORS.items() if self.aux else ():
            if f"aux_{scale}" not in scales:
                raise ConfigError("DBHead.aux_in_channels: the neck gives no auxiliary features", "leave the key out")
            features = scales[f"aux_{scale}"]
            if factor > 1:
                features = F.interpolate(features, scale_factor=factor, mode="bilinear")
            heads = (getattr(self, f"aux_{name}_{scale}") for name in ("binarize", "thresh"))
            preds[f"aux_maps_{scale}"] = self._maps(*(head(features) for head in heads))
        return preds

    def _maps(self, text: paddle.Tensor, threshold: paddle.Tensor) -> paddle.Tensor:
        """Return the three maps [B, 3, H, W] of the logits [B, 1, H, W] of text and threshold."""
        # float16 rounds probabilities near 1 to 1, where the gradient of the cross entropy has no bound.
        with paddle.amp.auto_cast(enable=False):
            text, threshold = (F.sigmoid(logits.astype("float32")) for logits in (text, threshold))
            return paddle.concat([text, threshold, F.sigmoid(self.k * (text - threshold))], axis=1)
