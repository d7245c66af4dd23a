"""The encoder of PP-OCRv6's recognisers: a convolution along the line, SVTR's blocks and a shortcut."""

from __future__ import annotations

import paddle
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingNormal

from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.svtr import SWISH, BlockOptions, MixingEncoder, initialise


class EncoderWithLightSVTR(MixingEncoder):
    """A convolution along the line, then self-attention, over a narrow feature map with a shortcut.

    Args:
        in_channels: channels of the feature map.
        dims: channels of the result and of the blocks, a multiple of `num_heads`.
        depth: number of blocks.
        num_heads: heads of the attention.
        qkv_bias: see `BlockOptions`.
        mlp_ratio: hidden width of a block's MLP, as a multiple of `dims`.
        drop_rate: dropout of the MLPs and after the attention.
        attn_drop_rate: dropout of the attention weights.
        drop_path: probability of dropping a branch.
        qk_scale: see `BlockOptions`.
        local_kernel: width of the convolution along the line, odd.
        use_guide: detach the feature map, so that the auxiliary head alone trains the backbone.

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
        self.conv_reduce = ConvBNLayer(in_channels, dims, 1, style=SWISH)
        initial = ParamAttr(initializer=KaimingNormal())
        kernel, padding = (1, local_kernel), (0, local_kernel // 2)
        local = nn.Conv2D(dims, dims, kernel, 1, padding, groups=dims, weight_attr=initial, bias_attr=False)
        self.local_conv = nn.Sequential(local, nn.BatchNorm2D(dims), nn.Swish())
        options = BlockOptions(mlp_ratio, qkv_bias, qk_scale, drop_rate, attn_drop_rate, 1e-5, act="swish")
        self.add_blocks(dims, depth, num_heads, options, drop_path)
        self.skip_conv = ConvBNLayer(in_channels, dims, 1, style=SWISH)
        self.apply(initialise)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return a feature map [B, dims, H, W] of one [B, in_channels, H, W]."""
        if self.use_guide:
            x = x.detach()
        skip = self.skip_conv(x)  # first, as the reference does: inference models hold their arrays in this order
        z = self.conv_reduce(x)
        return self.mixed(z + self.local_conv(z)) + skip
