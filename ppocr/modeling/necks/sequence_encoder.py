"""Necks that turn a feature map one pixel high into a sequence and give each step a view of its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.modeling.layers.initializers import uniform_linear_attrs
from ppocr.registry import NECKS


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

    def __init__(self, in_channels: int, hidden_size: int) -> None:
        super().__init__()
        self.out_channels = hidden_size * 2
        self.lstm = nn.LSTM(in_channels, hidden_size, num_layers=2, direction="bidirectional")

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.lstm(x)[0]


class BidirectionalLSTM(nn.Layer):
    """One bidirectional LSTM layer and, when asked for, a linear layer behind it."""

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
        self, in_channels: int, hidden_size: int, out_channels: Sequence[int] = (256, 512), with_linear: bool = False
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

    def __init__(self, in_channels: int, hidden_size: int) -> None:
        super().__init__()
        self.out_channels = hidden_size
        self.fc = nn.Linear(in_channels, hidden_size, **uniform_linear_attrs(in_channels, 1e-5))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc(x)


ENCODERS: dict[str, Any] = {"fc": EncoderWithFC, "rnn": EncoderWithRNN, "cascadernn": EncoderWithCascadeRNN}
NO_ENCODER = "reshape"


@NECKS.register()
class SequenceEncoder(nn.Layer):
    """Feature map [B, C, 1, W] to sequence [B, W, C'], through the encoder the key names.

    Args:
        in_channels: channels of the feature map.
        encoder_type: "reshape" (no encoder), "fc", "rnn" or "cascadernn".
        hidden_size: width of the encoder, of one direction in recurrent ones.
        out_channels: widths behind each layer of "cascadernn"; 256, 512 when not given.
        with_linear: whether each layer of "cascadernn" ends in a linear one.

    Raises:
        ConfigError: an unknown encoder.
    """

    def __init__(
        self,
        in_channels: int,
        encoder_type: str,
        hidden_size: int = 48,
        out_channels: Sequence[int] | None = None,
        with_linear: bool = False,
    ) -> None:
        super().__init__()
        self.encoder_reshape = Im2Seq(in_channels)
        self.encoder = None
        self.out_channels = in_channels
        if encoder_type == NO_ENCODER:
            return
        if encoder_type not in ENCODERS:
            known = ", ".join([NO_ENCODER, *ENCODERS])
            raise ConfigError(f"SequenceEncoder.encoder_type: {encoder_type!r} is none of {known}")
        extra: dict[str, Any] = {}
        if encoder_type == "cascadernn":
            extra = {"out_channels": tuple(out_channels or (256, 512)), "with_linear": with_linear}
        self.encoder = ENCODERS[encoder_type](in_channels, hidden_size, **extra)
        self.out_channels = self.encoder.out_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return the sequence [B, W, out_channels] of a feature map [B, in_channels, 1, W]."""
        x = self.encoder_reshape(x)
        return x if self.encoder is None else self.encoder(x)
