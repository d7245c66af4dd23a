"""The encoder of PP-OCRv6's recognisers: SVTR's blocks behind a convolution along the line, and a plain shortcut."""

from __future__ import annotations

import paddle
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingNormal

from ppocr.errors import ConfigError
from ppocr.modeling.layers.svtr import Attention, Block, ConvBNLayer, as_map, as_sequence, initialise


class EncoderWithLightSVTR(nn.Layer):
    """Mixes a feature map of few channels, first with its neighbours, then over the whole line.

    Args:
        in_channels: channels of the feature map.
        dims: channels of the result and within, a multiple of `num_heads`.
        depth: number of mixing blocks.
        num_heads: heads of the attention.
        qkv_bias: see `Attention`.
        mlp_ratio: width inside a block's MLP by `dims`.
        drop_rate: probability of dropout.
        attn_drop_rate: the same of attention weights.
        drop_path: probability that a sample passes a block by.
        qk_scale: see `Attention`.
        local_kernel: columns that the convolution along the line sees, odd.
        use_guide: no gradient goes back to the feature map: the backbone learns from the guiding head alone.

    Raises:
        ConfigError: channels that cannot be divided among the heads.
    """

    def __init__(
        self,
        in_channels: int,
        dims: int = 64,
        depth: int = 1,
        num_heads: int = 8,
        qkv_bias: bool = True,
        mlp_ratio: float = 4.0,
        drop_rate: float = 0.1,
        attn_drop_rate: float = 0.1,
        drop_path: float = 0.0,
        qk_scale: float | None = None,
        local_kernel: int = 7,
        use_guide: bool = False,
    ) -> None:
        super().__init__()
        if dims % num_heads:
            raise ConfigError(f"lightsvtr.dims: {dims} is no multiple of the {num_heads} heads")
        self.use_guide = use_guide
        self.out_channels = dims
        self.conv_reduce = ConvBNLayer(in_channels, dims, 1, act="swish")
        initial = ParamAttr(initializer=KaimingNormal())
        kernel, padding = (1, local_kernel), (0, local_kernel // 2)
        local = nn.Conv2D(dims, dims, kernel, 1, padding, groups=dims, weight_attr=initial, bias_attr=False)
        self.local_conv = nn.Sequential(local, nn.BatchNorm2D(dims), nn.Swish())
        self.svtr_block = nn.LayerList()
        for _ in range(depth):
            mixer = Attention(dims, num_heads, qkv_bias, qk_scale, attn_drop_rate, drop_rate)
            self.svtr_block.append(Block(dims, mixer, mlp_ratio, "swish", drop_rate, drop_path, epsilon=1e-5))
        self.norm = nn.LayerNorm(dims, epsilon=1e-6)
        self.skip_conv = ConvBNLayer(in_channels, dims, 1, act="swish")
        self.apply(initialise)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return a feature map [B, dims, H, W] of one [B, in_channels, H, W]."""
        if self.use_guide:
            x = x.detach()
        skip = self.skip_conv(x)  # first, as the reference does: inference models hold their arrays in this order
        z = self.conv_reduce(x)
        z = as_sequence(z + self.local_conv(z))
        for block in self.svtr_block:
            z = block(z)
        return as_map(self.norm(z), x.shape[2]) + skip
