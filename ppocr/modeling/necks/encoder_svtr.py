"""The light SVTR encoder of SVTR_LCNet, PP-OCRv3's recogniser (https://arxiv.org/abs/2206.03001)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.modeling.layers.svtr import Attention, Block, ConvBNLayer, as_map, as_sequence, initialise


class EncoderWithSVTR(nn.Layer):
    """Mixes a feature map of few channels by self-attention, and joins the result to the map it came from.

    Args:
        in_channels: channels of the feature map.
        dims: channels of the result.
        depth: number of mixing blocks.
        hidden_dims: channels they work on, a multiple of `num_heads`.
        use_guide: no gradient goes back to the feature map: the backbone learns from the guiding head alone.
        num_heads: heads of the attention.
        qkv_bias: see `Attention`.
        mlp_ratio: width inside a block's MLP by `hidden_dims`.
        drop_rate: probability of dropout.
        attn_drop_rate: the same of attention weights.
        drop_path: probability that a sample passes a block by.
        kernel_size: (vertical, horizontal) of the outer convolutions.
        qk_scale: see `Attention`.

    Raises:
        ConfigError: channels that cannot be divided among the heads.
    """

    def __init__(
        self,
        in_channels: int,
        dims: int = 64,
        depth: int = 2,
        hidden_dims: int = 120,
        use_guide: bool = False,
        num_heads: int = 8,
        qkv_bias: bool = True,
        mlp_ratio: float = 2.0,
        drop_rate: float = 0.1,
        attn_drop_rate: float = 0.1,
        drop_path: float = 0.0,
        kernel_size: Sequence[int] = (3, 3),
        qk_scale: float | None = None,
    ) -> None:
        super().__init__()
        if hidden_dims % num_heads:
            raise ConfigError(f"svtr.hidden_dims: {hidden_dims} is no multiple of the {num_heads} heads")
        self.use_guide = use_guide
        self.out_channels = dims
        narrow = in_channels // 8
        self.conv1 = ConvBNLayer(in_channels, narrow, kernel_size, act="swish")
        self.conv2 = ConvBNLayer(narrow, hidden_dims, 1, act="swish")
        self.svtr_block = nn.LayerList()
        for _ in range(depth):
            mixer = Attention(hidden_dims, num_heads, qkv_bias, qk_scale, attn_drop_rate, drop_rate)
            self.svtr_block.append(
                Block(hidden_dims, mixer, mlp_ratio, "swish", drop_rate, drop_path, epsilon=1e-5, prenorm=False)
            )
        self.norm = nn.LayerNorm(hidden_dims, epsilon=1e-6)
        self.conv3 = ConvBNLayer(hidden_dims, in_channels, 1, act="swish")
        self.conv4 = ConvBNLayer(2 * in_channels, narrow, kernel_size, act="swish")
        self.conv1x1 = ConvBNLayer(narrow, dims, 1, act="swish")
        self.apply(initialise)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return a feature map [B, dims, H, W] of one [B, in_channels, H, W]."""
        if self.use_guide:
            x = x.detach()
        z = self.conv2(self.conv1(x))
        height = z.shape[2]
        z = as_sequence(z)
        for block in self.svtr_block:
            z = block(z)
        z = as_map(self.norm(z), height)
        return self.conv1x1(self.conv4(paddle.concat([x, self.conv3(z)], axis=1)))
