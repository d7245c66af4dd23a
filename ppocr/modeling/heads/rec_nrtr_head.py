"""NRTR, an autoregressive transformer (https://arxiv.org/abs/1806.00926)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.nn.initializer import Constant, XavierNormal
from pydantic import Field

from ppocr.codecs.base import ClassTable
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.config.ranges import Channels, Count, Depth, Dropout, Length, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.heads.base import Head
from ppocr.modeling.layers.transformer import Embeddings, PositionalEncoding, TransformerBlock, causal_mask
from ppocr.registry import HEADS

NEVER = -1e9  # log-probability of an impossible token; minus infinity would become NaN in a difference


@HEADS.register("Transformer", "NRTRHead", scope="rec")
class Transformer(Head):
    """Encoder and decoder of NRTR; without its encoder the auxiliary head of CTC since PP-OCRv4.

    Args:
        in_channels: width of the sequence, which must be `d_model`.
        codec: of the branch; filled in.
        d_model: width of the embeddings and states.
        nhead: heads of the attention.
        num_encoder_layers: blocks of the encoder; 0 or less for no encoder.
        num_decoder_layers: blocks of the decoder.
        beam_size: width of beam search in evaluation; 1 or less for greedy decoding.
        max_len: longest decoded sequence, the start token included.
        dim_feedforward: width inside the blocks' MLPs.
        attention_dropout_rate: dropout of the attention's weights.
        residual_dropout_rate: dropout of the rest.
        scale_embedding: multiply the token embeddings by the square root of their width.

    Raises:
        ConfigError: sequences of another width.
    """

    codec_class = NRTRCodec
    takes = "sequence"
    targets = ("label", "length")
    outputs = ("nrtr", "nrtr_probs")

    def __init__(
        self,
        in_channels: Filled[int],
        codec: Filled[NRTRCodec],
        d_model: Channels = 512,
        nhead: Count = 8,
        num_encoder_layers: Whole = 6,
        num_decoder_layers: Depth = 6,
        beam_size: Annotated[int, Field(ge=-1, le=100)] = 0,
        max_len: Length = 25,
        dim_feedforward: Channels = 1024,
        attention_dropout_rate: Dropout = 0.0,
        residual_dropout_rate: Dropout = 0.1,
        scale_embedding: bool = True,
    ) -> None:
        super().__init__(codec=codec)
        if in_channels != d_model:
            raise ConfigError(f"Transformer.d_model: {d_model}, but the sequence is {in_channels} wide")
        self.beam_size = beam_size
        self.max_len = max_len
        sizes = (d_model, nhead, dim_feedforward, attention_dropout_rate, residual_dropout_rate)
        self.embedding = Embeddings(codec.num_inputs, d_model, scale_embedding)
        self.positional_encoding = PositionalEncoding(d_model, residual_dropout_rate)
        self.encoder = None
        if num_encoder_layers > 0:
            self.encoder = nn.LayerList([TransformerBlock(*sizes) for _ in range(num_encoder_layers)])
        self.decoder = nn.LayerList([TransformerBlock(*sizes, with_cross_attn=True) for _ in range(num_decoder_layers)])
        self.tgt_word_prj = nn.Linear(d_model, codec.num_outputs, bias_attr=False)
        self.apply(_initialise)

    def class_tables(self, codec: NRTRCodec) -> dict[str, ClassTable]:
        """Return the class table of each parameter with an entry per class, by its name in this head."""
        return {
            "embedding.embedding.weight": ClassTable(codec.input_names, axis=0),
            "tgt_word_prj.weight": ClassTable(codec.output_names),
        }

    def forward(self, x: paddle.Tensor, batch: Mapping[str, paddle.Tensor] | None = None) -> dict[str, paddle.Tensor]:
        """Return the decoded sequences, in training their logits.

        Args:
            x: sequence [B, S, d_model].
            batch: in training `label` int64 [B, L] and `length` int64 [B], the number of characters.

        Returns:
            In training `nrtr`, logits [B, longest label + 1, classes] with teacher forcing. In evaluation `nrtr`,
            token ids int64 [B, max_len], start token first and padding behind the end token, and `nrtr_probs`, their
            probabilities, 1 at the padding.
        """
        if self.encoder is not None:
            x = self.positional_encoding(x)
            for block in self.encoder:
                x = block(x)
        if self.training:
            assert batch is not None
            label = batch["label"][:, : 1 + int(batch["length"].max())]
            return {"nrtr": self.tgt_word_prj(self._decode(label, x))}
        ids, probs = self._beam(x) if self.beam_size > 1 else self._greedy(x)
        return dict(zip(self.outputs, self._padded(ids, probs)))

    def _padded(self, ids: paddle.Tensor, probs: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Return ids and probabilities padded to [B, max_len], as decoding may stop early."""
        missing = self.max_len - ids.shape[1]
        if missing > 0:
            ids = F.pad(ids, [0, missing], value=self.codec.padding_id)
            probs = F.pad(probs, [0, missing], value=1.0)
        ends = (ids == self.codec.end_id).astype("int64")
        after = ends.cumsum(axis=1) - ends > 0
        padding = paddle.full([1], self.codec.padding_id, "int64")
        return paddle.where(after, padding, ids), paddle.where(after, paddle.ones([1]), probs)

    def _decode(self, ids: paddle.Tensor, memory: paddle.Tensor) -> paddle.Tensor:
        """Return the decoder's hidden states [B, T, d_model] of the token ids decoded so far, int64 [B, T]."""
        states = self.positional_encoding(self.embedding(ids))
        mask = causal_mask(ids.shape[1])
        for block in self.decoder:
            states = block(states, memory, mask)
        return states

    def _next(self, ids: paddle.Tensor, memory: paddle.Tensor) -> paddle.Tensor:
        """Return the logits [B, classes] of the next token."""
        return self.tgt_word_prj(self._decode(ids, memory)[:, -1])

    def _greedy(self, memory: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Decode the most probable token at each step until every sequence has ended."""
        size = memory.shape[0]
        ids = paddle.full([size, 1], self.codec.start_id, dtype="int64")
        probs = paddle.ones([size, 1])
        ended = paddle.zeros([size], dtype="bool")
        for _ in range(1, self.max_len):
            step = F.softmax(self._next(ids, memory), axis=-1).astype("float32")
            best = step.argmax(axis=-1)
            ended = ended | (best == self.codec.end_id)
            ids = paddle.concat([ids, best.unsqueeze(1)], axis=1)
            probs = paddle.concat([probs, step.max(axis=-1, keepdim=True)], axis=1)
            if paddle.in_dynamic_mode() and bool(ended.all()):  # an exported program takes all steps
                break
        return ids, probs

    def _beam(self, memory: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Decode by beam search; the sequence with the highest mean log-probability per step is returned.

        upstream: adds the probabilities instead of multiplying them, and decodes only one sequence of a batch.
        """
        end_id = self.codec.end_id
        size, beams = memory.shape[0], self.beam_size
        memory = memory.repeat_interleave(beams, axis=0)
        ids = paddle.full([size * beams, 1], self.codec.start_id, dtype="int64")
        logs = paddle.zeros([size * beams, 1])
        ended = paddle.zeros([size, beams], dtype="bool")
        # all beams are equal at the start: only the first one counts
        scores = paddle.full([size, beams], NEVER)
        scores[:, 0] = 0.0
        first = paddle.arange(size).unsqueeze(1) * beams
        for _ in range(1, self.max_len):
            steps = F.log_softmax(self._next(ids, memory), axis=-1).astype("float32").reshape([size, beams, -1])
            classes = steps.shape[2]
            # a beam that has ended stays as it is
            stay = paddle.where(paddle.arange(classes) == end_id, paddle.zeros([1]), paddle.full([1], NEVER))
            steps = paddle.where(ended.unsqueeze(2), stay, steps)
            scores, best = (scores.unsqueeze(2) + steps).flatten(1).topk(beams, axis=1)
            beam, token = best // classes, best % classes
            added = paddle.take_along_axis(steps.flatten(1), best, axis=1)
            parent = (first + beam).flatten()
            ended = ended.reshape([-1])[parent].reshape([size, beams]) | (token == end_id)
            ids = paddle.concat([ids[parent], token.reshape([-1, 1])], axis=1)
            logs = paddle.concat([logs[parent], added.reshape([-1, 1])], axis=1)
            if paddle.in_dynamic_mode() and bool(ended.all()):
                break
        lengths = (ids[:, 1:] != end_id).astype("int64").cumprod(dim=1).sum(axis=1).reshape([size, beams]) + 1
        chosen = first.flatten() + (scores / lengths.astype("float32")).argmax(axis=1)
        return ids[chosen], paddle.exp(logs[chosen])


def _initialise(layer: nn.Layer) -> None:
    """Initialise a linear layer; for `Layer.apply`."""
    if isinstance(layer, nn.Linear):
        XavierNormal()(layer.weight)
        if layer.bias is not None:
            Constant(0.0)(layer.bias)
