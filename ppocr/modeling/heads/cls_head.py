"""The classifier of a whole image."""

from __future__ import annotations

import math
from typing import Annotated

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from pydantic import Field

from ppocr.declarations import Filled
from ppocr.modeling.heads.base import Head
from ppocr.registry import HEADS


@HEADS.register("ClsHead", scope="cls")
class ClsHead(Head):
    """Logits of an image's classes from the means of its feature maps.

    Args:
        in_channels: channels of the features.
        class_dim: classes.

    Attributes:
        classes: `class_dim`; the post-processing must have as many labels.
    """

    outputs = ("cls",)

    def __init__(self, in_channels: Filled[int], class_dim: Annotated[int, Field(ge=2)]) -> None:
        super().__init__()
        self.classes = class_dim
        self.pool = nn.AdaptiveAvgPool2D(1)
        bound = 1.0 / math.sqrt(in_channels)
        # upstream: the bias is left to the layer's own initial value, 0
        weight = ParamAttr(initializer=nn.initializer.Uniform(-bound, bound))
        self.fc = nn.Linear(in_channels, class_dim, weight_attr=weight)

    def forward(self, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """Return `cls` [B, class_dim]: logits in training, probabilities in evaluation.

        Args:
            x: features, float32 [B, in_channels, H, W].
        """
        logits = self.fc(self.pool(x).flatten(1))
        return {"cls": logits if self.training else F.softmax(logits, axis=1)}
