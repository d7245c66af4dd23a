"""imgaug's most used changes of grey levels, on OpenCV: parameters mean what they mean there.

Source: the documentation and behaviour of imgaug (https://imgaug.readthedocs.io).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ppocr.data.transforms.augmenter_values import NotNative, chance, drawn
from ppocr.data.transforms.augmenters_geometric import ORDERS, chosen

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
        value: the number, or a range; rounded.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, value: Any = (-20, 20), per_channel: Any = False) -> None:
        super().__init__(value, per_channel)

    def table(self, value: float) -> np.ndarray:
        """Return the levels plus a number."""
        return _LEVELS + np.float32(round(value))


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
        self._alpha = drawn(alpha, low=0, high=1)
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
        self._side = drawn(k, discrete=True, low=3)
        self._angle, self._direction = drawn(angle), drawn(direction, low=-1, high=1)
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


class JpegCompression:
    """Lose what JPEG loses.

    Args:
        compression: 0, quality 100, to 100, quality 2, or a range.
    """

    def __init__(self, compression: Any = (0, 100)) -> None:
        self._compression = drawn(compression, low=0, high=100)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, 3], whose first channel counts as red, as in imgaug."""
        quality = round(1 + 99 * (1 - int(self._compression(rng)) / 101))
        encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


class _Elementwise:
    """A number for every pixel, drawn from a range."""

    def __init__(self, value: Any, per_channel: Any) -> None:
        drawn(value)  # raises what is to be raised
        self._ends = (min(value), max(value)) if isinstance(value, (list, tuple)) else (value, value)
        self._per_channel = chance(per_channel)

    def _field(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Return the numbers, float32 [H, W, C]."""
        low, high = self._ends
        channels = shape[2] if self._per_channel(rng) else 1
        field = rng.random((*shape[:2], channels), np.float32)
        field *= high - low
        field += low
        return field if channels == shape[2] else np.repeat(field, shape[2], axis=2)


class AddElementwise(_Elementwise):
    """Add another number to every pixel.

    Args:
        value: the number, or a range.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, value: Any = (-20, 20), per_channel: Any = False) -> None:
        super().__init__(value, per_channel)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        return cv2.add(image, self._field(image.shape, rng), dtype=cv2.CV_8U)


class MultiplyElementwise(_Elementwise):
    """Multiply every pixel by another number.

    Args:
        mul: the factor, or a range.
        per_channel: draw one for each channel: true, false, or a probability.
    """

    def __init__(self, mul: Any = (0.8, 1.2), per_channel: Any = False) -> None:
        super().__init__(mul, per_channel)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        return cv2.multiply(image, self._field(image.shape, rng), dtype=cv2.CV_8U)


class Dropout:
    """Make single pixels black.

    Args:
        p: share of the pixels, or a range.
        per_channel: choose the pixels of each channel apart: true, false, or a probability.
    """

    def __init__(self, p: Any = (0.0, 0.05), per_channel: Any = False) -> None:
        self._share, self._per_channel = drawn(p, low=0, high=1), chance(per_channel)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the changed image, uint8 [H, W, C]."""
        share = self._share(rng)
        channels = image.shape[2] if self._per_channel(rng) else 1
        return image * (rng.random((*image.shape[:2], channels), np.float32) >= share)
