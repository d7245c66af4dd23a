"""Those of imgaug's changes of grey levels that OpenCV makes more than twice as fast, with the same parameters.

Source: the documentation and behaviour of imgaug (https://imgaug.readthedocs.io).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ppocr.data.transforms.augmenter_values import NotNative, chance, sampler
from ppocr.data.transforms.augmenters_geometric import ORDERS, chosen


class Add:
    """Add a number to all grey levels.

    Args:
        value: the number, or a range; rounded.
        per_channel: sample one for each channel: true, false, or a probability.
    """

    def __init__(self, value: Any = (-20, 20), per_channel: Any = False) -> None:
        self._value, self._per_channel = sampler(value), chance(per_channel)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        count = image.shape[2] if self._per_channel(rng) else 1
        values = np.array([round(self._value(rng)) for _ in range(count)])
        table = np.clip(np.arange(256)[:, None] + values, 0, 255).astype(np.uint8)
        return cv2.LUT(image, table.reshape(256, 1, -1) if count > 1 else table.reshape(256))


class Invert:
    """Turn light into dark with a probability.

    Args:
        p: the probability.
        per_channel: decide for each channel: true, false, or a probability.
    """

    def __init__(self, p: Any = 1, per_channel: Any = False) -> None:
        self._inverted, self._per_channel = chance(p), chance(per_channel)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        channels = image.shape[2]
        if not self._per_channel(rng):
            return 255 - image if self._inverted(rng) else image
        mask = np.array([255 if self._inverted(rng) else 0 for _ in range(channels)], np.uint8)
        return image ^ mask


class Grayscale:
    """Take away colour.

    Args:
        alpha: how much of it, 0 to 1, or a range.
        from_colorspace: "RGB" or "BGR", the order of the channels. imgaug's default stays the default, whatever
            order the images have.
    """

    def __init__(self, alpha: Any = 1, from_colorspace: Any = "RGB") -> None:
        if from_colorspace not in ("RGB", "BGR"):
            raise NotNative(f"{from_colorspace!r} is not RGB or BGR")
        self._alpha = sampler(alpha, low=0, high=1)
        self._code = cv2.COLOR_RGB2GRAY if from_colorspace == "RGB" else cv2.COLOR_BGR2GRAY

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, 3]."""
        alpha = self._alpha(rng)
        if alpha <= 1e-3:
            return image
        grey = cv2.cvtColor(cv2.cvtColor(image, self._code), cv2.COLOR_GRAY2BGR)
        return grey if alpha >= 1 - 1e-3 else cv2.addWeighted(grey, alpha, image, 1 - alpha, 0)


class MotionBlur:
    """Blur along a line.

    Args:
        k: length of the line in pixels, from 3, or a range; even numbers count as the next odd one.
        angle: degrees clockwise from upright, or a range.
        direction: -1 to 1, or a range: which end of the line counts most, 0 being both alike.
        order: of the interpolation that turns the line: 0, 1 or 3.
    """

    def __init__(self, k: Any = (3, 7), angle: Any = (0, 360), direction: Any = (-1.0, 1.0), order: Any = 1) -> None:
        self._side = sampler(k, discrete=True, low=3)
        self._angle, self._direction = sampler(angle), sampler(direction, low=-1, high=1)
        self._interpolation = chosen(order, ORDERS)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        side = int(self._side(rng)) | 1
        angle = self._angle(rng)
        first = (self._direction(rng) + 1) / 2
        line = np.zeros((side, side), np.uint8)
        line[:, side // 2] = np.linspace(first, 1 - first, side) * 255
        middle = (side - 1) / 2
        turn = cv2.getRotationMatrix2D((middle, middle), -angle, 1)
        kernel = cv2.warpAffine(line, turn, (side, side), flags=self._interpolation).astype(np.float32)
        return cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1.0))
