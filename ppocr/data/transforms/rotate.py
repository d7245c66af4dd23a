"""Self-supervised training by rotation: the four directions of an image as classes."""

from __future__ import annotations

import cv2
import numpy as np

from ppocr.config.ranges import Side
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.rec_resize import RecResizeImg, deployed_view, fitted
from ppocr.registry import TRANSFORMS

_TURNS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


@TRANSFORMS.register()
class SSLRotateResize(Transform):
    """Make four images of one, turned by 0, 90, 180 and 270 degrees clockwise and then resized, with these as classes.

    Args:
        image_shape: (C, H, W) of each.
        padding: keep their proportions, and pad with zeros; else they are stretched.
        select_all: False for 0 and 180 degrees only, which are classes 0 and 1.
    """

    needs = ("image",)
    provides = ("image", "label")
    joined = ("image", "label", "text")
    collate_fn = "SSLRotateCollate"
    ignored_keys = ("mode",)  # upstream: "test" leaves the turned images out; prediction does so here by itself

    def __init__(self, image_shape: tuple[Side, Side, Side], padding: bool = False, select_all: bool = True) -> None:
        channels, height, width = (int(n) for n in image_shape)
        self.image_shape = channels, height, width
        self.padding = padding
        self.turns = _TURNS if select_all else _TURNS[::2]

    def target_size(self) -> tuple[int, int]:
        """Return (height, width) of the result."""
        return self.image_shape[1:]

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `image` (uint8 [h, w, 3]) by float32 [N, C, H, W], and `label` and `text` by the class of each."""
        image = sample["image"]
        turned = [image if turn is None else cv2.rotate(image, turn) for turn in self.turns]
        sample["image"] = np.stack([fitted(view, self.image_shape, padding=self.padding)[0] for view in turned])
        sample["label"] = np.arange(len(turned), dtype=np.int64)
        sample["text"] = list(range(len(turned)))
        return sample

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (C, H, W) of each image."""
        return self.image_shape

    def for_inference(self) -> RecResizeImg:
        """Return the resize alone, of the image as it lies."""
        return deployed_view(self.image_shape, {"padding": self.padding})
