"""imgaug's most used changes of grey levels, on OpenCV: parameters mean what they mean there.

Source: the documentation and behaviour of imgaug (https://imgaug.readthedocs.io).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ppocr.data.transforms.augmenter_values import chance, drawn

_LEVELS = np.arange(256, dtype=np.float32)


class _Levels:
    """A change of each grey level on its own: one table, or one for each channel."""

    def __init__(self, value: Any, per_channel: Any, **bounds: Any) -> None:
        self._value = drawn(value, **bounds)
        self._per_channel = chance(per_channel)

    def table(self, value: float) -> np.ndarray:
        """Return what each of the 256 levels becomes, float32."""
        raise TypeError(f"{type(self).__name__} has no table")

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        channels = image.shape[2]
        count = channels if self._per_channel(rng) else 1
        tables = [self.table(self._value(rng)) for _ in range(count)]
        table = np.clip(np.rint(np.stack(tables, axis=-1)), 0, 255).astype(np.uint8)
        return cv2.LUT(image, table.reshape(256, 1, -1) if count > 1 else table.reshape(256))


class Multiply(_Levels):
    """Multiply all levels by a number.

    Args:
        mul: the factor, or a range.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, mul: Any = (0.8, 1.2), per_channel: Any = False) -> None:
        super().__init__(mul, per_channel)

    def table(self, value: float) -> np.ndarray:
        """Return the levels times a factor."""
        return _LEVELS * np.float32(value)


class Add(_Levels):
    """Add a number to all levels.

    Args:
        value: a whole number, or a range.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, value: Any = (-20, 20), per_channel: Any = False) -> None:
        super().__init__(value, per_channel, discrete=True, low=-255, high=255)

    def table(self, value: float) -> np.ndarray:
        """Return the levels plus a number."""
        return _LEVELS + np.float32(value)


class LinearContrast(_Levels):
    """Spread the levels around 127 by a factor.

    Args:
        alpha: the factor, or a range.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, alpha: Any = (0.6, 1.4), per_channel: Any = False) -> None:
        super().__init__(alpha, per_channel)

    def table(self, value: float) -> np.ndarray:
        """Return the levels spread by a factor."""
        return 127 + np.float32(value) * (_LEVELS - 127)


class GammaContrast(_Levels):
    """Raise the levels, as shares of 255, to a power.

    Args:
        gamma: the exponent, or a range.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, gamma: Any = (0.7, 1.7), per_channel: Any = False) -> None:
        super().__init__(gamma, per_channel, low=0)

    def table(self, value: float) -> np.ndarray:
        """Return the levels raised to a power."""
        return 255 * (_LEVELS / 255) ** np.float32(value)


class GaussianBlur:
    """Blur with a Gaussian.

    Args:
        sigma: its standard deviation in pixels, or a range.
    """

    def __init__(self, sigma: Any = (0.0, 3.0)) -> None:
        self._sigma = drawn(sigma, low=0)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        sigma = self._sigma(rng)
        if sigma < 1e-3:
            return image
        reach = 3.3 if sigma < 3 else 2.9 if sigma < 5 else 2.6
        size = max(int(reach * sigma), 5)
        size += size % 2 == 0
        return cv2.GaussianBlur(image, (size, size), sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT_101)


class AverageBlur:
    """Blur with the mean of a square.

    Args:
        k: its side in pixels, or a range.
    """

    def __init__(self, k: Any = (1, 7)) -> None:
        self._side = drawn(k, discrete=True, low=0)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        side = int(self._side(rng))
        return cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT_101) if side > 1 else image


class MedianBlur:
    """Blur with the median of a square.

    Args:
        k: its side in pixels, odd, or a range, of which even numbers count as the next odd one.
    """

    def __init__(self, k: Any = (1, 7)) -> None:
        self._side = drawn(k, discrete=True, low=1)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        side = int(self._side(rng))
        side += side % 2 == 0
        return cv2.medianBlur(image, side) if side > 1 else image


class AdditiveGaussianNoise:
    """Add normal noise.

    Args:
        loc: its mean in grey levels, or a range.
        scale: its standard deviation in grey levels, or a range.
        per_channel: another noise for each channel: true, false, or a probability.
    """

    def __init__(self, loc: Any = 0, scale: Any = (0, 15), per_channel: Any = False) -> None:
        self._mean, self._deviation = drawn(loc), drawn(scale, low=0)
        self._per_channel = chance(per_channel)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        mean, deviation = self._mean(rng), self._deviation(rng)
        shape = image.shape if self._per_channel(rng) else (*image.shape[:2], 1)
        noise = rng.standard_normal(shape, np.float32)
        noise *= deviation
        noise += mean
        return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


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
