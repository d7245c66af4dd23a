"""The loss of NRTR (https://arxiv.org/abs/1806.00926)."""

from __future__ import annotations

from collections.abc import Mapping

import paddle.nn.functional as F
from paddle import Tensor

from ppocr.codecs.nrtr import NRTRCodec
from ppocr.declarations import Filled
from ppocr.losses.base import Loss
from ppocr.registry import LOSSES

SMOOTHING = 0.1


@LOSSES.register()
class NRTRLoss(Loss):
    """Cross entropy of the next character, averaged over the tokens that are not padding.

    Args:
        codec: of the branch; filled in.
        smoothing: label smoothing: a tenth of each step's weight goes to the other classes
            (https://arxiv.org/abs/1512.00567).
        padding_counts: as one more class to be predicted.
    """

    requires = ("nrtr",)
    needs = ("label",)

    codec_class = NRTRCodec

    def __init__(self, codec: Filled[NRTRCodec], smoothing: bool = True, padding_counts: bool = False) -> None:
        super().__init__(codec)
        self.smoothing, self.padding_counts = smoothing, padding_counts

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss.

        Args:
            preds: `nrtr` float32 [B, T, C], logits of step t given the label up to t (teacher forcing).
            batch: `label` int64 [B, L], L > T: start, characters, end, padding.

        Returns:
            `loss`, a scalar.
        """
        logits = preds["nrtr"]
        target = batch["label"][:, 1 : 1 + logits.shape[1]].astype("int64")
        logs = F.log_softmax(logits.astype("float32"), axis=-1)
        chosen = logs.take_along_axis(target.unsqueeze(2), axis=2).squeeze(2)
        if self.smoothing:
            others = range(1, logits.shape[2])  # the classes beside the right one
            share = SMOOTHING / len(others)
            chosen = (1 - SMOOTHING - share) * chosen + share * logs.sum(axis=-1)
        counted = (target != (-1 if self.padding_counts else self.codec.padding_id)).astype(chosen.dtype)
        return {"loss": -(chosen * counted).sum() / counted.sum()}
