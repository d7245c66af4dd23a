"""The head of the PP-OCRv4 server detector: the text map is corrected at the image's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.config.ranges import Count, Kernel
from ppocr.declarations import Filled
from ppocr.modeling.heads.det_db_head import DBHead
from ppocr.modeling.layers.conv_norm import RELU, ConvBNLayer
from ppocr.registry import HEADS

DIVISORS = {"large": 4, "small": 8}  # of the head's width


class LocalCorrection(nn.Layer):
    """Logits of a corrected map from a map and features of the same size.

    Args:
        in_channels: channels of the features.
        inner: channels inside.
    """

    def __init__(self, in_channels: int, inner: int) -> None:
        super().__init__()
        self.last_3 = ConvBNLayer(in_channels + 1, inner, 3, style=RELU)
        self.last_1 = nn.Conv2D(inner, 1, 1)

    def forward(self, text: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
        """Return [B, 1, H, W] from [B, 1, H, W] and [B, in_channels, H, W]."""
        return self.last_1(self.last_3(paddle.concat([text, features], axis=1)))


@HEADS.register()
class PFHeadLocal(DBHead):
    """`DBHead` whose text map is averaged with a corrected text map.

    Args:
        in_channels: channels of the features.
        k: steepness of the binarisation.
        mode: width of the correction, "large" or "small".
        kernel_list: see `MapHead`.
        fix_nan: see `MapHead`.
    """

    train_outputs = ("cbn_maps", "distance_maps")

    def __init__(
        self,
        in_channels: Filled[int],
        k: Count = 50,
        mode: Literal["large", "small"] = "small",
        kernel_list: Sequence[Kernel] = (3, 2, 2),
        fix_nan: bool = False,
    ) -> None:
        super().__init__(in_channels, k, kernel_list, fix_nan)
        self.cbn_layer = LocalCorrection(in_channels // 4, in_channels // DIVISORS[mode])

    def forward(self, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """Return maps of the image's size, 0 to 1.

        In training `maps`: [B, 3, 4H, 4W] (corrected text, threshold, binary), `distance_maps`: the first of them and
        `cbn_maps`: the last, both [B, 1, 4H, 4W]; in evaluation `maps`: [B, 1, 4H, 4W] (mean of the text and the
        corrected text), `cbn_maps`: the latter alone, and `logits`: [B, 2, 4H, 4W], of the text and the corrected text.

        Args:
            x: features, float32 [B, in_channels, H, W].
        """
        features = self.binarize.features(x)
        text = self.binarize.last(features)
        corrected = self.cbn_layer(F.sigmoid(text), F.interpolate(features, scale_factor=2, mode="nearest"))
        if not self.training:
            logits = paddle.concat([text, corrected], axis=1)
            corrected = F.sigmoid(corrected)
            return {"maps": 0.5 * (F.sigmoid(text) + corrected), "cbn_maps": corrected, "logits": logits}
        _, threshold, binary = self._maps(text, self.thresh(x)).split(3, axis=1)
        with paddle.amp.auto_cast(enable=False):  # see `DBHead`
            corrected = F.sigmoid(corrected.astype("float32"))
            maps = paddle.concat([corrected, threshold, binary], axis=1)
        return {"maps": maps, "distance_maps": corrected, "cbn_maps": binary}
