"""CTC with the ACE and centre losses of PP-OCRv2 (https://arxiv.org/abs/2109.03144)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from ppocr.codecs.ctc import CTCCodec
from ppocr.config.ranges import Channels, Count, NonNegative
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.losses.combined import WeightedSum
from ppocr.losses.rec_ctc import CTCLoss
from ppocr.registry import LOSSES

SEED = 0  # of the centres, which are not trained: a resumed run must have the same ones


@LOSSES.register()
class ACELoss(Loss):
    """Aggregation cross entropy: how often each class is predicted, at any step (https://arxiv.org/abs/1904.08364).

    Args:
        codec: of the branch; filled in.
    """

    requires = ("ctc",)
    needs = ("label_ace", "length")
    codec_class = CTCCodec

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, a scalar.

        Args:
            preds: `ctc` logits, float32 [B, T, C].
            batch: `label_ace` int64 [B, C], the count of each class; `length` int64 [B].
        """
        return {"loss": self.per_sample(preds["ctc"], batch["label_ace"], batch["length"]).mean()}

    def per_sample(self, logits: Tensor, counts: Tensor, length: Tensor) -> Tensor:
        """Return the loss of each sample, [B]."""
        steps = float(logits.shape[1])
        mean = F.softmax(logits.astype("float32"), axis=-1).mean(axis=1)
        counts = counts.astype("float32")
        # all steps without a character are blanks
        blanks = steps - length.astype("float32").reshape([-1, 1])
        is_blank = paddle.arange(counts.shape[1]) == self.codec.blank_id
        share = paddle.where(is_blank, blanks, counts) / steps
        # upstream: the mean probabilities are used as logits and normalised once more
        return -(share * F.log_softmax(mean, axis=-1)).sum(axis=-1)


@LOSSES.register()
class CenterLoss(Loss):
    """Squared distance of each step's features to the centre of its predicted class (Wen et al., ECCV 2016).

    Args:
        num_classes: classes, the blank included.
        feat_dim: width of the features.
        center_file_path: `.npy` file of the centres, [num_classes, feat_dim]; random ones when not given.

    Raises:
        ConfigError: centres of another shape, or none in the file.
    """

    requires = ("ctc_neck", "ctc")

    def __init__(self, num_classes: Count = 6625, feat_dim: Channels = 96, center_file_path: str | None = None) -> None:
        super().__init__()
        if center_file_path is None:
            centers = np.random.RandomState(SEED).standard_normal((num_classes, feat_dim))
        else:
            centers = _load(center_file_path)
        if centers.shape != (num_classes, feat_dim):
            raise ConfigError(
                f"CenterLoss: centres of shape {list(centers.shape)}, where num_classes and feat_dim say "
                f"{[num_classes, feat_dim]}"
            )
        self.register_buffer("centers", paddle.to_tensor(centers, "float64"), persistable=False)

    def forward(self, preds: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `loss`, a scalar: the mean over all steps.

        Args:
            preds: `ctc_neck` float32 [B, T, feat_dim], the features; `ctc` [B, T, num_classes], the logits.
            batch: unused.
        """
        features = preds["ctc_neck"].flatten(0, 1).astype("float64")
        nearest = self.centers[preds["ctc"].argmax(axis=2).flatten()]
        return {"loss": ((features - nearest) ** 2).sum(axis=1).mean()}


@LOSSES.register()
class EnhancedCTCLoss(WeightedSum):
    """CTC loss, optionally with ACE and centre losses.

    Args:
        codec: of the branch; filled in.
        use_focal_loss: see CTCLoss.
        use_ace_loss: add ACELoss.
        ace_loss_weight: its weight.
        use_center_loss: add CenterLoss.
        center_loss_weight: its weight.
        num_classes: see CenterLoss.
        feat_dim: see CenterLoss.
        center_file_path: see CenterLoss.
    """

    codec_class = CTCCodec

    def __init__(
        self,
        codec: Filled[CTCCodec],
        use_focal_loss: bool = False,
        use_ace_loss: bool = False,
        ace_loss_weight: NonNegative = 0.1,
        use_center_loss: bool = False,
        center_loss_weight: NonNegative = 0.05,
        num_classes: Count = 6625,
        feat_dim: Channels = 96,
        center_file_path: str | None = None,
    ) -> None:
        members: dict[str, tuple[nn.Layer, float]] = {"CTCLoss": (CTCLoss(codec, use_focal_loss), 1.0)}
        if use_ace_loss:
            members["ACELoss"] = ACELoss(codec), ace_loss_weight
        if use_center_loss:
            members["CenterLoss"] = CenterLoss(num_classes, feat_dim, center_file_path), center_loss_weight
        super().__init__(members)
        self.codec = codec


def _load(path: str) -> np.ndarray:
    """Return the array of a `.npy` file; raises ConfigError if it is none."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"CenterLoss.center_file_path: {path} is no .npy file: {error}") from error
