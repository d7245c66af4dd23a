"""Show, attend and read: an LSTM with attention over the feature map (https://arxiv.org/abs/1811.00751)."""

from __future__ import annotations

from collections.abc import Mapping

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.codecs.base import ClassTable
from ppocr.codecs.sar import SARCodec
from ppocr.config.ranges import Channels, Dropout, Length
from ppocr.declarations import Filled
from ppocr.modeling.heads.base import Head
from ppocr.registry import HEADS


def _recurrent(gru: bool, width: int, hidden: int, dropout: float, bidirectional: bool = False) -> nn.Layer:
    """Return two recurrent layers."""
    kind = nn.GRU if gru else nn.LSTM
    direction = "bidirectional" if bidirectional else "forward"
    return kind(width, hidden, num_layers=2, dropout=dropout, direction=direction)


class SAREncoder(nn.Layer):
    """The holistic feature of a line: the hidden state of a recurrent layer at the last column with text.

    Args:
        in_channels: channels of the feature map.
        hidden: width of the recurrent layers.
        bidirectional: whether they run in both directions.
        dropout: between them.
        gru: GRU instead of LSTM.
    """

    def __init__(self, in_channels: int, hidden: int, bidirectional: bool, dropout: float, gru: bool) -> None:
        super().__init__()
        self.out_channels = hidden * (2 if bidirectional else 1)
        self.rnn_encoder = _recurrent(gru, in_channels, hidden, dropout, bidirectional)
        self.linear = nn.Linear(self.out_channels, self.out_channels)

    def forward(self, x: paddle.Tensor, valid_ratio: paddle.Tensor | None) -> paddle.Tensor:
        """Return the holistic feature [B, out_channels].

        Args:
            x: feature map [B, in_channels, H, W].
            valid_ratio: float32 [B], the part of the width that is not padding; None for all of it.
        """
        columns = x.max(axis=2).transpose([0, 2, 1])  # [B, W, C]
        states = self.rnn_encoder(columns)[0]
        if valid_ratio is None:
            return self.linear(states[:, -1])
        # by comparison: a one-hot encoding over a free width cannot be exported
        width = states.shape[1]
        last = paddle.arange(width).unsqueeze(0) == (_valid_columns(valid_ratio, width) - 1).unsqueeze(1)
        return self.linear((states * last.unsqueeze(2).astype(states.dtype)).sum(axis=1))


class ParallelSARDecoder(nn.Layer):
    """Autoregressive decoder: each hidden state is the query of an attention over the feature map.

    Args:
        in_channels: channels of the feature map.
        codec: of the branch.
        hidden: width of the recurrent layers, and of the holistic feature.
        attention: width of the attention.
        dropout: between the recurrent layers.
        gru: GRU instead of LSTM.
        pred_dropout: probability of dropout on the logits.
        max_text_length: steps decoded in evaluation.
        pred_concat: predict from hidden state, attention context and holistic feature, not from the context alone.
    """

    def __init__(
        self,
        in_channels: int,
        codec: SARCodec,
        hidden: int,
        attention: int,
        dropout: float,
        gru: bool,
        pred_dropout: float,
        max_text_length: int,
        pred_concat: bool,
    ) -> None:
        super().__init__()
        self.start_id = codec.start_id
        self.max_text_length = max_text_length
        self.pred_concat = pred_concat
        self.conv1x1_1 = nn.Linear(hidden, attention)
        self.conv3x3_1 = nn.Conv2D(in_channels, attention, 3, padding=1)
        self.conv1x1_2 = nn.Linear(attention, 1)
        self.rnn_decoder = _recurrent(gru, hidden, hidden, dropout)
        self.embedding = nn.Embedding(codec.num_inputs, hidden, padding_idx=codec.padding_id)
        self.pred_dropout = nn.Dropout(pred_dropout)
        self.prediction = nn.Linear(2 * hidden + in_channels if pred_concat else in_channels, codec.num_outputs)

    def forward(
        self,
        x: paddle.Tensor,
        holistic: paddle.Tensor,
        label: paddle.Tensor | None,
        valid_ratio: paddle.Tensor | None,
    ) -> paddle.Tensor:
        """Return logits [B, L, classes] with labels, by teacher forcing, else probabilities [B, T, classes].

        Args:
            x: feature map [B, C, H, W].
            holistic: holistic feature [B, hidden].
            label: token ids, int64 [B, L], for training.
            valid_ratio: see `SAREncoder`.
        """
        mask = None if valid_ratio is None else _mask(valid_ratio, x.shape[2:])
        keys = self.conv3x3_1(x).flatten(2).transpose([0, 2, 1])  # [B, H W, attention]
        features = x.flatten(2).transpose([0, 2, 1])  # [B, H W, C]
        holistic = holistic.unsqueeze(1)
        if label is not None:
            inputs = paddle.concat([holistic, self.embedding(label)], axis=1)
            states = self.rnn_decoder(inputs)[0]
            return self.pred_dropout(self._logits(states, keys, features, holistic, mask)[:, 1:])
        _, memory = self.rnn_decoder(holistic)
        ids = paddle.full([x.shape[0], 1], self.start_id, dtype="int64")
        steps = []
        for _ in range(self.max_text_length):
            state, memory = self.rnn_decoder(self.embedding(ids), memory)
            steps.append(F.softmax(self._logits(state, keys, features, holistic, mask), axis=-1))
            ids = steps[-1].argmax(axis=-1)
        return paddle.concat(steps, axis=1)

    def _logits(
        self,
        states: paddle.Tensor,
        keys: paddle.Tensor,
        features: paddle.Tensor,
        holistic: paddle.Tensor,
        mask: paddle.Tensor | None,
    ) -> paddle.Tensor:
        """Return the logits [B, T, classes] of hidden states [B, T, hidden].

        Args:
            states: queries of the attention.
            keys: keys of the attention, [B, H W, attention].
            features: encoder features [B, H W, C].
            holistic: holistic feature [B, 1, hidden].
            mask: see `_mask`.
        """
        query = self.conv1x1_1(states).unsqueeze(2)  # [B, T, 1, attention]
        energies = self.conv1x1_2(paddle.tanh(keys.unsqueeze(1) + query)).squeeze(-1)  # [B, T, H W]
        if mask is not None:
            energies = energies + mask.unsqueeze(1).astype(energies.dtype)
        context = F.softmax(energies, axis=-1).matmul(features)  # [B, T, C]
        if not self.pred_concat:
            return self.prediction(context)
        holistic = holistic.expand([-1, states.shape[1], -1])
        joined = [states, context.astype(states.dtype), holistic.astype(states.dtype)]
        return self.prediction(paddle.concat(joined, axis=2))


