"""Random perturbations: a function of the random numbers alone, each with its own probability."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.rec_augment import BaseDataAugmentation, RecAug, add_noise, crop_rows, shift_down_right
from ppocr.data.transforms.rec_resize import RecResizeImg
from ppocr.data.transforms.rec_warp import DRAWS, Warp
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from tests.conformance import synth

OFF = {f"{name}_prob": 0.0 for name in ("tia", "crop", "reverse", "noise", "jitter", "blur", "hsv_aug", "perspective")}
NAMES = sorted(OFF)
LINE = cv2.GaussianBlur(synth("synth_40x160"), (7, 7), 0)


def rng_of(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


def augmented(augment, image: np.ndarray, *numbers: int) -> np.ndarray:
    return augment({"image": image}, rng_of(*numbers))["image"]


def test_the_same_numbers_give_the_same_pixels() -> None:
    pipeline = Pipeline([RecAug(), RecResizeImg([3, 48, 320])])
    assert pipeline.random
    big = cv2.resize(LINE, (400, 100))
    for image in (LINE, big, LINE[:, :, 0].copy()):
        first = [augmented(pipeline, image, 7, 1, index) for index in range(20)]
        again = [augmented(pipeline, image, 7, 1, index) for index in reversed(range(20))][::-1]
        other_epoch = [augmented(pipeline, image, 7, 2, index) for index in range(20)]
        assert all(np.array_equal(a, b) for a, b in zip(first, again))
        assert sum(np.array_equal(a, b) for a, b in zip(first, other_epoch)) < 3
        assert sum(np.array_equal(a, b) for a, b in zip(first, first[1:])) < 3


@pytest.mark.parametrize("name", NAMES)
def test_each_probability_is_honoured(name: str) -> None:
    count, chance = 500, 0.4
    augment = RecAug(**{**OFF, name: chance})
    changed = sum(not np.array_equal(augmented(augment, LINE, 3, i), LINE) for i in range(count))
    assert abs(changed - chance * count) < 4 * np.sqrt(count * chance * (1 - chance))


@pytest.mark.parametrize("name", NAMES)
def test_certain_means_always(name: str) -> None:
    augment = RecAug(**{**OFF, name: 1.0})
    same = sum(np.array_equal(augmented(augment, LINE, 4, i), LINE) for i in range(100))
    assert same <= (2 if name == "hsv_aug_prob" else 0)  # a brightness may be drawn that rounds to nothing


def test_the_default_is_forty_percent_each() -> None:
    assert RecAug()._chances == [0.4] * 8
    assert BaseDataAugmentation()._chances == [0.4] * 6 + [0.0] * 2


def test_zero_is_the_identity_even_with_a_smaller_target() -> None:
    image = cv2.resize(LINE, (640, 160))
    augment = Pipeline([RecAug(**OFF), RecResizeImg([3, 48, 320])]).transforms[0]
    assert augmented(augment, image, 1) is image


def test_the_input_is_left_as_it_is() -> None:
    image = LINE.copy()
    for index in range(50):
        augmented(RecAug(), image, index)
    assert np.array_equal(image, LINE)


def test_the_older_spelling() -> None:
    assert RecAug(use_tia=False, aug_prob=0.1)._chances == [0.1] * 6 + [0.0, 0.1]
    with pytest.raises(ConfigError, match="RecAug.crop_prob: .* at least 0 and at most 1, got a float 1.4"):
        TRANSFORMS.build({"name": "RecAug", "crop_prob": 1.4})


def test_switching_one_off_leaves_the_others_drawn_alike() -> None:
    both = RecAug(**{**OFF, "reverse_prob": 0.5, "crop_prob": 0.5})
    one = RecAug(**{**OFF, "reverse_prob": 0.5})
    dark = np.zeros_like(LINE)
    assert [augmented(both, dark, i).mean() > 128 for i in range(30)] == [
        augmented(one, dark, i).mean() > 128 for i in range(30)
    ]


def test_lines_too_small_are_neither_cropped_nor_warped() -> None:
    augment = RecAug(**{**OFF, "tia_prob": 1.0, "crop_prob": 1.0, "perspective_prob": 1.0})
    for size in ("synth_19x200", "synth_30x19", "synth_1x1"):
        assert np.array_equal(augmented(augment, synth(size), 1), synth(size))
    assert not np.array_equal(augmented(augment, synth("synth_20x20"), 1), synth("synth_20x20"))


@pytest.mark.parametrize("size", ["synth_1x1", "synth_2x300", "synth_300x2", "synth_20x2000", "synth_700x30"])
def test_any_size_passes(size: str) -> None:
    pipeline = Pipeline([RecAug(aug_prob=1.0), RecResizeImg([3, 48, 320])])
    for index in range(5):
        out = augmented(pipeline, synth(size), index)
        assert out.shape == (3, 48, 320) and np.isfinite(out).all()
        assert augmented(RecAug(aug_prob=1.0), synth(size), index).dtype == np.uint8


def test_large_lines_are_shrunk_as_the_resize_would() -> None:
    image = cv2.resize(LINE, (480, 120))
    resize = RecResizeImg([3, 48, 320])
    pipeline = Pipeline([RecAug(**{**OFF, "reverse_prob": 1.0}), resize])
    augment = pipeline.transforms[0]
    expected = resize({"image": image})["image"]
    assert augmented(augment, image, 0).shape == (48, 192, 3)
    assert np.allclose(augmented(pipeline, image, 0)[:, :, :192], -expected[:, :, :192], atol=1e-6)


def test_augmentation_is_left_out_of_evaluation_and_inference() -> None:
    pipeline = Pipeline([RecAug(), BaseDataAugmentation(), RecResizeImg([3, 48, 320])])
    assert len(pipeline.for_evaluation().transforms) == len(pipeline.for_inference().transforms) == 1


def test_crop_takes_one_to_eight_rows() -> None:
    image = np.repeat(np.arange(60, dtype=np.uint8)[:, None], 30, axis=1)
    assert crop_rows(image, 0.0, 0.0)[0, 0] == 1 and crop_rows(image, 0.999, 0.0)[0, 0] == 8
    assert crop_rows(image, 0.999, 0.9)[-1, 0] == 51
    assert crop_rows(image[:20], 0.999, 0.0)[0, 0] == 3


def test_shift_repeats_the_border() -> None:
    out = shift_down_right(LINE, 0.99)
    assert np.array_equal(out[2:, 2:], LINE[:-2, :-2]) and np.array_equal(out[0], out[1])


def test_noise_has_the_strength_it_says_and_fits_any_size() -> None:
    gray = np.full((100, 500, 3), 128, np.uint8)
    for level, sigma in enumerate((1.5, 3.0, 6.0)):
        noisy = add_noise(gray, (level + 0.5) / 3, 0.3, 0.7).astype(int)
        assert noisy.std() == pytest.approx(sigma, rel=0.1) and noisy.mean() == pytest.approx(128, abs=0.1)
    assert add_noise(np.full((200, 3000, 3), 128, np.uint8), 0.5, 0.99, 0.99).std() > 1
    assert add_noise(gray[:, :, 0], 0.5, 0.5, 0.5).shape == (100, 500)


def test_a_warp_without_displacement_is_the_identity() -> None:
    half = np.full(DRAWS, 0.5)
    for size in ((20, 20), (48, 320), (37, 211), (120, 60)):
        image = cv2.resize(LINE, size[::-1])
        plain, undisplaced = Warp(size), Warp(size)
        undisplaced.turn(half[:3])
        undisplaced.tilt(np.zeros(4))
        undisplaced.stretch(half)
        assert np.array_equal(plain.apply(image), image)
        assert np.abs(undisplaced.apply(image).astype(int) - image).max() <= 2


def test_control_points_move_as_given() -> None:
    size = (48, 320)
    warp = Warp(size)
    draws = np.full(DRAWS, 0.5)
    draws[0] = 0.0  # three segments: reach is 320 / 9, so that the upper left corner moves by half of the least
    draws[1:9] = 0.0  # corners stay
    draws[10] = 1.0  # the first inner point of the upper edge, at a third of the width, moves down by 8 pixels
    warp.distort(draws)
    rows = warp.apply(np.repeat(np.arange(48, dtype=np.uint8)[:, None] * 5, 320, axis=1)).astype(int)
    assert rows[8, 320 // 3] < 10  # what was at the edge
    assert abs(rows[47, 10] - 235) < 5 and abs(rows[0, 310]) < 5  # corners
