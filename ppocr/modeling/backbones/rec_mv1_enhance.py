"""The backbone of PP-OCRv2 and v3 for text lines, a MobileNetV1 with wider kernels (https://arxiv.org/abs/2109.03144)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.nn.initializer import KaimingNormal
from paddle.regularizer import L2Decay

from ppocr.config.ranges import Kernel, Scale
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.registry import BACKBONES

Stride = int | Sequence[int]

# output channels at scale 1, kernel, stride, squeeze and excitation; the last block's stride is an argument
BLOCKS: tuple[tuple[int, int, Stride, bool], ...] = (
    (64, 3, 1, False),
    (128, 3, 1, False),
    (128, 3, 1, False),
    (256, 3, (2, 1), False),
    (256, 3, 1, False),
    (512, 3, (2, 1), False),
    *(((512, 5, 1, False),) * 5),
    (1024, 5, (2, 1), True),
)
STEM, LAST = 32, 1024


class ConvBNLayer(nn.Layer):
    """Convolution without bias, batch norm without weight decay, and hard swish."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: Stride = 1, groups: int = 1) -> None:
        super().__init__()
        self._conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride if isinstance(stride, int) else list(stride),
            kernel // 2,
            groups=groups,
            weight_attr=ParamAttr(initializer=KaimingNormal()),
            bias_attr=False,
        )
        undecayed = [ParamAttr(regularizer=L2Decay(0.0)) for _ in range(2)]
        self._batch_norm = nn.BatchNorm2D(out_channels, weight_attr=undecayed[0], bias_attr=undecayed[1])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.hardswish(self._batch_norm(self._conv(x)))


class SEModule(nn.Layer):
    """Squeeze and excitation: each channel is scaled by a gate computed from all channel means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2D(1)
        self.conv1 = nn.Conv2D(channels, channels // 4, 1)
        self.conv2 = nn.Conv2D(channels // 4, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * F.hardsigmoid(self.conv2(F.relu(self.conv1(self.avg_pool(x)))))


class DepthwiseSeparable(nn.Layer):
    """Depthwise convolution, optional squeeze and excitation, pointwise convolution."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: Stride, squeeze: bool) -> None:
        super().__init__()
        self._depthwise_conv = ConvBNLayer(in_channels, in_channels, kernel, stride, groups=in_channels)
        self._se = SEModule(in_channels) if squeeze else None
        self._pointwise_conv = ConvBNLayer(in_channels, out_channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self._depthwise_conv(x)
        return self._pointwise_conv(x if self._se is None else self._se(x))


@BACKBONES.register(scope="rec")
@BACKBONES.register(scope="cls")
class MobileNetV1Enhance(nn.Layer):
    """MobileNetV1 for text lines, with 5 x 5 kernels and squeezes towards its end.

    Args:
        in_channels: channels of the image.
        scale: width multiplier.
        last_conv_stride: stride of the last block, (vertical, horizontal).
        last_pool_type: "max", a window of 2 x 2, or "avg" with `last_pool_kernel_size` as its window and stride.
        last_pool_kernel_size: (vertical, horizontal), read by "avg" only.

    Raises:
        ConfigError: an unknown pooling.
    """

    def __init__(
        self,
        in_channels: Filled[int] = 3,
        scale: Scale = 0.5,
        last_conv_stride: Kernel | Sequence[Kernel] = 1,
        last_pool_type: str = "max",
        last_pool_kernel_size: Sequence[Kernel] = (3, 2),
    ) -> None:
        super().__init__()
        if last_pool_type not in ("max", "avg"):
            raise ConfigError(f'MobileNetV1Enhance.last_pool_type: {last_pool_type!r} is neither "max" nor "avg"')
        channels = int(STEM * scale)
        self.conv1 = ConvBNLayer(in_channels, channels, 3, 2)
        blocks = []
        for out, kernel, stride, squeeze in (*BLOCKS, (LAST, 5, last_conv_stride, True)):
            blocks.append(DepthwiseSeparable(channels, int(out * scale), kernel, stride, squeeze))
            channels = int(out * scale)
        self.block_list = nn.Sequential(*blocks)
        if last_pool_type == "avg":
            self.pool: nn.Layer = nn.AvgPool2D(list(last_pool_kernel_size), list(last_pool_kernel_size))
        else:
            self.pool = nn.MaxPool2D(2, 2)
        self.out_channels = channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return features of images [B, in_channels, H, W].

        [B, out_channels, H / 32, W / 4] with the defaults; with a last stride of (1, 2) and an average over (2, 2),
        as PP-OCRv3 has it, [B, out_channels, H / 32, W / 8].
        """
        return self.pool(self.block_list(self.conv1(x)))
