"""RandAugment's operations do what Pillow's of the same amounts do, and are a function of the random numbers."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from ppocr.data.transforms import rand_augment as ours
from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.cls import ClsResizeImg
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from tests.conformance import synth

FILL = (128.0, 128.0, 128.0)
LINE = cv2.GaussianBlur(synth("synth_40x160") // 2 + 40, (9, 9), 0)


def affine(picture: Image.Image, *numbers: float, smooth: bool = False) -> Image.Image:
    way = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return picture.transform(picture.size, Image.Transform.AFFINE, numbers, way, fillcolor=(128, 128, 128))


def turned(picture: Image.Image, degrees: float) -> Image.Image:
    lying = picture.convert("RGBA").rotate(degrees)
    return Image.composite(lying, Image.new("RGBA", lying.size, (128,) * 4), lying).convert("RGB")


# The operation, an amount, Pillow's way, and the mean difference in grey levels that resampling explains.
CASES: dict[str, tuple[float, Callable[[Image.Image, float], Image.Image], float]] = {
    "shear_x": (0.15, lambda p, a: affine(p, 1, a, 0, 0, 1, 0, smooth=True), 1.0),
    "shear_y": (0.15, lambda p, a: affine(p, 1, 0, 0, a, 1, 0, smooth=True), 1.0),
    "translate_x": (0.227, lambda p, a: affine(p, 1, 0, a * p.size[0], 0, 1, 0), 0.0),
    "translate_y": (0.227, lambda p, a: affine(p, 1, 0, 0, 0, 1, a * p.size[1]), 0.0),
    "rotate": (15, lambda p, a: turned(p, abs(a)), 2.0),
    "color": (0.45, lambda p, a: ImageEnhance.Color(p).enhance(1 + a), 1.0),
    "posterize": (2, lambda p, a: ImageOps.posterize(p, int(abs(a))), 0.0),
    "solarize": (128, lambda p, a: ImageOps.solarize(p, abs(a)), 0.0),
    "contrast": (0.45, lambda p, a: ImageEnhance.Contrast(p).enhance(1 + a), 0.5),
    "sharpness": (0.45, lambda p, a: ImageEnhance.Sharpness(p).enhance(1 + a), 0.6),
    "brightness": (0.45, lambda p, a: ImageEnhance.Brightness(p).enhance(1 + a), 0.1),
    "autocontrast": (0, lambda p, a: ImageOps.autocontrast(p), 0.6),
    "equalize": (0, lambda p, a: ImageOps.equalize(p), 3.0),
    "invert": (0, lambda p, a: ImageOps.invert(p), 0.0),
}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", CASES)
def test_operation_is_that_of_pillow(name: str, sign: int) -> None:
    amount, pillow, bound = CASES[name]
    image = LINE.copy()
    found = getattr(ours, name)(image, sign * amount, FILL)
    assert found.shape == LINE.shape and found.dtype == np.uint8
    assert np.array_equal(image, LINE), "the image given is left as it is"
    expected = np.asarray(pillow(Image.fromarray(LINE[:, :, ::-1].copy()), sign * amount))[:, :, ::-1]
    assert np.abs(found.astype(int) - expected).mean() <= bound
    grey = getattr(ours, name)(LINE[:, :, 0].copy(), sign * amount, FILL)
    assert grey.shape == LINE.shape[:2]


def test_amounts_follow_the_magnitude() -> None:
    amounts = {operate.__name__: amount for operate, amount in ours.operations(0.5)}
    assert set(amounts) == set(CASES)
    assert amounts["shear_x"] == pytest.approx(0.15) and amounts["translate_y"] == pytest.approx(75 / 331)
    assert amounts["rotate"] == 15 and amounts["posterize"] == 2 and amounts["solarize"] == 128


def test_the_same_numbers_give_the_same_pixels() -> None:
    pipeline = Pipeline([ours.RandAugment(prob=1), ClsResizeImg([3, 48, 192])])
    large = cv2.resize(LINE, (640, 160))

    def run(seed: int) -> list[np.ndarray]:
        return [pipeline({"image": large}, np.random.default_rng([seed, i]))["image"] for i in range(12)]

    first, again, other = run(1), run(1), run(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert sum(np.array_equal(a, b) for a, b in zip(first, other)) < 3


def test_probability_is_honoured_and_evaluation_left_alone() -> None:
    augment = ours.RandAugment(prob=0.3)
    changed = sum(augment({"image": LINE}, np.random.default_rng(i))["image"] is not LINE for i in range(500))
    assert abs(changed - 150) < 45
    assert augment.random and augment.for_evaluation() is None and augment.for_inference() is None


@pytest.mark.parametrize("wrong", [{"prob": 1.5}, {"magnitude": 11}, {"num_layers": 0}, {"fillcolor": [1]}])
def test_wrong_values_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TRANSFORMS.build({"name": "RandAugment", **wrong})
