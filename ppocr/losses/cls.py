"""Cross entropy of classifiers."""

from __future__ import annotations

from collections.abc import Mapping

import paddle.nn.functional as F
from paddle import Tensor

from ppocr.losses.base import Loss
from ppocr.registry import LOSSES


@LOSSES.register("ClsLoss", scope="cls")
class ClsLoss(Loss):
    """Cross entropy of the logits, averaged over the images."""

    requires = ("cls",)
    needs = ("label",)
    ignored_keys = ("main_indicator",)  # upstream: unused

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss.

        Args:
            preds: `cls` logits, float32 [B, C].
            batch: `label` int64 [B].

        Returns:
            `loss`, a scalar.
        """
        return {"loss": F.cross_entropy(preds["cls"], batch["label"].astype("int64"))}
