"""Differentiable binarisation (https://arxiv.org/abs/1911.08947): maps of text probability and of its threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant, KaimingUniform, Uniform

from ppocr.config.ranges import Channels, Count, Kernel
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.heads.base import Head
from ppocr.registry import HEADS

AUX_FACTORS = {"p4": 4, "p3": 2, "p2": 1}  # by how much a scale is coarser than the fused features


class MapHead(nn.Layer):
    """Logits of one map of the image's size, from features a quarter as large.

    Args:
        in_channels: channels of the features.
        kernel_list: kernel sizes of the convolution and of the two transposed convolutions of stride 2.
        fix_nan: in training, replace NaN by 0 behind each convolution.
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
        """Return the logits [B, 1, 4H, 4W] of features [B, in_channels, H, W]."""
        return self.last(self.features(x))

    def features(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return the features before the last layer, [B, in_channels / 4, 2H, 2W]."""
        x = self._fixed(F.relu(self.conv_bn1(self.conv1(x))))
        return self._fixed(F.relu(self.conv_bn2(self.conv2(x))))

    def last(self, features: paddle.Tensor) -> paddle.Tensor:
        """Return the logits [B, 1, 4H, 4W] of those features."""
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
class DBHead(Head):
    """Probability of text at each pixel; in training also the threshold and the binarised map.

    Args:
        in_channels: channels of the features.
        k: steepness of the binarisation.
        kernel_list: see `MapHead`.
        fix_nan: see `MapHead`.
        aux_in_channels: channels of the neck's features of three scales, each of which has auxiliary maps in training;
            None for no auxiliary maps.
    """

    outputs = ("maps",)
    logits = ("logits",)  # of the maps in evaluation, for the comparison with the exported network

    def __init__(
        self,
        in_channels: Filled[int],
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
            self.train_outputs = tuple(f"aux_maps_{scale}" for scale in AUX_FACTORS)
            for scale in AUX_FACTORS:
                setattr(self, f"aux_binarize_{scale}", MapHead(aux_in_channels, kernel_list, fix_nan))
                setattr(self, f"aux_thresh_{scale}", MapHead(aux_in_channels, kernel_list, fix_nan))

    def forward(self, x: paddle.Tensor | Mapping[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
        """Return `maps`: [B, 3, 4H, 4W] (text, threshold, binary) in training, [B, 1, 4H, 4W] (text) in evaluation,
        and the `logits` of the text map in evaluation.

        With auxiliary maps also `aux_maps_p4`, `aux_maps_p3` and `aux_maps_p2` in training, of the same shape.

        Args:
            x: features, float32 [B, in_channels, H, W], or a dict with them as `fuse` and those of three scales as
                `aux_p4` (H / 4), `aux_p3` (H / 2) and `aux_p2` (H).

        Raises:
            ConfigError: `aux_in_channels` is set and the neck gives no features of three scales.
        """
        scales = x if isinstance(x, Mapping) else {"fuse": x}
        text = self.binarize(scales["fuse"])
        if not self.training:
            return {"maps": F.sigmoid(text), "logits": text}
        preds = {"maps": self._maps(text, self.thresh(scales["fuse"]))}
        for scale, factor in AUX_FACTORS.items() if self.train_outputs else ():
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
