"""Rectification of curved text lines by a spatial transformer network with a thin-plate spline.

Sources: https://arxiv.org/abs/1603.03915 and, for the initial control points, https://ieeexplore.ieee.org/document/8395027.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.nn.initializer import Assign, Constant, Normal

from ppocr.config.ranges import Count, Probability, Side
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.registry import NETWORK_TRANSFORMS

WIDTHS = (32, 64, 128, 256, 256, 256)  # of the convolutions; between them the map is halved
HIDDEN = 512
MARGIN = 0.01  # of the initial control points
SLOWDOWN = 0.1  # upstream: of the last layer's input, so that the control points move slowly


def control_points(count: int, margins: Sequence[float]) -> np.ndarray:
    """Return points on the upper, then on the lower edge of the unit square, each from left to right: [count, 2].

    Args:
        count: number of points, on both edges together.
        margins: horizontal and vertical distance from the square's edges.
    """
    x = np.linspace(margins[0], 1 - margins[0], count // 2)
    return np.concatenate([np.stack([x, np.full_like(x, y)], axis=1) for y in (margins[1], 1 - margins[1])])


class LocalizationNet(nn.Layer):
    """Localisation network: predicts the control points of a text line.

    Args:
        in_channels: channels of the image.
        size: height and width of the image.
        count: number of control points.
        activation: "sigmoid" keeps the points within the image; "none".
    """

    def __init__(self, in_channels: int, size: Sequence[int], count: int, activation: str) -> None:
        super().__init__()
        layers: list[nn.Layer] = []
        for i, width in enumerate(WIDTHS):
            start = Normal(0.0, math.sqrt(2.0 / (9 * width)))
            conv = nn.Conv2D(in_channels, width, 3, padding=1, weight_attr=start, bias_attr=Constant(0.0))
            layers += [nn.MaxPool2D(2, 2)] if i else []
            layers.append(nn.Sequential(conv, nn.BatchNorm2D(width), nn.ReLU()))
            in_channels = width
        self.stn_convnet = nn.Sequential(*layers)
        halvings = 2 ** (len(WIDTHS) - 1)
        features = WIDTHS[-1] * (size[0] // halvings) * (size[1] // halvings)
        linear = nn.Linear(features, HIDDEN, weight_attr=Normal(0.0, 0.001), bias_attr=Constant(0.0))
        self.stn_fc1 = nn.Sequential(linear, nn.BatchNorm1D(HIDDEN), nn.ReLU())
        points = control_points(count, (MARGIN, MARGIN)).astype(np.float32)
        self.sigmoid = activation == "sigmoid"
        if self.sigmoid:
            points = -np.log(1.0 / points - 1.0)
        self.stn_fc2 = nn.Linear(HIDDEN, count * 2, weight_attr=Constant(0.0), bias_attr=Assign(points.reshape(-1)))
        self.count = count

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return the control points of each image [B, in_channels, *size], (x, y) from 0 to 1: [B, count, 2]."""
        x = self.stn_fc2(self.stn_fc1(self.stn_convnet(x).flatten(1)) * SLOWDOWN)
        return (F.sigmoid(x) if self.sigmoid else x).reshape([-1, self.count, 2])


class ThinPlateSpline(nn.Layer):
    """Warps images so that their control points come to lie on the edges of a rectangle.

    Args:
        size: height and width of the result.
        count: number of control points.
        margins: see `control_points`.
    """

    def __init__(self, size: Sequence[int], count: int, margins: Sequence[float]) -> None:
        super().__init__()
        self.size = list(size)
        # The spline through values v at points p is A [k(x, p), 1, x] with A = K^-1 [v, 0], everything but v fixed.
        points = control_points(count, margins)
        kernel = np.zeros([count + 3, count + 3])
        kernel[:, :count] = _terms(points, points).T
        kernel[:count, count:] = kernel[count:, :count].T
        inverse = np.linalg.inv(kernel)[:, :count]  # the other columns are multiplied by zeros
        axes = [np.arange(length) / (length - 1) for length in size]
        y, x = np.meshgrid(*axes, indexing="ij")
        positions = np.stack([x.ravel(), y.ravel()], axis=1)
        matrix = (_terms(positions, points) @ inverse).astype(np.float32)
        self.register_buffer("matrix", paddle.to_tensor(matrix), persistable=False)

    def forward(self, images: paddle.Tensor, points: paddle.Tensor) -> paddle.Tensor:
        """Return [B, C, *size] of images [B, C, H, W] and their control points [B, count, 2]."""
        with paddle.amp.auto_cast(enable=False):  # coordinates need more than the digits of float16
            grid = paddle.matmul(self.matrix, points.astype("float32")).clip(0.0, 1.0)
            grid = grid.reshape([-1, *self.size, 2]) * 2.0 - 1.0
            images = images.astype("float32")
            if self.training and images.stop_gradient:
                # paddle 3.3.1 crashes in the gradient of grid_sample on a CPU unless that of the images is needed too
                images = images.clone().detach()
                images.stop_gradient = False
            return F.grid_sample(images, grid)


def _terms(positions: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the terms of a spline at each position: r^2 log r to each point, 1, x and y, [positions, points + 3]."""
    squared = ((positions[:, None] - points[None]) ** 2).sum(axis=2)
    logs = np.log(squared, out=np.zeros_like(squared), where=squared > 0)
    return np.concatenate([0.5 * squared * logs, np.ones([len(positions), 1]), positions], axis=1)


@NETWORK_TRANSFORMS.register("STN_ON", scope="rec")
class STN_ON(nn.Layer):  # noqa: N801
    """Rectifies images of text lines.

    Args:
        in_channels: channels of the image.
        tps_inputsize: height and width of the localisation network's input.
        tps_outputsize: height and width of the result.
        num_control_points: number of control points, even.
        tps_margins: horizontal and vertical distance of the points from the edges, as fractions of the result's size.
        stn_activation: see `LocalizationNet`.

    Raises:
        ConfigError: values outside the above.
    """

    def __init__(
        self,
        in_channels: Filled[int],
        tps_inputsize: Sequence[Side],
        tps_outputsize: Sequence[Side],
        num_control_points: Count,
        tps_margins: Sequence[Probability],
        stn_activation: Literal["none", "sigmoid"] = "none",
    ) -> None:
        super().__init__()
        if num_control_points % 2 or num_control_points < 4:
            raise ConfigError(f"STN_ON.num_control_points: {num_control_points} is no even number of 4 or more")
        if min(tps_inputsize) < 2 ** (len(WIDTHS) - 1):
            raise ConfigError(f"STN_ON.tps_inputsize: {list(tps_inputsize)} is less than 32 somewhere")
        self.tps = ThinPlateSpline(tps_outputsize, num_control_points, tps_margins)
        self.stn_head = LocalizationNet(in_channels, tps_inputsize, num_control_points, stn_activation)
        self.tps_inputsize = list(tps_inputsize)
        self.out_channels = in_channels

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return [B, in_channels, *tps_outputsize] of images [B, in_channels, H, W]."""
        small = F.interpolate(x, self.tps_inputsize, mode="bilinear", align_corners=True)
        return self.tps(x, self.stn_head(small))
