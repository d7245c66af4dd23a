"""A recogniser of a user's own: a GRU that attends to the columns of a line, with its own start and end tokens."""

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.codecs.base import ClassTable
from ppocr.codecs.tokens import TokenCodec
from ppocr.data.transforms.labels_tokens import TokenLabelEncode
from ppocr.declarations import Filled
from ppocr.losses.base import Loss
from ppocr.modeling.heads.base import Head
from ppocr.postprocess.tokens import TokenLabelDecode
from ppocr.registry import HEADS, LOSSES, POSTPROCESSES, TRANSFORMS


class GruCodec(TokenCodec):
    """Start stands before the characters, end behind them and in the place of padding; start is never written."""

    before = ("<start>",)
    behind = ("<end>",)
    start_id = 0
    hidden = (0,)

    def __init__(self, vocabulary, text_direction="ltr"):
        super().__init__(vocabulary, text_direction)
        self.end_id = self.padding_id = len(self.classes) - 1


@TRANSFORMS.register()
class GruLabelEncode(TokenLabelEncode):
    codec_class = GruCodec


@HEADS.register()
class GruHead(Head):
    codec_class = GruCodec
    takes = "sequence"
    targets = ("label",)
    outputs = ("gru",)

    def __init__(self, in_channels: Filled[int], codec: Filled[GruCodec], hidden: int = 16, steps: int = 8) -> None:
        super().__init__(codec=codec)
        self.steps = steps
        self.embedding = nn.Embedding(codec.num_inputs, hidden)
        self.query = nn.Linear(hidden, in_channels)
        self.cell = nn.GRUCell(hidden + in_channels, hidden)
        self.prediction = nn.Linear(hidden, codec.num_outputs)

    def class_tables(self, codec):
        return {
            "embedding.weight": ClassTable(codec.input_names, axis=0),
            "prediction.weight": ClassTable(codec.output_names),
            "prediction.bias": ClassTable(codec.output_names),
        }

    def forward(self, x, batch=None):
        state = x.mean(axis=1)[:, :1].expand([-1, self.cell.hidden_size]) * 0
        ids = paddle.full([x.shape[0]], self.codec.start_id, dtype="int64")
        found = []
        for step in range(self.steps):
            weights = F.softmax(x.matmul(self.query(state).unsqueeze(2)), axis=1)  # [B, T, 1]
            context = (x * weights).sum(axis=1)
            _, state = self.cell(paddle.concat([self.embedding(ids), context], axis=1), state)
            found.append(self.prediction(state))
            ids = batch["label"][:, step + 1] if self.training else found[-1].argmax(axis=1)
        logits = paddle.stack(found, axis=1)
        return {"gru": logits if self.training else F.softmax(logits, axis=2)}


@LOSSES.register()
class GruLoss(Loss):
    requires = ("gru",)
    needs = ("label", "length")
    codec_class = GruCodec

    def __init__(self, codec: Filled[GruCodec]) -> None:
        super().__init__(codec)

    def forward(self, preds, batch):
        logits = preds["gru"]
        target = batch["label"][:, 1 : logits.shape[1] + 1]
        losses = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").reshape(target.shape)
        mask = (paddle.arange(target.shape[1]) <= batch["length"].unsqueeze(1)).astype("float32")
        return {"loss": (losses * mask).sum() / mask.sum()}


@POSTPROCESSES.register()
class GruLabelDecode(TokenLabelDecode):
    requires = ("gru",)
    codec_class = GruCodec
