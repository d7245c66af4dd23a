"""The random crop: never through a text, always with one inside, drawn as the plain form of the algorithm draws it."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.data.transforms.det_crop import EastRandomCropData, draw_positions, free_gaps
from ppocr.data.transforms.geometry import PendingImage
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS


def box(x: float, y: float, width: float, height: float) -> list[list[float]]:
    return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]


PAGE = [box(30, 20, 100, 20), box(180, 24, 90, 20), box(40, 80, 200, 24), box(60, 150, 120, 30), box(230, 150, 60, 30)]


def sample(polys: list = PAGE, ignored: tuple[int, ...] = (), height: int = 220, width: int = 320) -> dict:
    image = np.full((height, width, 3), 50, np.uint8)
    for poly in polys:
        (x0, y0), (x1, y1) = poly[0], poly[2]
        image[int(y0) : int(y1), int(x0) : int(x1)] = 200
    return {
        "image": image,
        "polys": np.array(polys, np.float32).reshape(-1, 4, 2),
        "texts": [str(i) for i in range(len(polys))],
        "ignore_tags": np.isin(np.arange(len(polys)), ignored),
    }


def rng(number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(number))


def plain_crop(polys: np.ndarray, size: tuple[int, int], ratio: float, tries: int, rng: np.random.Generator) -> tuple:
    """Draw a part by marking rows and columns one by one: the algorithm as it is usually described."""
    axes = []
    for axis, length in ((0, size[1]), (1, size[0])):
        taken = np.zeros(length, bool)
        for poly in polys:
            taken[int(round(poly[:, axis].min())) : int(round(poly[:, axis].max()))] = True
        free = np.flatnonzero(~taken)
        axes.append(np.split(free, np.flatnonzero(np.diff(free) > 1) + 1))
    for _ in range(tries):
        ends = []
        for runs in axes:
            if len(runs) > 1:
                ends.append(sorted(rng.choice(runs[i]) for i in rng.integers(0, len(runs), 2)))
            else:
                ends.append(sorted(rng.choice(runs[0], 2)))
        (x0, x1), (y0, y1) = ends
        if x1 - x0 < ratio * size[1] or y1 - y0 < ratio * size[0]:
            continue
        low, high = polys.min(axis=1), polys.max(axis=1)
        if ((high >= (x0, y0)) & (low <= (x1, y1))).all(axis=1).any():
            return x0, y0, x1 - x0, y1 - y0
    return 0, 0, size[1], size[0]


def test_parts_are_drawn_as_the_plain_algorithm_draws_them():
    crop = EastRandomCropData((64, 64), max_tries=10)
    polys = np.array(PAGE, np.float32)
    low, high = polys.min(axis=1), polys.max(axis=1)
    ours = np.array([crop._choose(low, high, (220, 320), rng(i)) for i in range(3000)])
    plain = np.array([plain_crop(polys, (220, 320), 0.1, 10, rng(10_000 + i)) for i in range(3000)])
    for column in range(4):
        assert np.abs(np.quantile(ours[:, column], LEVELS) - np.quantile(plain[:, column], LEVELS)).max() <= 12
        assert abs(ours[:, column].mean() - plain[:, column].mean()) < 6


LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def test_no_text_is_cut_and_the_rest_stays_on_its_pixels():
    crop = EastRandomCropData((160, 128), max_tries=50)
    for number in range(200):
        found = crop(sample(), rng(number))
        assert found["image"].shape == (128, 160, 3)
        assert len(found["polys"]) == len(found["texts"]) == len(found["ignore_tags"]) >= 1
        for poly in found["polys"]:
            low, high = poly.min(axis=0), poly.max(axis=0)
            assert (low > -1).all() and (high < (161, 129)).all()
            x, y = ((low + high) / 2).astype(int)
            assert found["image"][y, x, 0] == 200
            column = found["image"][y, max(0, int(low[0]) - 3) : int(high[0]) + 4, 0] > 125
            edges = np.flatnonzero(column) + max(0, int(low[0]) - 3)
            assert abs(edges[0] - low[0]) <= 1 and abs(edges[-1] + 1 - high[0]) <= 1


def test_pending_and_made_pixels_give_the_same():
    crop, plain = EastRandomCropData((96, 96)), EastRandomCropData((96, 96), fuse=False)
    assert crop.takes_pending and not plain.takes_pending
    one, other = sample(), sample()
    one["image"] = PendingImage.of(one["image"])
    one, other = crop(one, rng(5)), plain(other, rng(5))
    assert np.array_equal(one["image"], other["image"]) and np.array_equal(one["polys"], other["polys"])


def test_only_texts_that_count_are_kept_whole():
    crop = EastRandomCropData((64, 64), max_tries=20)
    boxes = [box(0, 60, 320, 20), box(60, 150, 120, 30)]  # the first crosses the whole width, and is ignored
    assert any(crop(sample(boxes, ignored=(0,)), rng(i))["polys"][:, :, 0].min() < 0 for i in range(20))
    found = crop(sample(boxes), rng(0))
    assert len(found["polys"]) == 2  # nowhere to cut: the whole image


@pytest.mark.parametrize("polys", [[], [box(0, 0, 320, 220)]], ids=["negative", "covered"])
def test_images_without_a_free_place_stay_whole(polys: list):
    found = EastRandomCropData((64, 64))(sample(polys), rng(1))
    assert found["image"].shape == (64, 64, 3) and found["image"][44:].max() == 0
    assert found["polys"].shape == (len(polys), 4, 2)


def test_proportions_are_given_up_when_asked():
    found = EastRandomCropData((64, 32), keep_ratio=False)(sample([]), rng(1))
    assert found["image"].shape == (32, 64, 3) and found["image"].min() == 50


def test_polygons_outside_the_image():
    boxes = [box(-50, 20, 100, 20), box(300, 100, 60, 20), box(500, 500, 20, 20)]
    for number in range(50):
        found = EastRandomCropData((64, 64))(sample(boxes), rng(number))
        assert np.isfinite(found["polys"]).all() and 1 <= len(found["polys"]) <= 2


def test_gaps():
    assert free_gaps(np.array([10.0, 12, 40]), np.array([20.0, 18, 50]), 60).tolist() == [[0, 10], [20, 40], [50, 60]]
    assert free_gaps(np.array([-5.0]), np.array([70.0]), 60).tolist() == []
    drawn = draw_positions(np.array([[0, 10], [50, 60]]), 1000, rng(0))
    assert ((drawn < 10) | (drawn >= 50)).all() and drawn.max() == 59


@pytest.mark.parametrize("arguments", [{"size": [64]}, {"size": [64, 0]}, {"max_tries": 0}, {"min_crop_side_ratio": 2}])
def test_bad_arguments(arguments: dict):
    with pytest.raises(ConfigError, match="EastRandomCropData"):
        TRANSFORMS.build({"name": "EastRandomCropData", **arguments})
