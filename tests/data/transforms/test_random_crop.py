"""RandomCropImgMask cuts image and maps alike, most often where text is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppocr.data.transforms.random_crop import RandomCropImgMask
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

KEYS = ["image", "gt_text", "gt_kernels", "mask"]


def sample(height: int = 100, width: int = 150, text: tuple[slice, slice] | None = None) -> dict[str, Any]:
    number = np.arange(height * width).reshape(height, width)
    mask = np.zeros((height, width), np.float32)
    if text is not None:
        mask[text] = 1
    return {
        "image": np.stack([number] * 3, axis=-1),
        "gt_text": mask,
        "gt_kernels": np.stack([number] * 6),
        "mask": number,
    }


def crop(source: dict[str, Any], seed: int, size: tuple[int, int] = (40, 50), **more: Any) -> dict[str, Any]:
    transform = RandomCropImgMask(size, main_key="gt_text", crop_keys=KEYS, **more)
    return transform(dict(source), np.random.default_rng(seed))


def test_all_keys_are_cut_at_the_same_place() -> None:
    found = crop(sample(), 1)
    assert found["image"].shape == (40, 50, 3)
    assert found["gt_text"].shape == found["mask"].shape == (40, 50)
    assert found["gt_kernels"].shape == (6, 40, 50)
    assert np.array_equal(found["image"][..., 0], found["mask"])
    assert np.array_equal(found["gt_kernels"][5], found["mask"])


def test_free_parts_begin_anywhere() -> None:
    tops, lefts = np.array([divmod(int(crop(sample(), seed)["mask"][0, 0]), 150) for seed in range(600)]).T
    assert (tops.min(), tops.max(), lefts.min(), lefts.max()) == (0, 60, 0, 100)
    assert abs(tops.mean() - 30) < 3 and abs(lefts.mean() - 50) < 4


def test_text_shows_more_often_than_by_chance() -> None:
    text = (slice(90, 95), slice(140, 149))
    shown = [crop(sample(text=text), seed)["gt_text"].max() > 0 for seed in range(300)]
    never = [crop(sample(text=text), seed, p=1.0)["gt_text"].max() > 0 for seed in range(300)]
    assert np.mean(shown) > np.mean(never) + 0.05


def test_of_text_in_the_corner_the_part_begins_between_the_two_bounds() -> None:
    text = (slice(70, 90), slice(100, 140))
    places = np.array([divmod(int(crop(sample(text=text), s, p=0.0)["mask"][0, 0]), 150) for s in range(300)])
    assert places.min(axis=0).tolist() == [30, 50] and places.max(axis=0).tolist() == [49, 89]


def test_an_image_of_the_size_is_left_alone_and_a_smaller_one_filled_up() -> None:
    same = sample(40, 50)
    assert crop(same, 0)["mask"] is same["mask"]
    small = crop(sample(30, 70), 3)
    assert small["image"].shape == (40, 50, 3) and small["image"][30:].max() == 0
    assert small["gt_kernels"].shape == (6, 40, 50)


CROP = {"name": "RandomCropImgMask", "size": [4, 4], "main_key": "gt_text", "crop_keys": KEYS}


@pytest.mark.parametrize("size", [[640], [0, 4], ["a", 3]])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(ConfigError, match="RandomCropImgMask.size"):
        TRANSFORMS.build({**CROP, "size": size})


def test_p_is_a_probability() -> None:
    with pytest.raises(ConfigError, match="RandomCropImgMask.p"):
        TRANSFORMS.build({**CROP, "p": -1})
