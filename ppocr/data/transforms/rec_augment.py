"""Random perturbations of text lines, a pure function of the random numbers passed in.

Every call draws the same number of random numbers, so switching one perturbation off changes nothing else.
A line larger than the recogniser's input is shrunk to it first: what the network sees is perturbed, not pixels
that the resize throws away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np

from ppocr.config.ranges import Probability
from ppocr.data.transforms.base import Context, Sample, Transform
from ppocr.data.transforms.rec_resize import fitted_width
from ppocr.data.transforms.rec_warp import DRAWS as WARP_DRAWS
from ppocr.data.transforms.rec_warp import SEGMENTS, Warp
from ppocr.registry import TRANSFORMS

DEFAULT_PROB = 0.4
SMALLEST_SIDE = 20  # pixels; smaller lines are neither cropped nor warped
MOST_CROPPED = 8  # rows, and at most a sixth of the height
BRIGHTNESS = 0.2  # largest relative change
NOISE_LEVELS = (1.5, 3.0, 6.0)  # standard deviations, in grey levels
_NOISE_SHAPE = (160, 1024, 3)

# Positions in the uniform numbers of one call.
_CHANCES, _CROP, _JITTER, _BLUR, _BRIGHTNESS, _NOISE, _WARP = slice(0, 8), 8, 10, 11, 12, 13, 16


@TRANSFORMS.register()
@dataclass(eq=False)
class BaseDataAugmentation(Transform):
    """Crop, blur, change the brightness of, shift, add noise to and invert a text line, each with its probability.

    Args:
        crop_prob: take 1 to 8 rows off the top or the bottom.
        reverse_prob: invert the colours.
        noise_prob: add Gaussian noise.
        jitter_prob: shift by a pixel or two, the upper left border repeated.
        blur_prob: Gaussian blur of one source pixel.
        hsv_aug_prob: scale the V of HSV, which is to scale all three colours.
    """

    random = True
    training_only = True

    crop_prob: Probability = DEFAULT_PROB
    reverse_prob: Probability = DEFAULT_PROB
    noise_prob: Probability = DEFAULT_PROB
    jitter_prob: Probability = DEFAULT_PROB
    blur_prob: Probability = DEFAULT_PROB
    hsv_aug_prob: Probability = DEFAULT_PROB

    _target: ClassVar[tuple[int, int] | None] = None

    def __post_init__(self) -> None:
        first = [self.crop_prob, self.blur_prob, self.hsv_aug_prob, self.jitter_prob, self.noise_prob]
        self._chances = [*first, self.reverse_prob, 0.0, 0.0]

    def compiled(self, context: Context) -> Transform:
        """Return the variant for the size the image is going to have."""
        return self.with_changes(_target=context.target_size)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Perturb `sample["image"]`, uint8 [H, W, 3] or [H, W]; the array itself is left as it is."""
        assert rng is not None  # a pipeline with a random transform always draws
        draws = rng.random(_WARP + WARP_DRAWS)
        numbers = draws[:_WARP].tolist()
        chosen = [draw < chance for draw, chance in zip(numbers[_CHANCES], self._chances)]
        if any(chosen):
            target = sample.get("size", self._target)
            sample["image"] = self._perturb(sample["image"], target, chosen, numbers, draws[_WARP:])
        return sample

    def _perturb(
        self,
        image: np.ndarray,
        target: tuple[int, int] | None,
        chosen: list[bool],
        numbers: list[float],
        draws: np.ndarray,
    ) -> np.ndarray:
        crop, blur, brightness, jitter, noise, reverse, tia, perspective = chosen
        large = min(image.shape[:2]) >= SMALLEST_SIDE
        if crop and large:
            image = crop_rows(image, *numbers[_CROP : _CROP + 2])
        height = image.shape[0]
        image = shrunk(image, target)
        if (tia or perspective) and large:
            image = warp_line(image, tia, perspective, draws)
        if blur:
            sigma = max(0.5, image.shape[0] / height) * (0.75 + 0.5 * numbers[_BLUR])
            image = cv2.GaussianBlur(image, (5, 5), sigma)
        if brightness:
            image = cv2.convertScaleAbs(image, alpha=1 + BRIGHTNESS * (2 * numbers[_BRIGHTNESS] - 1))
        if jitter:
            image = shift_down_right(image, numbers[_JITTER])
        if noise:
            image = add_noise(image, *numbers[_NOISE : _NOISE + 3])
        if reverse:
            image = cv2.bitwise_not(image)
        return image


