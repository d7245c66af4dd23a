"""Transformer blocks with layer norms after the shortcuts (https://arxiv.org/abs/1706.03762)."""

from __future__ import annotations

import math

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Normal

from ppocr.errors import ConfigError
from ppocr.modeling.layers.svtr import Mlp

POSITIONS = 5000


class MultiheadAttention(nn.Layer):
    """Multi-head attention, to the sequence itself or to another.

    Args:
        width: of both sequences.
        heads: number of heads; `width` is a multiple of it.
        dropout: of the weights.
        self_attn: whether keys and values come from the queries' own sequence.

    Raises:
        ConfigError: a width that cannot be divided among the heads.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, self_attn: bool = False) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ConfigError(f"a width of {width} cannot be divided among {heads} heads")
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.self_attn = self_attn
        if self_attn:
            self.qkv = nn.Linear(width, width * 3)
        else:
            self.q = nn.Linear(width, width)
            self.kv = nn.Linear(width, width * 2)
        self.attn_drop = nn.Dropout(dropout)
        self.out_proj = nn.Linear(width, width)

    def forward(
        self, x: paddle.Tensor, memory: paddle.Tensor | None = None, mask: paddle.Tensor | None = None
    ) -> paddle.Tensor:
        """Return [B, T, width].

        Args:
            x: the queries' sequence [B, T, width].
            memory: the other sequence [B, S, width].
            mask: added to the attention's logits, broadcastable to [B, heads, T, S].
        """
        if self.self_attn:
            query, key, value = self._split(self.qkv(x), 3)
        else:
            query = self._split(self.q(x), 1)[0]
            key, value = self._split(self.kv(memory), 2)
        logits = query.matmul(key, transpose_y=True) * self.scale
        if mask is not None:
            logits = logits + mask.astype(logits.dtype)
        weights = self.attn_drop(F.softmax(logits, axis=-1))
        mixed = weights.matmul(value).transpose([0, 2, 1, 3])  # [B, T, heads, width of a head]
        return self.out_proj(mixed.flatten(2))

    def _split(self, x: paddle.Tensor, parts: int) -> list[paddle.Tensor]:
        """Return the parts of [B, T, parts * width], each [B, heads, T, width of a head]."""
        each = x.shape[2] // parts // self.heads
        return x.reshape([0, -1, parts, self.heads, each]).transpose([2, 0, 3, 1, 4]).unbind(0)


class TransformerBlock(nn.Layer):
    """Self-attention, optional cross-attention, and an MLP.

    Args:
        width: of the sequences.
        heads: of the attention.
        hidden: width inside the MLP.
        attn_drop: dropout of the attention's weights.
        drop: dropout of the rest.
        with_cross_attn: whether there is cross-attention to another sequence.
    """

    def __init__(
        self, width: int, heads: int, hidden: int, attn_drop: float, drop: float, with_cross_attn: bool = False
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(width, heads, attn_drop, self_attn=True)
        self.norm1 = nn.LayerNorm(width)
        if with_cross_attn:
            self.cross_attn = MultiheadAttention(width, heads, attn_drop)
            self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, hidden, "relu", drop)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(drop)

    def forward(
        self, x: paddle.Tensor, memory: paddle.Tensor | None = None, mask: paddle.Tensor | None = None
    ) -> paddle.Tensor:
        """Return [B, T, width].

        Args:
            x: sequence [B, T, width].
            memory: the other sequence [B, S, width].
            mask: see `MultiheadAttention`; for the self-attention.
        """
        x = self.norm1(x + self.dropout(self.self_attn(x, mask=mask)))
        if memory is not None:
            x = self.norm2(x + self.dropout(self.cross_attn(x, memory)))
        return self.norm3(x + self.dropout(self.mlp(x)))


class Embeddings(nn.Layer):
    """Embeddings of token ids; that of id 0, padding, is zero.

    Args:
        classes: number of token ids.
        width: of the embeddings.
        scale: multiply them by the square root of their width.
    """

    def __init__(self, classes: int, width: int, scale: bool) -> None:
        super().__init__()
        start = ParamAttr(initializer=Normal(0.0, width**-0.5))
        self.embedding = nn.Embedding(classes, width, padding_idx=0, weight_attr=start)
        self.factor = math.sqrt(width) if scale else 1.0

    def forward(self, ids: paddle.Tensor) -> paddle.Tensor:
        return self.embedding(ids) * self.factor


class PositionalEncoding(nn.Layer):
    """Adds sine and cosine position encodings.

    Args:
        width: of the sequence, even.
        dropout: of the sum.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        position = paddle.arange(POSITIONS, dtype="float32").unsqueeze(1)
        rate = paddle.exp(paddle.arange(0, width, 2).astype("float32") * (-math.log(10000.0) / width))
        waves = paddle.stack([paddle.sin(position * rate), paddle.cos(position * rate)], axis=2)
        self.register_buffer("pe", waves.reshape([POSITIONS, 1, width]))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, T, width] for [B, T, width]."""
        return self.dropout(x + self.pe[: x.shape[1]].transpose([1, 0, 2]).astype(x.dtype))


def causal_mask(length: int) -> paddle.Tensor:
    """Return float32 [length, length]: minus infinity where a step would attend to a later one, else 0."""
    return paddle.triu(paddle.full([length, length], float("-inf"), dtype="float32"), diagonal=1)
