"""SVTR's perturbations: a function of the random numbers, within their bounds, and none where none is asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.data.transforms import svtr_augment as ours
from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.rec_resize import SVTRRecResizeImg
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from tests.conformance import synth

LINE = cv2.GaussianBlur(synth("synth_40x160"), (7, 7), 0)
OFF = {"geometry_p": 0.0, "deterioration_p": 0.0, "colorjitter_p": 0.0}


def augmented(seed: int, image: np.ndarray = LINE, **options: float) -> np.ndarray:
    return ours.SVTRRecAug(**options)({"image": image}, np.random.default_rng(seed))["image"]


@pytest.mark.parametrize("aug_type", [0, 1])
def test_the_same_numbers_give_the_same_pixels(aug_type: int) -> None:
    pipeline = Pipeline([ours.SVTRRecAug(aug_type, 0.9, 0.9, 0.9), SVTRRecResizeImg([3, 64, 256], padding=False)])
    before = LINE.copy()

    def run(seed: int) -> list[np.ndarray]:
        return [pipeline({"image": LINE}, np.random.default_rng([seed, i]))["image"] for i in range(20)]

    first, again, other = run(1), run(1), run(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert sum(np.array_equal(a, b) for a, b in zip(first, other)) < 3
    assert np.array_equal(before, LINE) and all(image.shape == (3, 64, 256) for image in first)


@pytest.mark.parametrize("name", list(OFF))
def test_each_probability_is_honoured(name: str) -> None:
    assert all(augmented(seed, **OFF) is LINE for seed in range(20))
    changed = sum(not np.array_equal(augmented(seed, **{**OFF, name: 0.5}), LINE) for seed in range(300))
    assert 110 < changed < 190


@pytest.mark.parametrize("way", ours.GEOMETRIES, ids=lambda way: way.__name__)
def test_geometry_keeps_all_of_the_line(way) -> None:
    for seed in range(30):
        matrix, size = way((160, 40), np.random.default_rng(seed))
        corners = cv2.perspectiveTransform(np.array([[[0, 0], [159, 0], [159, 39], [0, 39]]], np.float64), matrix)[0]
        assert corners.min() > -1e-6 and (corners.max(axis=0) <= np.array(size)).all()
        assert max(size) <= 4 * 160
        out = ours.warped(LINE, matrix, size)
        assert out.shape == (size[1], size[0], 3) and out.dtype == np.uint8


@pytest.mark.parametrize("change", ours.DETERIORATIONS, ids=lambda change: change.__name__)
def test_deterioration_keeps_size_and_mean(change) -> None:
    differences = []
    for seed in range(30):
        out = change(LINE, np.random.default_rng(seed))
        assert out.shape == LINE.shape and out.dtype == np.uint8
        assert abs(float(out.mean()) - float(LINE.mean())) < 3
        differences.append(float(np.abs(out.astype(int) - LINE).mean()))
    assert max(differences) > 0.5


def test_a_turned_image_is_turned_by_the_angle() -> None:
    angles = [ours.symmetric(np.random.default_rng(i), 45) for i in range(300)]
    assert max(map(abs, angles)) < 45 and abs(float(np.mean(angles))) < 3 and 10 < float(np.std(angles)) < 20


def test_evaluation_is_left_alone_and_wrong_values_are_refused() -> None:
    assert ours.SVTRRecAug().for_evaluation() is None and ours.SVTRRecAug().for_inference() is None
    for wrong in ({"aug_type": 2}, {"geometry_p": 2.0}, {"deterioration_p": -1.0}, {"colorjitter_p": 3.0}):
        with pytest.raises(ConfigError):
            TRANSFORMS.build({"name": "SVTRRecAug", **wrong})
