"""The classifier of each time step, trained with CTC (https://www.cs.toronto.edu/~graves/icml_2006.pdf)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers.initializers import uniform_linear_attrs
from ppocr.registry import HEADS


@HEADS.register()
class CTCHead(nn.Layer):
    """Class scores of every time step of a sequence.

    Args:
        in_channels: width of the sequence.
        out_channels: classes, the blank included.
        fc_decay: L2 penalty of this head's parameters, in place of the optimiser's.
        mid_channels: width of a linear layer between, or None for none.
        return_feats: also give the classifier's input, for losses on features.
    """

    targets = ()
    inputs = ()
    outputs = ("ctc",)
    aux: tuple[str, ...] = ("ctc_neck",)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        fc_decay: float = 0.0004,
        mid_channels: int | None = None,
        return_feats: bool = False,
    ) -> None:
        super().__init__()
        self.mid_channels = mid_channels
        self.return_feats = return_feats
        self.aux = ("ctc_neck",) if return_feats else ()  # a loss that reads it is then refused at start
        self.out_channels = out_channels
        if mid_channels is None:
            self.fc = nn.Linear(in_channels, out_channels, **uniform_linear_attrs(in_channels, fc_decay))
        else:
            self.fc1 = nn.Linear(in_channels, mid_channels, **uniform_linear_attrs(in_channels, fc_decay))
            self.fc2 = nn.Linear(mid_channels, out_channels, **uniform_linear_attrs(mid_channels, fc_decay))

    def forward(self, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """Return `ctc` [B, T, out_channels]: scores in training, probabilities in evaluation.

        Args:
            x: sequence, float32 [B, T, in_channels].
        """
        if self.mid_channels is None:
            scores = self.fc(x)
        else:
            x = self.fc1(x)
            scores = self.fc2(x)
        preds = {"ctc": scores if self.training else F.softmax(scores, axis=2)}
        if self.return_feats:
            preds["ctc_neck"] = x
        return preds
