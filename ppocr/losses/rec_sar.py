"""The loss of SAR (https://arxiv.org/abs/1811.00751)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import paddle.nn.functional as F
from paddle import Tensor, nn

from ppocr.config.ranges import Range
from ppocr.registry import LOSSES


@LOSSES.register()
class SARLoss(nn.Layer):
    """Cross entropy of the next character, averaged over all that are no padding.

    Args:
        ignore_index: the class of padding; the one behind those the head predicts when not given.
    """

    reads = ("sar",)
    needs = ("label",)

    def __init__(self, ignore_index: Annotated[int, Range(ge=-1)] | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss.

        Args:
            preds: `sar` float32 [B, L, C], scores; step t was told the label up to t.
            batch: `label` int64 [B, L]: start, characters, end, padding.

        Returns:
            `loss`, a scalar.
        """
        scores = preds["sar"][:, :-1]
        wanted = batch["label"][:, 1:].astype("int64")
        padding = scores.shape[2] if self.ignore_index is None else self.ignore_index
        return {"loss": F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), ignore_index=padding)}
