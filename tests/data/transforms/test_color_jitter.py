"""ColorJitter: each change alone is what it should be, amounts spread over their ranges, inputs stay as they are."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.color_jitter import ColorJitter
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS


def image() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def changed(seed: int = 0, pixels: np.ndarray | None = None, **options: Any) -> np.ndarray:
    sample = {"image": image() if pixels is None else pixels}
    return ColorJitter(**options)(sample, np.random.default_rng(seed))["image"]


def grey_of(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.114, 0.587, 0.299])


def test_one_change_at_a_time() -> None:
    source = image().astype(float)
    assert np.abs(changed(brightness=[1.2, 1.2]) - np.clip(source * 1.2, 0, 255)).max() <= 1
    mean = grey_of(source).mean()
    expected = np.clip(mean + 0.5 * (source - mean), 0, 255)
    assert np.abs(changed(contrast=[0.5, 0.5]) - expected).max() <= 1
    grey = grey_of(source)[..., None]
    assert np.abs(changed(saturation=[0.3, 0.3]) - (0.3 * source + 0.7 * grey)).max() <= 2
    assert np.abs(changed(saturation=[0, 0]) - grey).max() <= 1


def test_hue_turns_red_into_green_and_back() -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 200
    green = changed(hue=[1 / 3, 1 / 3], pixels=red)
    assert green[0, 0, 1] == 200 and green[0, 0, [0, 2]].max() <= 5
    assert np.abs(changed(hue=[-1 / 3, -1 / 3], pixels=green).astype(int) - red).max() <= 6


def test_channel_order_follows_the_decoder() -> None:
    pixels = cv2.imencode(".png", image())[1].tobytes()
    spec = [{"ColorJitter": {"saturation": [0, 0]}}]
    outputs = []
    for mode in ("BGR", "RGB"):
        pipeline = Pipeline.from_config([{"DecodeImage": {"img_mode": mode}}, *spec], {})
        outputs.append(pipeline({"image": pixels}, np.random.default_rng(0))["image"])
    assert np.abs(outputs[0].astype(int) - outputs[1]).max() <= 1


def test_factors_fill_their_ranges_and_the_input_is_left_alone() -> None:
    flat = np.full((8, 8, 3), 100, np.uint8)
    levels = np.array([changed(seed, flat, brightness=0.5)[0, 0, 0] for seed in range(400)])
    assert levels.min() < 54 and levels.max() > 146 and abs(np.quantile(levels, 0.25) - 75) < 6
    assert (flat == 100).all()
    assert {bool((changed(seed, flat, brightness=[0, 0], p=0.5) == 0).all()) for seed in range(20)} == {True, False}


def test_nothing_asked_nothing_changed() -> None:
    assert np.array_equal(changed(), image())


def test_same_numbers_same_pixels() -> None:
    options = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.1}
    assert np.array_equal(changed(5, **options), changed(5, **options))
    assert not np.array_equal(changed(5, **options), changed(6, **options))


@pytest.mark.parametrize("options", [{"brightness": -1}, {"hue": 0.7}, {"contrast": [2, 1]}, {"saturation": "x"}])
def test_impossible_amounts_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"ColorJitter.{next(iter(options))}"):
        ColorJitter(**options)


def test_p_is_a_probability() -> None:
    with pytest.raises(ConfigError, match="ColorJitter.p"):
        TRANSFORMS.build({"name": "ColorJitter", "p": 2})
