"""SVTRv2 (https://arxiv.org/abs/2411.15858): convolutions, then attention, for lines of any width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.nn.initializer import KaimingNormal, TruncatedNormal

from ppocr.config.ranges import Channels, Count, Depth, Dropout, KernelOrNone, Positive, Side
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.svtr import (
    STYLE,
    Attention,
    Block,
    BlockOptions,
    as_map,
    as_sequence,
    initialise,
)
from ppocr.registry import BACKBONES

KERNEL = 5
Mixer = Literal["Conv", "Global"]


class MapBlock(Block):
    """A `Block` whose mixer is a grouped convolution over the map."""

    def __init__(self, width: int, groups: int, options: BlockOptions, drop_path: float) -> None:
        mixer = nn.Conv2D(width, width, KERNEL, 1, KERNEL // 2, groups=groups, weight_attr=KaimingNormal())
        super().__init__(width, mixer, options, drop_path)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, width, H, W] for [B, width, H, W]."""
        height = x.shape[2]
        x = self.norm1(as_sequence(x + self.drop_path(self.mixer(x))))
        return as_map(self.norm2(x + self.drop_path(self.mlp(x))), height)


class Flatten(nn.Layer):
    """Layer form of `as_sequence`."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return as_sequence(x)


class SubSample(nn.Layer):
    """A convolution with a stride and a layer norm, over a feature map or its sequence."""

    def __init__(self, in_channels: int, out_channels: int, stride: Sequence[int]) -> None:
        super().__init__()
        self.conv = nn.Conv2D(in_channels, out_channels, 3, list(stride), 1, weight_attr=KaimingNormal())
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: paddle.Tensor, height: int) -> tuple[paddle.Tensor, int]:
        """Return the result in the form of the input, and its height."""
        flat = x.ndim == 3
        x = self.conv(as_map(x, height) if flat else x)
        height = x.shape[2]
        x = self.norm(as_sequence(x))
        return (x if flat else as_map(x, height)), height


class Stage(nn.Layer):
    """Blocks of one width, and the downsampling to the next stage.

    Args:
        width: of the blocks.
        heads: heads of the attention, or groups of the convolutions.
        mixers: of each block, "Conv" before "Global".
        drop_paths: of each block, probability of dropping a branch.
        options: see `BlockOptions`.
        downsample: width of the next stage and the stride towards it; None in the last one.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        mixers: Sequence[str],
        drop_paths: Sequence[float],
        options: BlockOptions,
        downsample: tuple[int, Sequence[int]] | None,
    ) -> None:
        super().__init__()
        layers: list[nn.Layer] = []
        for i, (name, drop_path) in enumerate(zip(mixers, drop_paths)):
            if name == "Conv":
                layers.append(MapBlock(width, heads, options, drop_path))
                if i + 1 < len(mixers) and mixers[i + 1] != "Conv":
                    layers.append(Flatten())
                continue
            layers.append(Block(width, Attention(width, heads, options), options, drop_path))
        self.blocks = nn.Sequential(*layers)
        self.takes_maps = mixers[0] == "Conv"
        self.downsample = SubSample(width, *downsample) if downsample else None

    def forward(self, x: paddle.Tensor, height: int) -> tuple[paddle.Tensor, int]:
        """Return the features, a map or its sequence, and their height."""
        if x.ndim == 4 and not self.takes_maps:
            x = as_sequence(x)
        x = self.blocks(x)
        return (x, height) if self.downsample is None else self.downsample(x, height)


