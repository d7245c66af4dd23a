"""Longer text lines out of several short ones."""

from __future__ import annotations

import cv2
import numpy as np

from ppocr.config.ranges import Count, Length, Probability, Side, TextDirection
from ppocr.data.transforms.base import Sample, Transform
from ppocr.registry import TRANSFORMS


@TRANSFORMS.register()
class RecConAug(Transform):
    """Put other lines behind this one, as long as both text and image stay within bounds.

    Args:
        prob: share of the lines that are lengthened.
        image_shape: (H, W, C) of the network's image; a lengthened line is at most so wide at this height.
        max_text_length: most characters of a lengthened line.
        ext_data_num: most lines put behind one.
        text_direction: "rtl" for labels in logical order of a script that runs to the left, whose text then begins
            with the line that is put behind.
    """

    needs = ("image", "label")
    provides = ("image", "label")
    random = True
    training_only = True
    from_global = ("max_text_length", "text_direction")

    def __init__(
        self,
        prob: Probability = 0.5,
        image_shape: tuple[Side, Side, Side] = (32, 320, 3),
        max_text_length: Length = 25,
        ext_data_num: Count = 1,
        text_direction: TextDirection | None = None,
    ) -> None:
        self.prob, self.max_text_length = prob, max_text_length
        self.height, self.widest = int(image_shape[0]), image_shape[1] / image_shape[0]
        self.extra_samples = ext_data_num
        self.leftwards = text_direction == "rtl"

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Lengthen `image` (uint8 [H, W, 3]), `label` and `text` (str); `ext_data`, other samples, is used up."""
        assert rng is not None  # a pipeline with a random transform always draws
        others = sample.pop("ext_data", ())
        if rng.random() >= self.prob:
            return sample
        images, label, ratio = [sample["image"]], sample["label"], _ratio(sample["image"])
        for other in others:
            ratio += _ratio(other["image"])
            if len(label) + len(other["label"]) > self.max_text_length or ratio > self.widest:
                break
            images.append(other["image"])
            label = other["label"] + label if self.leftwards else label + other["label"]
        if len(images) > 1:
            sample["image"] = cv2.hconcat([self._resized(image) for image in images])
            sample["label"] = sample["text"] = label
        return sample

    def _resized(self, image: np.ndarray) -> np.ndarray:
        size = max(1, round(_ratio(image) * self.height)), self.height
        return image if image.shape[1::-1] == size else cv2.resize(image, size)


def _ratio(image: np.ndarray) -> float:
    return image.shape[1] / image.shape[0]
