"""RandAugment: a few operations drawn from fourteen, all of one strength (https://arxiv.org/abs/1909.13719).

Amounts are those of the incumbent, whose Pillow calls these OpenCV ones follow; an image larger than the network's
input is shrunk to it first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from ppocr.config.ranges import ByteScale, Count, Probability
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.data.transforms.rec_augment import shrunk
from ppocr.registry import TRANSFORMS

LEVELS = 10  # the largest magnitude
_VALUES = np.arange(256)
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13

Color = tuple[float, float, float]


@TRANSFORMS.register()
class RandAugment(Transform):
    """Shear, shift, turn, recolour, sharpen or otherwise change an image.

    Args:
        prob: share of the images that are changed at all.
        num_layers: operations one image goes through.
        magnitude: how strong they are, 0 to 10.
        fillcolor: what comes into view, in the order of the image's channels.
    """

    random = True
    training_only = True

    def __init__(
        self,
        prob: Probability = 0.5,
        num_layers: Count = 2,
        magnitude: Annotated[float, Field(ge=0, le=LEVELS)] = 5,
        fillcolor: tuple[ByteScale, ByteScale, ByteScale] = (128, 128, 128),
    ) -> None:
        self.prob, self.num_layers = prob, num_layers
        self.fillcolor: Color = (float(fillcolor[0]), float(fillcolor[1]), float(fillcolor[2]))
        self.operations = operations(magnitude / LEVELS)
        self._target: tuple[int, int] | None = None

    def compiled(self, context: Context) -> Transform:
        """Return the variant for the size the image is going to have."""
        return self.with_changes(_target=context.target_size)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Change `sample["image"]`, uint8 [H, W, 3] or [H, W]; the array itself is left as it is."""
        assert rng is not None  # a pipeline with a random transform always draws
        chance, *draws = rng.random(1 + 2 * self.num_layers).tolist()
        if chance >= self.prob:
            return sample
        image = shrunk(sample["image"], sample.get("size", self._target))
        for pick, side in zip(draws[::2], draws[1::2]):
            operate, amount = self.operations[int(pick * len(self.operations))]
            image = operate(image, amount if side < 0.5 else -amount, self.fillcolor)
        sample["image"] = image
        return sample


Operation = Callable[[np.ndarray, float, Color], np.ndarray]


def operations(level: float) -> list[tuple[Operation, float]]:
    """Return the operations with their amounts.

    Args:
        level: strength, 0 to 1.
    """
    return [
        (shear_x, 0.3 * level),
        (shear_y, 0.3 * level),
        (translate_x, 150 / 331 * level),
        (translate_y, 150 / 331 * level),
        (rotate, 30 * level),
        (color, 0.9 * level),
        (posterize, int(4 * level)),
        (solarize, 256 * level),
        (contrast, 0.9 * level),
        (sharpness, 0.9 * level),
        (brightness, 0.9 * level),
        (autocontrast, 0),
        (equalize, 0),
        (invert, 0),
    ]


# Each takes an image (uint8 [H, W, 3] or [H, W]), an amount of either sign, and the colour of what comes into view.


def shear_x(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with each row shifted by `amount` of its distance from the top."""
    return _warped(image, [[1, amount, amount / 2], [0, 1, 0]], fill)


def shear_y(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with each column shifted by `amount` of its distance from the left."""
    return _warped(image, [[1, 0, 0], [amount, 1, amount / 2]], fill)


def translate_x(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image moved to the left by `amount` of its width, in whole pixels."""
    return _moved(image, math.floor(amount * image.shape[1] + 0.5), 0, fill)


def translate_y(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image moved upwards by `amount` of its height, in whole pixels."""
    return _moved(image, 0, math.floor(amount * image.shape[0] + 0.5), fill)


def rotate(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image turned counter-clockwise by so many degrees, whatever their sign, about its middle.

    upstream: never clockwise.
    """
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), abs(amount), 1.0)
    return cv2.warpAffine(image, matrix, (width, height), borderValue=fill)


def color(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with its colours, as against its greys, made stronger by `amount`."""
    if image.ndim == 2:
        return image
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, 1 + amount, gray, -amount, 0)


def posterize(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with only the upper `abs(amount)` bits of each value.

    upstream: without any, at magnitudes below 2.5, the image is black; here one bit is left.
    """
    return cv2.bitwise_and(image, np.full_like(image, 256 - (1 << (8 - max(1, abs(int(amount)))))))


def solarize(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with the values from `abs(amount)` on inverted."""
    return cv2.LUT(image, np.where(abs(amount) > _VALUES, _VALUES, 255 - _VALUES).astype(np.uint8))


def contrast(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with its values' distances from the mean grey made larger by `amount`."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    mean = math.floor(cv2.mean(gray)[0] + 0.5)
    return _looked_up(image, mean + (_VALUES - mean) * (1 + amount))


def sharpness(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with its difference from a smoothed one made larger by `amount`."""
    smooth = cv2.filter2D(image, -1, _SMOOTH, borderType=cv2.BORDER_REPLICATE)
    return cv2.addWeighted(image, 1 + amount, smooth, -amount, 0)


def brightness(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with its values made larger by `amount`."""
    return _looked_up(image, _VALUES * (1 + amount))


def autocontrast(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with each channel stretched to all values."""
    planes = []
    for plane in cv2.split(image):
        low, high, _, _ = cv2.minMaxLoc(plane)
        planes.append(_looked_up(plane, (_VALUES - low) * (255 / (high - low))) if high > low else plane)
    return planes[0] if image.ndim == 2 else cv2.merge(planes)


def equalize(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the image with the values of each channel spread evenly."""
    planes = [cv2.equalizeHist(plane) for plane in cv2.split(image)]
    return planes[0] if image.ndim == 2 else cv2.merge(planes)


def invert(image: np.ndarray, amount: float, fill: Color) -> np.ndarray:
    """Return the negative."""
    return cv2.bitwise_not(image)


def _looked_up(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    return cv2.LUT(image, np.clip(values, 0, 255).astype(np.uint8))


def _warped(image: np.ndarray, matrix: Sequence[Sequence[float]], fill: Color) -> np.ndarray:
    """Return the image whose pixel (x, y) is the given one's at matrix (x, y, 1)."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, np.array(matrix, np.float64), image.shape[1::-1], flags=flags, borderValue=fill)


def _moved(image: np.ndarray, left: int, up: int, fill: Color) -> np.ndarray:
    height, width = image.shape[:2]
    kept = image[max(up, 0) : height + min(up, 0), max(left, 0) : width + min(left, 0)]
    sides = max(-up, 0), max(up, 0), max(-left, 0), max(left, 0)
    return cv2.copyMakeBorder(kept, *sides, cv2.BORDER_CONSTANT, value=fill)
