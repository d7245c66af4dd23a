"""Necks that turn a feature map one pixel high into a sequence, through an optional encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import paddle
from paddle import nn

from ppocr.config.ranges import (
    Channels,
    Count,
    Depth,
    Dropout,
    Kernel,
    Positive,
)
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.modeling.layers.initializers import uniform_linear_attrs
from ppocr.modeling.necks.encoder_light_svtr import EncoderWithLightSVTR
from ppocr.modeling.necks.encoder_svtr import EncoderWithSVTR
from ppocr.registry import NECKS, parameters


class Im2Seq(nn.Layer):
    """A feature map [B, C, 1, T] as a sequence [B, T, C]."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.out_channels = in_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        height = x.shape[2]
        if isinstance(height, int) and height > 1:
            raise ConfigError(
                f"SequenceEncoder: the feature map is {height} pixels high, it must be 1",
                "set image_shape to the height the backbone is made for",
            )
        return x.squeeze(axis=2).transpose([0, 2, 1])  # [B, C, 1, T] -> [B, T, C]


class EncoderWithRNN(nn.Layer):
    """Two bidirectional LSTM layers."""

    def __init__(self, in_channels: int, hidden_size: int = 48) -> None:
        super().__init__()
        self.out_channels = hidden_size * 2
        self.lstm = nn.LSTM(in_channels, hidden_size, num_layers=2, direction="bidirectional")

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.lstm(x)[0]


class BidirectionalLSTM(nn.Layer):
    """One bidirectional LSTM layer and an optional linear layer."""

    def __init__(self, in_channels: int, hidden_size: int, out_channels: int, with_linear: bool) -> None:
        super().__init__()
        self.rnn = nn.LSTM(in_channels, hidden_size, direction="bidirectional")
        self.linear = nn.Linear(hidden_size * 2, out_channels) if with_linear else None
        self.out_channels = out_channels if with_linear else hidden_size * 2

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.rnn(x)[0]
        return x if self.linear is None else self.linear(x)


class EncoderWithCascadeRNN(nn.Layer):
    """Bidirectional LSTM layers one after another, each with its own output width."""

    def __init__(
        self,
        in_channels: int,
        hidden_size: int = 48,
        out_channels: Sequence[int] = (256, 512),
        with_linear: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = nn.LayerList()
        for width in out_channels:
            self.encoder.append(BidirectionalLSTM(in_channels, hidden_size, width, with_linear))
            in_channels = self.encoder[-1].out_channels
        self.out_channels = in_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        for layer in self.encoder:
            x = layer(x)
        return x


class EncoderWithFC(nn.Layer):
    """One linear layer."""

    def __init__(self, in_channels: int, hidden_size: int = 48) -> None:
        super().__init__()
        self.out_channels = hidden_size
        self.fc = nn.Linear(in_channels, hidden_size, **uniform_linear_attrs(in_channels, 1e-5))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc(x)


ENCODERS: dict[str, type] = {
    "fc": EncoderWithFC,
    "rnn": EncoderWithRNN,
    "cascadernn": EncoderWithCascadeRNN,
    "svtr": EncoderWithSVTR,
    "lightsvtr": EncoderWithLightSVTR,
}
ON_MAPS = ("svtr", "lightsvtr")  # encoders of the feature map; the others encode the sequence


@NECKS.register()
class SequenceEncoder(nn.Layer):
    """Feature map [B, C, 1, W] to sequence [B, W, C'], through the encoder of `encoder_type`.

    The default of a key is that of the encoder's class.

    Args:
        in_channels: channels of the feature map.
        encoder_type: "reshape" (no encoder), "fc", "rnn", "cascadernn", "svtr" or "lightsvtr".
        hidden_size: width of the encoders of sequences, of one direction in recurrent ones.
        out_channels: widths after each layer of "cascadernn".
        with_linear: whether each layer of "cascadernn" ends in a linear one.
        dims: channels of the result of the "svtr" encoders, see `EncoderWithSVTR` for them all.
        depth: their number of blocks.
        hidden_dims: channels inside "svtr".
        kernel_size: of the convolutions of "svtr".
        local_kernel: of the convolution of "lightsvtr".
        use_guide: detach the feature map, see `EncoderWithSVTR`.
        num_heads: heads of their attention.
        qkv_bias: see `BlockOptions`.
        qk_scale: see `BlockOptions`.
        mlp_ratio: hidden width of their MLPs, as a multiple of the width.
        drop_rate: dropout of their MLPs.
        attn_drop_rate: dropout of their attention weights.
        drop_path: probability of dropping a branch.

    Raises:
        ConfigError: a key that the named encoder does not have.
    """

    gives = "sequence"

    def __init__(
        self,
        in_channels: Filled[int],
        encoder_type: Literal["reshape", "fc", "rnn", "cascadernn", "svtr", "lightsvtr"],
        hidden_size: Channels | None = None,
        out_channels: Sequence[Channels] | None = None,
        with_linear: bool | None = None,
        dims: Channels | None = None,
        depth: Depth | None = None,
        hidden_dims: Channels | None = None,
        kernel_size: Sequence[Kernel] | None = None,
        local_kernel: Kernel | None = None,
        use_guide: bool | None = None,
        num_heads: Count | None = None,
        qkv_bias: bool | None = None,
        qk_scale: Positive | None = None,
        mlp_ratio: Positive | None = None,
        drop_rate: Dropout | None = None,
        attn_drop_rate: Dropout | None = None,
        drop_path: Dropout | None = None,
    ) -> None:
        super().__init__()
        self.encoder_reshape = Im2Seq(in_channels)
        self.encoder: nn.Layer | None = None
        self.out_channels = in_channels
        self.on_map = encoder_type in ON_MAPS
        if encoder_type == "reshape":
            return
        given: dict[str, Any] = {
            "in_channels": in_channels,
            "hidden_size": hidden_size,
            "out_channels": out_channels,
            "with_linear": with_linear,
            "dims": dims,
            "depth": depth,
            "hidden_dims": hidden_dims,
            "kernel_size": kernel_size,
            "local_kernel": local_kernel,
            "use_guide": use_guide,
            "num_heads": num_heads,
            "qkv_bias": qkv_bias,
            "qk_scale": qk_scale,
            "mlp_ratio": mlp_ratio,
            "drop_rate": drop_rate,
            "attn_drop_rate": attn_drop_rate,
            "drop_path": drop_path,
        }
        self.encoder = _build(encoder_type, {k: v for k, v in given.items() if v is not None})
        self.out_channels = self.encoder.out_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return the sequence [B, W, out_channels] of a feature map [B, in_channels, 1, W]."""
        if self.encoder is None:
            return self.encoder_reshape(x)
        if self.on_map:
            return self.encoder_reshape(self.encoder(x))
        return self.encoder(self.encoder_reshape(x))


def _build(encoder_type: str, given: dict[str, Any]) -> nn.Layer:
    """Build an encoder from the given keys; `hidden_size` is accepted by all and unused by some."""
    encoder = ENCODERS[encoder_type]
    accepted, _ = parameters(encoder)
    for key in given:
        if key not in (*accepted, "hidden_size"):
            raise ConfigError(f"SequenceEncoder.{key}: the encoder {encoder_type!r} has no such key")
    return encoder(**{k: v for k, v in given.items() if k in accepted})
