"""The blocks of SVTR (https://arxiv.org/abs/2205.00159): backbones and the encoders of later recognisers use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant, KaimingNormal, KaimingUniform, TruncatedNormal

from ppocr.modeling.layers.conv_norm import ACTIVATIONS, ConvStyle

STYLE = ConvStyle("gelu", KaimingUniform, bias=True, names=("conv", "norm"))
SWISH = STYLE._replace(act="swish", bias=False)
Mixer = Literal["Global", "Local", "Conv"]


class BlockOptions(NamedTuple):
    """Options shared by the blocks of a network.

    Args:
        mlp_ratio: hidden width of the MLP, as a multiple of the block's width.
        qkv_bias: whether the linear layer of queries, keys and values has a bias.
        qk_scale: factor of the attention's logits; 1 / sqrt(width of a head) when not given.
        drop: dropout of the MLP and after the attention.
        attn_drop: dropout of the attention weights.
        epsilon: of the layer norms.
        prenorm: upstream: true norms the sums, false the inputs of the branches.
        act: activation of the MLP, a key of `ACTIVATIONS`.
    """

    mlp_ratio: float = 4.0
    qkv_bias: bool = False
    qk_scale: float | None = None
    drop: float = 0.0
    attn_drop: float = 0.0
    epsilon: float = 1e-6
    prenorm: bool = False
    act: str = "gelu"


class DropPath(nn.Layer):
    """Stochastic depth: drops a residual branch for some samples in training (https://arxiv.org/abs/1603.09382).

    Args:
        p: probability of dropping it.
    """

    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not (self.training and self.p > 0):
            return x
        kept = 1.0 - self.p
        mask = paddle.floor(paddle.rand([x.shape[0]] + [1] * (x.ndim - 1), dtype="float32") + kept) / kept
        return x * mask.astype(x.dtype)


class Mlp(nn.Layer):
    """Two linear layers with an activation between them.

    Args:
        width: of input and output.
        hidden: width between.
        act: a key of `ACTIVATIONS`.
        drop: dropout after each linear layer.
    """

    def __init__(self, width: int, hidden: int, act: str = "gelu", drop: float = 0.0) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = ACTIVATIONS[act]
        self.fc2 = nn.Linear(hidden, width)
        self.drop = nn.Dropout(drop)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Attention(nn.Layer):
    """Multi-head self-attention, global or local.

    Args:
        width: of the sequence.
        heads: number of heads; `width` is a multiple of it.
        options: see `BlockOptions`.
        mask: added to the attention's logits, [T, T], see `local_mask`; None for global attention.
    """

    def __init__(self, width: int, heads: int, options: BlockOptions, mask: np.ndarray | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.scale = options.qk_scale or (width // heads) ** -0.5
        self.qkv = nn.Linear(width, width * 3, bias_attr=None if options.qkv_bias else False)
        self.attn_drop = nn.Dropout(options.attn_drop)
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(options.drop)
        self.masked = mask is not None
        if mask is not None:
            self.register_buffer("mask", paddle.to_tensor(mask), persistable=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, T, width] for [B, T, width]."""
        width = x.shape[2]
        # [B, T, 3C] -> [3, B, heads, T, C / heads]
        qkv = self.qkv(x).reshape([0, -1, 3, self.heads, width // self.heads]).transpose([2, 0, 3, 1, 4])
        query, key, value = qkv[0] * self.scale, qkv[1], qkv[2]
        logits = query.matmul(key, transpose_y=True)
        if self.masked:
            logits = logits + self.mask
        weights = self.attn_drop(F.softmax(logits, axis=-1))
        mixed = weights.matmul(value).transpose([0, 2, 1, 3]).reshape([0, -1, width])  # [B, heads, T, C'] -> [B, T, C]
        return self.proj_drop(self.proj(mixed))


def local_mask(size: Sequence[int], window: Sequence[int]) -> np.ndarray:
    """Return the mask of local attention, in which each position attends to a window around itself.

    Args:
        size: height and width of the map whose rows make the sequence.
        window: height and width of the window.

    Returns:
        float32 [H * W, H * W]: 0 within the window, else minus infinity.
    """
    within = []
    for length, span in zip(size, window):
        offset = np.arange(length)[None] - np.arange(length)[:, None]  # from row to column
        within.append((offset >= -(span // 2)) & (offset < span - span // 2))
    both = within[0][:, None, :, None] & within[1][None, :, None, :]  # [H, W, H, W]
    positions = size[0] * size[1]
    return np.where(both.reshape(positions, positions), 0.0, -np.inf).astype(np.float32)


class ConvMixer(nn.Layer):
    """A grouped convolution over a sequence that is reshaped to its feature map.

    Args:
        width: channels.
        groups: of the convolution.
        height: of the map.
        window: height and width of the kernel.
    """

    def __init__(self, width: int, groups: int, height: int, window: Sequence[int]) -> None:
        super().__init__()
        self.height = height
        self.local_mixer = nn.Conv2D(
            width,
            width,
            list(window),
            1,
            [k // 2 for k in window],
            groups=groups,
            weight_attr=ParamAttr(initializer=KaimingNormal()),
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return as_sequence(self.local_mixer(as_map(x, self.height)))


class Block(nn.Layer):
    """Token mixer and MLP, each with layer norm and shortcut.

    Args:
        width: channels.
        mixer: the token mixer, attention or convolution.
        options: see `BlockOptions`.
        drop_path: probability of dropping a branch.
    """

    def __init__(self, width: int, mixer: nn.Layer, options: BlockOptions, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, epsilon=options.epsilon)
        self.mixer = mixer
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(width, epsilon=options.epsilon)
        self.mlp = Mlp(width, int(width * options.mlp_ratio), options.act, options.drop)
        self.prenorm = options.prenorm

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, T, width] for [B, T, width]."""
        if self.prenorm:
            x = self.norm1(x + self.drop_path(self.mixer(x)))
            return self.norm2(x + self.drop_path(self.mlp(x)))
        x = x + self.drop_path(self.mixer(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def as_sequence(x: paddle.Tensor) -> paddle.Tensor:
    """Return a feature map [B, C, H, W] as the sequence of its rows, [B, H * W, C]."""
    return x.flatten(2).transpose([0, 2, 1])


def as_map(x: paddle.Tensor, height: int) -> paddle.Tensor:
    """Return a sequence of rows [B, H * W, C] as a feature map [B, C, H, W]."""
    return x.transpose([0, 2, 1]).reshape([0, x.shape[2], height, -1])


class MixingEncoder(nn.Layer):
    """Base of the encoders of a feature map with attention blocks inside."""

    svtr_block: nn.LayerList
    norm: nn.Layer

    def add_blocks(self, width: int, depth: int, heads: int, options: BlockOptions, drop_path: float) -> None:
        """Add the blocks and the norm after them; see `Block` and `Attention` for the arguments."""
        blocks = [Block(width, Attention(width, heads, options), options, drop_path) for _ in range(depth)]
        self.svtr_block = nn.LayerList(blocks)
        self.norm = nn.LayerNorm(width, epsilon=1e-6)

    def mixed(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return the output of the blocks, [B, width, H, W] for [B, width, H, W]."""
        height = x.shape[2]
        x = as_sequence(x)
        for block in self.svtr_block:
            x = block(x)
        return as_map(self.norm(x), height)


def initialise(layer: nn.Layer) -> None:
    """Initialise a linear layer as transformers do; for `Layer.apply`."""
    if isinstance(layer, nn.Linear):
        TruncatedNormal(std=0.02)(layer.weight)
        if layer.bias is not None:
            Constant(0.0)(layer.bias)
