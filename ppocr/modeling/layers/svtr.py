"""The blocks of SVTR (https://arxiv.org/abs/2205.00159): backbones and the encoders of later recognisers use them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import Constant, KaimingNormal, KaimingUniform, TruncatedNormal

from ppocr.errors import ConfigError

ACTIVATIONS = {"gelu": F.gelu, "relu": F.relu, "swish": F.swish}
MIXERS = ("Global", "Local", "Conv")


class DropPath(nn.Layer):
    """Leaves a residual branch out for some samples while training (https://arxiv.org/abs/1603.09382).

    Args:
        p: probability of leaving it out.
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


class ConvBNLayer(nn.Layer):
    """Convolution, batch norm and an activation.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: one number or (vertical, horizontal), odd; the padding keeps the size at stride 1.
        stride: of the convolution.
        bias: whether the convolution has a bias.
        act: a key of `ACTIVATIONS`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 3,
        stride: int = 1,
        bias: bool = False,
        act: str = "gelu",
    ) -> None:
        super().__init__()
        kernel = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
        self.conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride,
            [k // 2 for k in kernel],
            weight_attr=ParamAttr(initializer=KaimingUniform()),
            bias_attr=None if bias else False,
        )
        self.norm = nn.BatchNorm2D(out_channels)
        self.act = ACTIVATIONS[act]

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.act(self.norm(self.conv(x)))


class Mlp(nn.Layer):
    """Two linear layers with an activation between them.

    Args:
        width: of input and output.
        hidden: width between.
        act: a key of `ACTIVATIONS`.
        drop: dropout behind each linear layer.
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
    """Self-attention of several heads, over all places or those near by.

    Args:
        width: of the sequence.
        heads: how many; `width` is a multiple of it.
        qkv_bias: whether the linear layer of queries, keys and values has a bias.
        qk_scale: factor of the scores; 1 / sqrt(width of a head) when not given.
        attn_drop: dropout of the weights.
        drop: dropout of the result.
        mask: added to the scores, [T, T]; none when not given.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        qkv_bias: bool = False,
        qk_scale: float | None = None,
        attn_drop: float = 0.0,
        drop: float = 0.0,
        mask: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.scale = qk_scale or (width // heads) ** -0.5
        self.qkv = nn.Linear(width, width * 3, bias_attr=None if qkv_bias else False)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(drop)
        self.masked = mask is not None
        if mask is not None:
            self.register_buffer("mask", paddle.to_tensor(mask), persistable=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, T, width] for [B, T, width]."""
        width = x.shape[2]
        # [B, T, 3C] -> [3, B, heads, T, C / heads]
        qkv = self.qkv(x).reshape([0, -1, 3, self.heads, width // self.heads]).transpose([2, 0, 3, 1, 4])
        query, key, value = qkv[0] * self.scale, qkv[1], qkv[2]
        scores = query.matmul(key, transpose_y=True)
        if self.masked:
            scores = scores + self.mask
        weights = self.attn_drop(F.softmax(scores, axis=-1))
        mixed = weights.matmul(value).transpose([0, 2, 1, 3]).reshape([0, -1, width])  # [B, heads, T, C'] -> [B, T, C]
        return self.proj_drop(self.proj(mixed))


def nearby(size: Sequence[int], window: Sequence[int]) -> np.ndarray:
    """Return what is added to the scores so that each place sees its surroundings only.

    Args:
        size: height and width of the map the sequence is made of, row by row.
        window: height and width of the surroundings.

    Returns:
        float32 [H * W, H * W]: 0 for places in sight, else minus infinity.
    """
    seen = []
    for length, span in zip(size, window):
        offset = np.arange(length)[None] - np.arange(length)[:, None]  # from row to column
        seen.append((offset >= -(span // 2)) & (offset < span - span // 2))
    both = seen[0][:, None, :, None] & seen[1][None, :, None, :]  # [H, W, H, W]
    places = size[0] * size[1]
    return np.where(both.reshape(places, places), 0.0, -np.inf).astype(np.float32)


class ConvMixer(nn.Layer):
    """A grouped convolution over a sequence laid out as the map it is made of.

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
    """Places are mixed, then each one's channels, both with a shortcut.

    Args:
        width: channels.
        mixer: the layer that mixes the places.
        mlp_ratio: hidden width of the channels' mixer, as a multiple of `width`.
        act: its activation, a key of `ACTIVATIONS`.
        drop: its dropout.
        drop_path: probability of leaving a branch out.
        epsilon: of the layer norms.
        prenorm: upstream: what is so called norms the sums, and its absence what goes into the branches.
    """

    def __init__(
        self,
        width: int,
        mixer: nn.Layer,
        mlp_ratio: float = 4.0,
        act: str = "gelu",
        drop: float = 0.0,
        drop_path: float = 0.0,
        epsilon: float = 1e-6,
        prenorm: bool = False,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, epsilon=epsilon)
        self.mixer = mixer
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(width, epsilon=epsilon)
        self.mlp = Mlp(width, int(width * mlp_ratio), act, drop)
        self.prenorm = prenorm

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, T, width] for [B, T, width]."""
        if self.prenorm:
            x = self.norm1(x + self.drop_path(self.mixer(x)))
            return self.norm2(x + self.drop_path(self.mlp(x)))
        x = x + self.drop_path(self.mixer(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def as_sequence(x: paddle.Tensor) -> paddle.Tensor:
    """Return a map [B, C, H, W] row by row: [B, H * W, C]."""
    return x.flatten(2).transpose([0, 2, 1])


def as_map(x: paddle.Tensor, height: int) -> paddle.Tensor:
    """Return a sequence [B, H * W, C] as the map it is made of: [B, C, H, W]."""
    return x.transpose([0, 2, 1]).reshape([0, x.shape[2], height, -1])


def check_mixers(where: str, mixers: Sequence[str], known: Sequence[str] = MIXERS) -> None:
    """Raise ConfigError unless all mixers are known."""
    for mixer in mixers:
        if mixer not in known:
            raise ConfigError(f"{where}: {mixer!r} is none of {', '.join(known)}")


def initialise(layer: nn.Layer) -> None:
    """Give a linear layer the first values of transformers, small weights and no bias; for `Layer.apply`."""
    if isinstance(layer, nn.Linear):
        TruncatedNormal(std=0.02)(layer.weight)
        if layer.bias is not None:
            Constant(0.0)(layer.bias)
