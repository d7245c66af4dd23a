"""SVTRNet, recognition without recurrence (https://arxiv.org/abs/2205.00159)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn
from paddle.nn.initializer import KaimingNormal, TruncatedNormal

from ppocr.config.ranges import Channels, Count, Depth, Dropout, Kernel, Length, Positive, Side, Whole
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.svtr import (
    STYLE,
    Attention,
    Block,
    BlockOptions,
    ConvMixer,
    Mixer,
    as_map,
    as_sequence,
    initialise,
    local_mask,
)
from ppocr.registry import BACKBONES

STAGES = 3
MERGINGS = ("Conv", "Pool")


class PatchEmbed(nn.Layer):
    """A chain of convolutions of stride 2, each twice as wide as the one before."""

    def __init__(self, in_channels: int, width: int, count: int) -> None:
        super().__init__()
        layers = []
        for i in reversed(range(count)):
            layers.append(ConvBNLayer(in_channels, width >> i, 3, 2, style=STYLE))
            in_channels = width >> i
        self.proj = nn.Sequential(*layers)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return as_sequence(self.proj(x))


class SubSample(nn.Layer):
    """Halves the height of a sequence's feature map, by a convolution or by pooling.

    Args:
        in_channels: width of the input.
        out_channels: width of the output.
        height: of the map.
        pool: by pooling.
    """

    def __init__(self, in_channels: int, out_channels: int, height: int, pool: bool) -> None:
        super().__init__()
        self.height = height
        self.pool = pool
        if pool:
            self.avgpool = nn.AvgPool2D([3, 5], [2, 1], [1, 2])
            self.maxpool = nn.MaxPool2D([3, 5], [2, 1], [1, 2])
            self.proj = nn.Linear(in_channels, out_channels)
        else:
            self.conv = nn.Conv2D(in_channels, out_channels, 3, [2, 1], 1, weight_attr=KaimingNormal())
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = as_map(x, self.height)
        if self.pool:
            x = self.proj(as_sequence((self.avgpool(x) + self.maxpool(x)) * 0.5))
        else:
            x = as_sequence(self.conv(x))
        return self.norm(x)


@BACKBONES.register(scope="rec")
class SVTRNet(nn.Layer):
    """Three stages of token mixing by global attention, local attention or convolution.

    Args:
        in_channels: channels of the image.
        img_size: height and width of the image; fixed, as each patch has a learnt position embedding.
        embed_dim: width of each stage.
        depth: blocks of each stage.
        num_heads: heads, or groups of the convolution, in each stage.
        mixer: of each block, "Global", "Local" or "Conv"; by default local, then global.
        local_mixer: height and width of the local mixers' window in each stage.
        patch_merging: how the height is halved between stages: "Conv", "Pool", or null for not at all.
        mlp_ratio: see `BlockOptions`.
        qkv_bias: see `BlockOptions`.
        qk_scale: see `BlockOptions`.
        drop_rate: dropout within the blocks.
        last_drop: dropout after the last layer.
        attn_drop_rate: dropout of the attention's weights.
        drop_path_rate: probability of dropping a branch in the last block; grows linearly from 0 in the first.
        epsilon: of the layer norms in the blocks.
        out_channels: width after the last layer.
        out_char_num: time steps after the last layer.
        last_stage: end in a layer that averages the height and sets the number of steps; else in the patches.
        sub_num: how often the first convolutions halve the image.
        prenorm: see `BlockOptions`.

    Raises:
        ConfigError: sizes that do not match, or an unknown mixer.
    """

    fixed_size = True

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        img_size: Sequence[Side] = (32, 100),
        embed_dim: Sequence[Channels] = (64, 128, 256),
        depth: Sequence[Depth] = (3, 6, 3),
        num_heads: Sequence[Count] = (2, 4, 8),
        mixer: Sequence[Mixer] = ("Local",) * 6 + ("Global",) * 6,
        local_mixer: Sequence[Sequence[Kernel]] = ((7, 11), (7, 11), (7, 11)),
        patch_merging: str | None = "Conv",
        mlp_ratio: Positive = 4,
        qkv_bias: bool = True,
        qk_scale: Positive | None = None,
        drop_rate: Dropout = 0.0,
        last_drop: Dropout = 0.1,
        attn_drop_rate: Dropout = 0.0,
        drop_path_rate: Dropout = 0.1,
        epsilon: Positive = 1e-6,
        out_channels: Channels = 192,
        out_char_num: Length = 25,
        last_stage: bool = True,
        sub_num: Whole = 2,
        prenorm: bool = True,
    ) -> None:
        super().__init__()
        if len(mixer) < sum(depth):
            raise ConfigError(f"SVTRNet.mixer: {len(mixer)} blocks are named, depth asks for {sum(depth)}")
        if patch_merging not in MERGINGS:
            patch_merging = None
        self.img_size = [int(side) for side in img_size]
        height, width = (side // 2**sub_num for side in self.img_size)
        self.patch_embed = PatchEmbed(in_channels, embed_dim[0], sub_num)
        self.pos_embed = self.create_parameter(
            [1, height * width, embed_dim[0]], default_initializer=TruncatedNormal(std=0.02)
        )
        self.pos_drop = nn.Dropout(drop_rate)
        options = BlockOptions(mlp_ratio, qkv_bias, qk_scale, drop_rate, attn_drop_rate, epsilon, bool(prenorm))
        drops = np.linspace(0, drop_path_rate, sum(depth)).tolist()
        start = 0
        for i in range(STAGES):
            names, paths = mixer[start : start + depth[i]], drops[start : start + depth[i]]
            start += depth[i]
            blocks = _stage(embed_dim[i], num_heads[i], names, paths, (height, width), local_mixer[i], options)
            setattr(self, f"blocks{i + 1}", blocks)
            if i + 1 < STAGES and patch_merging is not None:
                downsample = SubSample(embed_dim[i], embed_dim[i + 1], height, patch_merging == "Pool")
                setattr(self, f"sub_sample{i + 1}", downsample)
                height = height // 2
        self.height = height
        self.out_channels = out_channels if last_stage else embed_dim[-1]
        self.last_stage = last_stage
        if last_stage:
            self.avg_pool = nn.AdaptiveAvgPool2D([1, out_char_num])
            self.last_conv = nn.Conv2D(embed_dim[-1], out_channels, 1, bias_attr=False)
            self.hardswish = nn.Hardswish()
            self.dropout = nn.Dropout(last_drop, mode="downscale_in_infer")
        self.norm = None if prenorm else nn.LayerNorm(embed_dim[-1], epsilon=epsilon)
        self.apply(initialise)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, out_channels, 1, out_char_num], or without the last stage the patches [B, T, out_channels]."""
        if [s for s in x.shape[2:] if s > 0] != self.img_size:
            raise ConfigError(
                f"SVTRNet.img_size: it is made for images of {self.img_size}, not {list(x.shape[2:])}",
                "set img_size and the image_shape of the transforms to the same height and width",
            )
        x = self.pos_drop(self.patch_embed(x) + self.pos_embed)
        for i in range(STAGES):
            for block in getattr(self, f"blocks{i + 1}"):
                x = block(x)
            downsample = getattr(self, f"sub_sample{i + 1}", None)
            if downsample is not None:
                x = downsample(x)
        if self.norm is not None:
            x = self.norm(x)
        if not self.last_stage:
            return x
        return self.dropout(self.hardswish(self.last_conv(self.avg_pool(as_map(x, self.height)))))


def _stage(
    width: int,
    heads: int,
    mixers: Sequence[str],
    drop_paths: Sequence[float],
    size: tuple[int, int],
    window: Sequence[int],
    options: BlockOptions,
) -> nn.LayerList:
    """Return the blocks of one stage, whose map is `size` high and wide."""
    blocks = nn.LayerList()
    for name, drop_path in zip(mixers, drop_paths):
        mixer: nn.Layer
        if name == "Conv":
            mixer = ConvMixer(width, heads, size[0], window)
        else:
            mixer = Attention(width, heads, options, local_mask(size, window) if name == "Local" else None)
        blocks.append(Block(width, mixer, options, drop_path))
    return blocks
