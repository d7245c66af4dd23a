"""The light SVTR encoder of SVTR_LCNet, PP-OCRv3's recogniser (https://arxiv.org/abs/2206.03001)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle

from ppocr.errors import ConfigError
from ppocr.modeling.layers.conv_norm import ConvBNLayer
from ppocr.modeling.layers.svtr import SWISH, BlockOptions, MixingEncoder, initialise


class EncoderWithSVTR(MixingEncoder):
    """Self-attention over a narrow feature map, whose result is concatenated with the input.

    Args:
        in_channels: channels of the feature map.
        dims: channels of the result.
        depth: number of blocks.
        hidden_dims: width of the blocks, a multiple of `num_heads`.
        use_guide: detach the feature map, so that the auxiliary head alone trains the backbone.
        num_heads: heads of the attention.
        qkv_bias: see `BlockOptions`.
        mlp_ratio: hidden width of a block's MLP, as a multiple of `hidden_dims`.
        drop_rate: dropout of the MLPs and after the attention.
        attn_drop_rate: dropout of the attention weights.
        drop_path: probability of dropping a branch.
        kernel_size: (vertical, horizontal) of the outer convolutions.
        qk_scale: see `BlockOptions`.

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
        self.conv1 = ConvBNLayer(in_channels, narrow, kernel_size, style=SWISH)
        self.conv2 = ConvBNLayer(narrow, hidden_dims, 1, style=SWISH)
        options = BlockOptions(mlp_ratio, qkv_bias, qk_scale, drop_rate, attn_drop_rate, 1e-5, act="swish")
        self.add_blocks(hidden_dims, depth, num_heads, options, drop_path)
        self.conv3 = ConvBNLayer(hidden_dims, in_channels, 1, style=SWISH)
        self.conv4 = ConvBNLayer(2 * in_channels, narrow, kernel_size, style=SWISH)
        self.conv1x1 = ConvBNLayer(narrow, dims, 1, style=SWISH)
        self.apply(initialise)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return a feature map [B, dims, H, W] of one [B, in_channels, H, W]."""
        if self.use_guide:
            x = x.detach()
        z = self.mixed(self.conv2(self.conv1(x)))
        return self.conv1x1(self.conv4(paddle.concat([x, self.conv3(z)], axis=1)))
