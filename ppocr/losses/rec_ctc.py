"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Mapping

import paddle
from paddle import Tensor, nn

from ppocr.codecs.ctc import CTCCodec
from ppocr.declarations import Filled
from ppocr.losses.base import Loss
from ppocr.registry import LOSSES


@LOSSES.register("CTCLoss")
class CTCLoss(Loss):
    """CTC loss over logits (Graves et al., ICML 2006), averaged over the batch.

    A label that needs more steps than there are contributes zero without a sign of it; the data pipeline counts
    such labels (see `CTCLabelEncode.max_steps`).

    Args:
        codec: of the branch; filled in.
        use_focal_loss: weights each sample by (1 - exp(-loss))^2 (Lin et al., ICCV 2017).
    """

    requires = ("ctc",)
    needs = ("label", "length")

    codec_class = CTCCodec

    def __init__(self, codec: Filled[CTCCodec], use_focal_loss: bool = False) -> None:
        super().__init__(codec)
        self.per_sample = nn.CTCLoss(blank=codec.blank_id, reduction="none")
        self.use_focal_loss = use_focal_loss

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the loss.

        Args:
            preds: `ctc` logits, float32 [B, T, C].
            batch: `label` int64 [B, L], zero padded; `length` int64 [B].

        Returns:
            `loss`, a scalar.
        """
        logits = preds["ctc"].transpose([1, 0, 2])  # T B C
        steps, size, _ = logits.shape
        lengths = paddle.full([size], steps, dtype="int64")
        losses = self.per_sample(logits, batch["label"].astype("int32"), lengths, batch["length"].astype("int64"))
        if self.use_focal_loss:
            losses = losses * (1.0 - paddle.exp(-losses)) ** 2
        return {"loss": losses.mean()}
