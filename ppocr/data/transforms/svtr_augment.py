"""The strong perturbations that SVTR is trained with: geometry, deterioration and colour, each now and then.

Amounts are those of the incumbent; those of the deterioration are drawn anew for every image, where it draws them once
a process. Angles and factors crowd around their middle, noise and blur at their low end.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from ppocr.config.ranges import Probability
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.data.transforms.color_jitter import ColorJitter
from ppocr.data.transforms.rec_augment import shrunk
from ppocr.registry import TRANSFORMS

DEGREES = 45  # of a rotation
SCALES = (0.5, 2.0)  # of an affine change
SHEARS = (45, 15)  # degrees, across and down
DISTORTION = 0.5  # of a perspective, as a share of half a side
NOISE_VARIANCE, BLUR_LENGTH, PYRAMID_LEVELS = 20, 6, 4
PYRAMID_SIZE = (512, 128)  # width and height an image has before it is halved several times
LARGEST = 4  # times the input's sides: more comes only of extreme shears


@TRANSFORMS.register()
class SVTRRecAug(Transform):
    """Turn, shear or tilt; add noise, blur and coarsen; change the colours: each of the three with its probability.

    Args:
        aug_type: 0 for one of rotation, affine change and perspective; 1 for one to three of them in random order.
        geometry_p: share of the images whose geometry is changed.
        deterioration_p: share that gets noise, motion blur and a loss of resolution, in random order.
        colorjitter_p: share whose brightness, contrast, saturation and hue are changed.
    """

    random = True
    training_only = True

    def __init__(
        self,
        aug_type: Literal[0, 1] = 0,
        geometry_p: Probability = 0.5,
        deterioration_p: Probability = 0.25,
        colorjitter_p: Probability = 0.25,
    ) -> None:
        self.aug_type = aug_type
        self.geometry_p, self.deterioration_p = geometry_p, deterioration_p
        self._jitter = ColorJitter(brightness=0.5, contrast=0.5, saturation=0.5, hue=0.1, p=colorjitter_p)
        self._target: tuple[int, int] | None = None

    def compiled(self, context: Context) -> Transform:
        """Return the variant for the size the line is going to have, and the order of its channels."""
        return self.with_changes(_target=context.target_size, _jitter=self._jitter.compiled(context))

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Perturb `sample["image"]`, uint8 [H, W, 3]; the array itself is left as it is."""
        assert rng is not None  # a pipeline with a random transform always draws
        geometry, deterioration = rng.random(2)
        image = sample["image"]
        if geometry < self.geometry_p or deterioration < self.deterioration_p:
            image = shrunk(image, sample.get("size", self._target))
        if geometry < self.geometry_p:
            image = self._reshape(image, rng)
        if deterioration < self.deterioration_p:
            for which in rng.permutation(len(DETERIORATIONS)):
                image = DETERIORATIONS[which](image, rng)
        sample["image"] = image
        return self._jitter(sample, rng)

    def _reshape(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        count = rng.integers(1, 4) if self.aug_type else 1
        matrix = np.eye(3)
        size = image.shape[1], image.shape[0]
        for which in rng.permutation(len(GEOMETRIES))[:count]:
            step, size = GEOMETRIES[which](size, rng)
            matrix = step @ matrix
        return warped(image, matrix, size)


Size = tuple[int, int]


def rotation(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, Size]:
    """Return a map of pixels, [3, 3], that turns an image of (width, height), and the size it needs then."""
    return _fitted(_turned(size, symmetric(rng, DEGREES)), size)


def affine(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, Size]:
    """Return a map that turns, scales and shears, and the size it needs."""
    factor = rng.uniform(*SCALES)
    across, down = (math.tan(math.radians(symmetric(rng, most))) for most in SHEARS)
    sheared = np.array([[factor, factor * across, 0], [factor * down, factor, 0], [0, 0, 1]])
    return _fitted(sheared @ _turned(size, symmetric(rng, DEGREES)), size)


def perspective(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, Size]:
    """Return a map that moves each corner inwards, and the size of what is left."""
    corners = _corners(size)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    moves = np.floor(rng.beta(1, 4, (4, 2)) * DISTORTION * np.array(size) / 2)
    moved = (corners + inwards * moves).astype(np.float32)
    return _fitted(cv2.getPerspectiveTransform(corners.astype(np.float32), moved), size)


def warped(image: np.ndarray, matrix: np.ndarray, size: Size) -> np.ndarray:
    """Return an image, uint8 [H, W, C], mapped by `matrix` to (width, height), its border repeated; resampled once."""
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image, uint8, with Gaussian noise of a variance up to NOISE_VARIANCE."""
    deviation = math.sqrt(max(1, int(rng.beta(1, 4) * NOISE_VARIANCE)))
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(deviation)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image, uint8, smeared over up to BLUR_LENGTH pixels in any direction."""
    length, angle = max(1, int(rng.beta(1, 4) * BLUR_LENGTH)), rng.uniform(-90, 90)
    if length == 1:
        return image
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), angle, 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return cv2.filter2D(image, -1, kernel / float(kernel.sum()))


def coarsen(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image, uint8, that has lost what halving PYRAMID_SIZE up to PYRAMID_LEVELS times loses."""
    levels = round(rng.uniform(0, PYRAMID_LEVELS))
    if levels == 0:
        return image
    small = cv2.resize(image, PYRAMID_SIZE)
    for _ in range(levels):
        small = cv2.pyrDown(small)
    return cv2.resize(small, image.shape[1::-1])


def symmetric(rng: np.random.Generator, most: float) -> float:
    """Return a number in [-most, most], rarely near the ends."""
    return (rng.beta(4, 4) - 0.5) * 2 * most


def _corners(size: Size) -> np.ndarray:
    width, height = size
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)


def _turned(size: Size, degrees: float) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
    return np.vstack([turn, [0, 0, 1]])


def _fitted(matrix: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
    """Return a map followed by the shift that brings its result to the origin, and the size of that result."""
    corners = cv2.perspectiveTransform(_corners(size)[None], matrix)[0]
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = (int(min(max(1, span + 1), LARGEST * max(size))) for span in high - low)
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    return shift @ matrix, (width, height)


GEOMETRIES = (rotation, affine, perspective)
DETERIORATIONS = (add_noise, blur, coarsen)