class PatchEmbed(nn.Layer):
    """Two convolutions of stride 2 and, optionally, a learnt position embedding.

    Args:
        in_channels: channels of the image.
        width: of the result.
        positions: height and width of the largest map; None for no position embedding.
    """

    def __init__(self, in_channels: int, width: int, positions: Sequence[int] | None) -> None:
        super().__init__()
        layers: list[nn.Layer] = [
            ConvBNLayer(in_channels, width // 2, 3, 2, style=STYLE),
            ConvBNLayer(width // 2, width, 3, 2, style=STYLE),
        ]
        if positions is not None:
            layers.append(AddPosition(width, positions))
        self.patch_embed = nn.Sequential(*layers)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.patch_embed(x)


class AddPosition(nn.Layer):
    """Adds a learnt position embedding to a map no larger than `size`."""

    def __init__(self, width: int, size: Sequence[int]) -> None:
        super().__init__()
        start = TruncatedNormal(std=0.02)
        self.pos_embed = self.create_parameter([1, width, *size], default_initializer=start)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x + self.pos_embed[:, :, : x.shape[2], : x.shape[3]]


class LastStage(nn.Layer):
    """Averages the height and changes the width of the features."""

    def __init__(self, in_channels: int, out_channels: int, drop: float) -> None:
        super().__init__()
        self.last_conv = nn.Linear(in_channels, out_channels, bias_attr=False)
        self.dropout = nn.Dropout(drop, mode="downscale_in_infer")

    def forward(self, x: paddle.Tensor, height: int) -> tuple[paddle.Tensor, int]:
        """Return [B, W, out_channels] and height 1."""
        x = as_map(x, height).mean(axis=2).transpose([0, 2, 1])  # [B, C, H, W] -> [B, W, C]
        return self.dropout(F.hardswish(self.last_conv(x))), 1


@BACKBONES.register(scope="rec")
class SVTRv2(nn.Layer):
    """Backbone for text lines whose first blocks mix by convolution and the others by attention.

    Args:
        in_channels: channels of the image.
        max_sz: height and width of the largest image, for the position embedding.
        out_channels: width after the last stage.
        depths: blocks of each stage.
        dims: width of each stage.
        mixer: for each stage the mixer of each block, "Conv" or "Global"; convolutions come first.
        use_pos_embed: add a learnt position embedding.
        sub_k: strides, vertical and horizontal, towards the next stage; the last pair is unused.
        num_heads: heads, or groups of the convolutions, of each stage.
        mlp_ratio: see `BlockOptions`.
        qkv_bias: see `BlockOptions`.
        qk_scale: see `BlockOptions`.
        drop_rate: dropout within the blocks.
        last_drop: dropout after the last stage.
        attn_drop_rate: dropout of the attention's weights.
        drop_path_rate: probability of dropping a branch in the last block; grows linearly from 0 in the first.
        last_stage: average the height and change the width of the features.
        eps: of the layer norms in the blocks.
        use_pool: average the height and pairs of columns.
        feat2d: return a map instead of a sequence; unused with `use_pool`.

    Raises:
        ConfigError: an unknown mixer, or a convolution after attention.
    """

    # `local_k`: the kernel is always 5. `out_char_num`: the number of steps follows from the width.
    ignored_keys = ("local_k", "out_char_num")

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        max_sz: Sequence[Side] = (32, 128),
        out_channels: Channels = 192,
        depths: Sequence[Depth] = (3, 6, 3),
        dims: Sequence[Channels] = (64, 128, 256),
        mixer: Sequence[Sequence[Mixer]] = (
            ("Conv",) * 3,
            ("Conv",) * 3 + ("Global",) * 3,
            ("Global",) * 3,
        ),
        use_pos_embed: bool = False,
        sub_k: Sequence[Sequence[KernelOrNone]] = ((1, 1), (2, 1), (1, 1)),
        num_heads: Sequence[Count] = (2, 4, 8),
        mlp_ratio: Positive = 4,
        qkv_bias: bool = True,
        qk_scale: Positive | None = None,
        drop_rate: Dropout = 0.0,
        last_drop: Dropout = 0.1,
        attn_drop_rate: Dropout = 0.0,
        drop_path_rate: Dropout = 0.1,
        last_stage: bool = False,
        eps: Positive = 1e-6,
        use_pool: bool = False,
        feat2d: bool = False,
    ) -> None:
        super().__init__()
        _check_order(mixer, depths)
        positions = [side // 4 for side in max_sz] if use_pos_embed else None
        self.pope = PatchEmbed(in_channels, dims[0], positions)
        options = BlockOptions(mlp_ratio, qkv_bias, qk_scale, drop_rate, attn_drop_rate, eps, prenorm=True)
        drops = np.linspace(0, drop_path_rate, sum(depths)).tolist()
        self.stages = nn.LayerList()
        for i, depth in enumerate(depths):
            start = sum(depths[:i])
            downsample = (dims[i + 1], sub_k[i]) if i + 1 < len(depths) else None
            paths = drops[start : start + depth]
            self.stages.append(Stage(dims[i], num_heads[i], mixer[i][:depth], paths, options, downsample))
        if last_stage:
            self.stages.append(LastStage(dims[-1], out_channels, last_drop))
        self.out_channels = out_channels if last_stage else dims[-1]
        self.use_pool, self.feat2d = use_pool, feat2d
        self.apply(initialise)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return a map [B, out_channels, 1, W / 8] with `use_pool`, one of full height with `feat2d`, else a sequence.

        Args:
            x: images, float32 [B, in_channels, H, W].
        """
        x = self.pope(x)
        height = x.shape[2]
        for stage in self.stages:
            x, height = stage(x, height)
        if x.ndim == 4 and not (self.use_pool or self.feat2d):
            return as_sequence(x)
        if x.ndim == 3 and (self.use_pool or self.feat2d):
            x = as_map(x, height)
        return F.avg_pool2d(x, [height, 2]) if self.use_pool else x


def _check_order(mixer: Sequence[Sequence[str]], depths: Sequence[int]) -> None:
    """Raise ConfigError unless each stage has its mixers, and all convolutions come first."""
    for i, depth in enumerate(depths):
        if len(mixer) <= i or len(mixer[i]) < depth:
            raise ConfigError(f"SVTRv2.mixer: stage {i + 1} needs {depth} mixers")
    names = [name for stage, depth in zip(mixer, depths) for name in stage[:depth]]
    if "Conv" in names[names.index("Global") if "Global" in names else len(names) :]:
        raise ConfigError("SVTRv2.mixer: a convolution cannot follow an attention", 'put all "Conv" first')
