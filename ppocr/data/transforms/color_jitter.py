"""Random changes of brightness, contrast, saturation and hue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ppocr.config.ranges import NonNegative, Probability
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

_LEVELS = np.arange(256, dtype=np.float32)
_GREY = np.array([0.114, 0.587, 0.299])  # what blue, green and red count in grey: ITU-R BT.601


@TRANSFORMS.register()
class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue by random amounts, in random order.

    Each factor is drawn from [1 - value, 1 + value], not below 0, or from the two numbers given; 1 changes nothing.
    Contrast spreads the levels around the image's mean grey, saturation the colours around their own grey.

    Args:
        brightness: a number, or the lowest and highest factor.
        contrast: the same.
        saturation: the same.
        hue: shift as a share of the colour circle, at most 0.5: drawn from [-value, value] or from the two numbers.
        p: how often anything is changed.
    """

    random = True
    training_only = True

    def __init__(
        self,
        brightness: NonNegative | Sequence[NonNegative] = 0,
        contrast: NonNegative | Sequence[NonNegative] = 0,
        saturation: NonNegative | Sequence[NonNegative] = 0,
        hue: float | Sequence[float] = 0,
        p: Probability = 1.0,
    ) -> None:
        ranges = [
            _range(brightness, "brightness"),
            _range(contrast, "contrast"),
            _range(saturation, "saturation"),
            _range(hue, "hue", centre=0.0, low=-0.5, high=0.5),
        ]
        self._low, self._high = np.array(ranges).T
        self._neutral = [low == high == centre for (low, high), centre in zip(ranges, (1, 1, 1, 0))]
        self.p = p
        self._from_blue = True

    def compiled(self, context: Context) -> Transform:
        """Return the variant for the order of channels there is."""
        mode = next((t.img_mode for t in context.before if hasattr(t, "img_mode")), "BGR")
        return self.with_changes(_from_blue=mode != "RGB")

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Change `image`, uint8 [H, W, 3]; the array itself is left as it is."""
        assert rng is not None
        draws = rng.random(5)
        order = rng.permutation(4)
        if draws[4] >= self.p:
            return sample
        amounts = self._low + draws[:4] * (self._high - self._low)
        changes = (brighten, self._contrast, self._saturate, self._turn)
        for which in order:
            if not self._neutral[which]:
                sample["image"] = changes[which](sample["image"], float(amounts[which]))
        return sample

    def _contrast(self, image: np.ndarray, factor: float) -> np.ndarray:
        weights = _GREY if self._from_blue else _GREY[::-1]
        grey = round(float(np.dot(cv2.mean(image)[:3], weights)))
        return _by_table(image, grey + np.float32(factor) * (_LEVELS - grey))

    def _saturate(self, image: np.ndarray, factor: float) -> np.ndarray:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY if self._from_blue else cv2.COLOR_RGB2GRAY)
        return cv2.addWeighted(image, factor, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), 1 - factor, 0)

    def _turn(self, image: np.ndarray, share: float) -> np.ndarray:
        there, back = (
            (cv2.COLOR_BGR2HSV_FULL, cv2.COLOR_HSV2BGR_FULL)
            if self._from_blue
            else (cv2.COLOR_RGB2HSV_FULL, cv2.COLOR_HSV2RGB_FULL)
        )
        hsv = cv2.cvtColor(image, there)
        hue = cv2.extractChannel(hsv, 0) + np.uint8(round(share * 256) % 256)  # the circle closes at 256
        cv2.insertChannel(hue, hsv, 0)
        return cv2.cvtColor(hsv, back)


def brighten(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image, uint8, with all levels multiplied."""
    return _by_table(image, _LEVELS * np.float32(factor))


def _by_table(image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _range(
    value: Any, name: str, centre: float = 1.0, low: float = 0.0, high: float = float("inf")
) -> tuple[float, float]:
    """Return the least and largest amount that a YAML value stands for."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and 0 <= value <= high:
        return max(low, centre - value), centre + value
    if isinstance(value, (list, tuple)) and len(value) == 2 and low <= value[0] <= value[1] <= high:
        return float(value[0]), float(value[1])
    bounds = f"{low:g} and {high:g}" if high < float("inf") else f"{low:g} and any number"
    raise ConfigError(
        f"ColorJitter.{name}: {value!r} is neither a number from 0 on nor two between {bounds}", "such as 0.5"
    )