@TRANSFORMS.register()
@dataclass(eq=False)
class RecAug(BaseDataAugmentation):
    """All of BaseDataAugmentation, a view from an angle, and the warps of "Learn to Augment" (see rec_warp).

    Args:
        tia_prob: distort, stretch and put into perspective, all three.
        crop_prob, reverse_prob, noise_prob, jitter_prob, blur_prob, hsv_aug_prob: see BaseDataAugmentation.
        perspective_prob: look at the line from a random angle.
        use_tia: False is `tia_prob: 0`, the spelling of older configurations.
        aug_prob: one probability for all, the spelling of older configurations.
    """

    tia_prob: Probability = DEFAULT_PROB
    perspective_prob: Probability = DEFAULT_PROB
    use_tia: bool = True
    aug_prob: Probability | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._chances[6:] = self.tia_prob, self.perspective_prob
        if self.aug_prob is not None:
            self._chances = [self.aug_prob] * len(self._chances)
        if not self.use_tia:
            self._chances[6] = 0.0


def shrunk(image: np.ndarray, target: tuple[int, int] | None) -> np.ndarray:
    """Return the image at its final size if that has fewer pixels, exactly as the recogniser's resize would make it.

    Args:
        image: uint8 [H, W] or [H, W, C].
        target: the recogniser's (height, width); None where it is not known.
    """
    if target is None:
        return image
    height, width = target[0], fitted_width(image.shape, target)
    return cv2.resize(image, (width, height)) if height * width < image.shape[0] * image.shape[1] else image


def crop_rows(image: np.ndarray, amount: float, side: float) -> np.ndarray:
    """Return a view without some rows of the top (`side` < 0.5) or the bottom; both numbers are in [0, 1)."""
    rows = 1 + int(amount * min(MOST_CROPPED, image.shape[0] // 6))
    return image[rows:] if side < 0.5 else image[:-rows]


def shift_down_right(image: np.ndarray, amount: float) -> np.ndarray:
    """Return the image moved by 1 pixel (`amount` 0) to a 32nd of its short side (1), its border repeated."""
    short = min(image.shape[:2])
    by = min(1 + int(amount * short / 32), short - 1)
    return cv2.copyMakeBorder(image[: -by or None, : -by or None], by, 0, by, 0, cv2.BORDER_REPLICATE)


def warp_line(image: np.ndarray, tia: bool, perspective: bool, draws: np.ndarray) -> np.ndarray:
    """Return the line bent (`tia`) and seen from an angle (`perspective`), in one resampling.

    Args:
        image: uint8 [H, W] or [H, W, C].
        draws: WARP_DRAWS uniform numbers in [0, 1).
    """
    warp = Warp(image.shape[:2])
    if perspective:
        warp.turn(draws[:3])
    if tia:
        stretch_from = 7 + SEGMENTS[1]
        warp.distort(draws[stretch_from:])
        warp.stretch(draws[7:stretch_from])
        warp.tilt(draws[3:7])
    return warp.apply(image)


def add_noise(image: np.ndarray, level: float, top: float, left: float) -> np.ndarray:
    """Return the image plus Gaussian noise of one of NOISE_LEVELS, cut from a pool at a random place.

    Args:
        image: uint8 [H, W] or [H, W, C].
        level, top, left: numbers in [0, 1).
    """
    more, less = _noise(int(level * len(NOISE_LEVELS)))
    need = (*image.shape[:2], image.shape[2] if image.ndim == 3 else 1)
    if any(n > have for n, have in zip(need, more.shape)):
        repeats = [-(-n // have) for n, have in zip(need, more.shape)]
        more, less = np.tile(more, repeats), np.tile(less, repeats)
    y, x = int(top * (more.shape[0] - need[0] + 1)), int(left * (more.shape[1] - need[1] + 1))
    window = (slice(y, y + need[0]), slice(x, x + need[1]), slice(0, need[2]) if image.ndim == 3 else 0)
    return cv2.subtract(cv2.add(image, more[window]), less[window])


@lru_cache(maxsize=len(NOISE_LEVELS))
def _noise(level: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what to add and what to subtract, as uint8 arrays: saturating 8-bit sums are the fastest there are."""
    rng = np.random.default_rng(level)
    noise = np.rint(rng.standard_normal(_NOISE_SHAPE, dtype=np.float32) * np.float32(NOISE_LEVELS[level]))
    return np.maximum(noise, 0).astype(np.uint8), np.maximum(-noise, 0).astype(np.uint8)