def _valid_columns(valid_ratio: paddle.Tensor, width: int) -> paddle.Tensor:
    """Return int64 [B], the number of columns that are not padding, at least one."""
    columns = paddle.ceil(valid_ratio.astype("float32").flatten() * width)
    return columns.clip(1, width).astype("int64")


def _mask(valid_ratio: paddle.Tensor, size: list[int]) -> paddle.Tensor:
    """Return the mask of the attention, float32 [B, H W]: minus infinity at padding, else 0."""
    height, width = size
    padding = paddle.arange(width).unsqueeze(0) >= _valid_columns(valid_ratio, width).unsqueeze(1)
    mask = paddle.where(padding, paddle.full([1], float("-inf")), paddle.zeros([1]))
    return mask.tile([1, height])


@HEADS.register(scope="rec")
class SARHead(Head):
    """Attention decoder of lines at any angle; in PP-OCRv3 the auxiliary head of CTC.

    Args:
        in_channels: channels of the feature map.
        codec: of the branch; filled in.
        enc_dim: width of the recurrent layers.
        max_text_length: steps decoded in evaluation.
        enc_bi_rnn: whether the encoder runs in both directions.
        enc_drop_rnn: dropout between the encoder's layers.
        enc_gru: GRU instead of LSTM in the encoder.
        dec_drop_rnn: dropout between the decoder's layers.
        dec_gru: GRU instead of LSTM in the decoder.
        d_k: width of the attention.
        pred_dropout: dropout of the logits.
        pred_concat: see `ParallelSARDecoder`.
    """

    codec_class = SARCodec
    takes = "feature map"
    targets = ("label", "valid_ratio")
    inputs = ("valid_ratio",)
    outputs = ("sar",)

    def __init__(
        self,
        in_channels: Filled[int],
        codec: Filled[SARCodec],
        enc_dim: Channels = 512,
        max_text_length: Length = 30,
        enc_bi_rnn: bool = False,
        enc_drop_rnn: Dropout = 0.1,
        enc_gru: bool = False,
        dec_drop_rnn: Dropout = 0.0,
        dec_gru: bool = False,
        d_k: Channels = 512,
        pred_dropout: Dropout = 0.1,
        pred_concat: bool = True,
    ) -> None:
        super().__init__(codec=codec)
        self.encoder = SAREncoder(in_channels, enc_dim, enc_bi_rnn, enc_drop_rnn, enc_gru)
        self.decoder = ParallelSARDecoder(
            in_channels,
            codec,
            self.encoder.out_channels,
            d_k,
            dec_drop_rnn,
            dec_gru,
            pred_dropout,
            max_text_length,
            pred_concat,
        )

    def class_tables(self, codec: SARCodec) -> dict[str, ClassTable]:
        """Return the class table of each parameter with an entry per class, by its name in this head."""
        return {
            "decoder.embedding.weight": ClassTable(codec.input_names, axis=0),
            "decoder.prediction.weight": ClassTable(codec.output_names),
            "decoder.prediction.bias": ClassTable(codec.output_names),
        }

    def forward(self, x: paddle.Tensor, batch: Mapping[str, paddle.Tensor] | None = None) -> dict[str, paddle.Tensor]:
        """Return `sar`: logits [B, L, classes] in training, with teacher forcing; in evaluation probabilities
        [B, max_text_length, classes].

        Args:
            x: feature map [B, in_channels, H, W].
            batch: `label` int64 [B, L] in training; `valid_ratio` float32 [B] where it is known.
        """
        batch = batch or {}
        ratio = batch.get("valid_ratio")
        holistic = self.encoder(x, ratio)
        return {"sar": self.decoder(x, holistic, batch["label"] if self.training else None, ratio)}
