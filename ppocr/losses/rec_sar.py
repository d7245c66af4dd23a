"""The loss of SAR (https://arxiv.org/abs/1811.00751)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import paddle.nn.functional as F
from paddle import Tensor
from pydantic import Field

from ppocr.codecs.sar import SARCodec
from ppocr.declarations import Filled
from ppocr.losses.base import Loss
from ppocr.registry import LOSSES


@LOSSES.register()
class SARLoss(Loss):
    """Cross entropy of the next character, averaged over the tokens that are not padding.

    Args:
        codec: of the branch; filled in.
        ignore_index: token id of padding; the codec's when not given.
    """

    requires = ("sar",)
    needs = ("label",)

    codec_class = SARCodec

    def __init__(self, codec: Filled[SARCodec], ignore_index: Annotated[int, Field(ge=-1)] | None = None) -> None:
        super().__init__(codec)
        self.ignore_index = codec.padding_id if ignore_index is None else ignore_index

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss.

        Args:
            preds: `sar` float32 [B, L, C], logits of step t given the label up to t (teacher forcing).
            batch: `label` int64 [B, L]: start, characters, end, padding.

        Returns:
            `loss`, a scalar.
        """
        logits = preds["sar"][:, :-1]
        target = batch["label"][:, 1:].astype("int64")
        return {"loss": F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=self.ignore_index)}
