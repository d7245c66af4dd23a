"""The classifier of each time step, trained with CTC (https://www.cs.toronto.edu/~graves/icml_2006.pdf)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.codecs.base import ClassTable
from ppocr.codecs.ctc import CTCCodec
from ppocr.config.ranges import Channels, NonNegative
from ppocr.declarations import Filled
from ppocr.modeling.heads.base import Head
from ppocr.modeling.layers.initializers import uniform_linear_attrs
from ppocr.registry import HEADS


@HEADS.register()
class CTCHead(Head):
    """Logits of every time step of a sequence.

    Args:
        in_channels: width of the sequence.
        codec: of the branch; filled in.
        fc_decay: L2 penalty of this head's parameters, in place of the optimiser's.
        mid_channels: width of a linear layer before the classifier; None for no such layer.
        return_feats: also give the classifier's input, for losses on features.
        use_guide: mix neighbouring steps by convolutions before the classifier, as PP-OCRv6 tiny does.
    """

    codec_class = CTCCodec
    takes = "sequence"
    outputs = ("ctc",)
    train_outputs: tuple[str, ...] = ("ctc_neck",)

    def __init__(
        self,
        in_channels: Filled[int],
        codec: Filled[CTCCodec],
        fc_decay: NonNegative = 0.0004,
        mid_channels: Channels | None = None,
        return_feats: bool = False,
        use_guide: bool = False,
    ) -> None:
        super().__init__(codec=codec)
        self.mid_channels = mid_channels
        self.return_feats = return_feats
        self.train_outputs = ("ctc_neck",) if return_feats else ()  # a loss that reads it is then refused at start
        classes = codec.num_outputs
        self.guide_layer = _local_mixer(in_channels) if use_guide else None
        if mid_channels is None:
            self.fc = nn.Linear(in_channels, classes, **uniform_linear_attrs(in_channels, fc_decay))
        else:
            self.fc1 = nn.Linear(in_channels, mid_channels, **uniform_linear_attrs(in_channels, fc_decay))
            self.fc2 = nn.Linear(mid_channels, classes, **uniform_linear_attrs(mid_channels, fc_decay))

    def class_tables(self, codec: CTCCodec) -> dict[str, ClassTable]:
        """Return the class table of each parameter with an entry per class, by its name in this head."""
        layer = "fc" if self.mid_channels is None else "fc2"
        return {f"{layer}.{kind}": ClassTable(codec.output_names) for kind in ("weight", "bias")}

    def forward(self, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """Return `ctc` [B, T, codec.num_outputs]: logits in training, probabilities in evaluation.

        Args:
            x: sequence, float32 [B, T, in_channels].
        """
        if self.guide_layer is not None:
            x = self.guide_layer(x.transpose([0, 2, 1])).transpose([0, 2, 1])
        if self.mid_channels is None:
            logits = self.fc(x)
        else:
            x = self.fc1(x)
            logits = self.fc2(x)
        preds = {"ctc": logits if self.training else F.softmax(logits, axis=2)}
        if self.return_feats:
            preds["ctc_neck"] = x
        return preds


def _local_mixer(channels: int) -> nn.Layer:
    """Return a depthwise-separable convolution over five steps, [B, C, T] to [B, C, T]."""
    return nn.Sequential(
        nn.Conv1D(channels, channels, 5, padding=2, groups=channels, bias_attr=False),
        nn.BatchNorm1D(channels),
        nn.Hardswish(),
        nn.Conv1D(channels, channels, 1, bias_attr=False),
        nn.BatchNorm1D(channels),
        nn.Hardswish(),
    )
