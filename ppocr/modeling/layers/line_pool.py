"""The last pooling of backbones for text lines 48 pixels high."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F

from ppocr.errors import ConfigError

ROWS = 3  # of 48 pixels after stages that shrink the height by 16
TRAINING_STEPS = 40


def line_pool(x: paddle.Tensor, training: bool) -> paddle.Tensor:
    """Return features of one row.

    In training there are always 40 time steps, whatever the width of the images; in evaluation two columns are averaged
    into one time step.

    Args:
        x: features, [B, C, 3, W].
        training: whether the network trains.

    Returns:
        [B, C, 1, 40] in training, [B, C, 1, W / 2] in evaluation.

    Raises:
        ConfigError: there are fewer than three rows.
    """
    if training:
        return F.adaptive_avg_pool2d(x, [1, TRAINING_STEPS])
    if 0 <= x.shape[2] < ROWS:
        raise ConfigError(f"the feature map has {x.shape[2]} rows, {ROWS} are needed", "images must be 48 pixels high")
    return F.avg_pool2d(x, [ROWS, 2])
