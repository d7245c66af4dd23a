"""A detector of a user's own: one map of where text is, its targets, and boxes around its connected components."""

import cv2
import numpy as np
import paddle.nn.functional as F
from paddle import nn

from ppocr.arguments import Argument
from ppocr.declarations import Filled
from ppocr.registry import HEADS, LOSSES, POSTPROCESSES, TRANSFORMS
from ppocr.results import Detection

STRIDE = 4  # of the first features of the backbone


@TRANSFORMS.register()
class MakeTextMap:
    needs = ("image", "polys", "ignore_tags")
    provides = ("text_map", "text_mask")

    def __init__(self, margin: int = 0) -> None:
        self.margin = margin

    def __call__(self, sample, rng=None):
        size = sample["image"].shape[:2]
        sample["text_map"], sample["text_mask"] = np.zeros(size, np.float32), np.ones(size, np.float32)
        for polygon, ignored in zip(sample["polys"], sample["ignore_tags"]):
            target, value = (sample["text_mask"], 0) if ignored else (sample["text_map"], 1)
            left, top = polygon.min(axis=0).astype(int) + self.margin
            right, bottom = polygon.max(axis=0).astype(int) - self.margin
            cv2.rectangle(target, (int(left), int(top)), (int(right), int(bottom)), value, -1)
        return sample


@HEADS.register()
class TextMapHead(nn.Layer):
    outputs = ("text_map",)
    size_multiple = 32

    def __init__(self, in_channels: Filled[list], width: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv2D(in_channels[0], width, 3, padding=1)
        self.enlarge = nn.Conv2DTranspose(width, 1, STRIDE, STRIDE)

    def forward(self, x):
        return {"text_map": F.sigmoid(self.enlarge(F.relu(self.conv(x[0]))))}


@LOSSES.register()
class TextMapLoss(nn.Layer):
    requires = ("text_map",)
    needs = ("text_map", "text_mask")

    def forward(self, preds, batch):
        found, mask = preds["text_map"][:, 0], batch["text_mask"]
        losses = F.binary_cross_entropy(found, batch["text_map"], reduction="none")
        return {"loss": (losses * mask).sum() / mask.sum()}


@POSTPROCESSES.register()
class TextMapBoxes:
    requires = ("text_map",)
    needs = ("shape",)
    result = Detection
    dimensions = (4,)
    arguments = (Argument("text_map_thresh", "thresh", "probability from which a pixel is text", float),)

    def __init__(self, thresh: float = 0.5, least_area: int = 4) -> None:
        self.thresh = thresh
        self.least_area = least_area

    def inference_config(self):
        return {"thresh": self.thresh, "least_area": self.least_area}

    def __call__(self, preds, batch=None):
        return [self._boxes(page[0], shape) for page, shape in zip(preds["text_map"], batch["shape"])]

    def _boxes(self, page, shape):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((page > self.thresh).astype(np.uint8))
        points, scores = [], []
        for number, (left, top, width, height, area) in enumerate(stats):
            if number and area >= self.least_area:
                corners = np.array(
                    [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
                )
                points.append((corners / np.asarray(shape)[[3, 2]]).round().astype(np.int64))
                scores.append(page[labels == number].mean())
        return Detection(points, np.array(scores, np.float32), float(page.max()))
