"""Regions from DB's maps equal the reference, whatever the map holds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ppocr.errors import ConfigError
from ppocr.postprocess.db import DBPostProcess, in_order, mean_inside
from ppocr.registry import POSTPROCESSES
from ppocr.results import Detection
from tests.conformance import HERE, load

REFERENCE = load("postprocess/DBPostProcess.json")["cases"]
MAPS = dict(np.load(HERE / "postprocess" / "db_maps.npz"))
SINGLE = [i for i, case in enumerate(REFERENCE) if case["case"] in MAPS and "model_name" not in case["args"]]


def maps(*names: str) -> np.ndarray:
    return np.stack([MAPS[name].astype(np.float32).reshape(1, 160, 240) / 255 for name in names])


def assert_regions(found: Detection, expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for points, wanted in zip(found.points, expected):
        assert points.shape == np.shape(wanted) and np.abs(points - np.array(wanted)).max() <= 1


def drawn_map(height: int = 160, width: int = 240) -> np.ndarray:
    """Return a map with one region of probability 0.9, 20 x 60 pixels."""
    probability = np.full((height, width), 0.05, np.float32)
    probability[40:60, 50:110] = 0.9
    return probability


@pytest.mark.parametrize("number", SINGLE)
def test_regions_and_scores_equal_the_reference(number: int) -> None:
    case = REFERENCE[number]
    (found,) = DBPostProcess(**case["args"])({"maps": maps(case["case"])}, {"shape": case["shape_list"]})
    assert_regions(found, case["result"]["points"])
    assert found.scores.dtype == np.float32 and len(found.scores) == len(found.points)
    if case.get("scores") is not None:
        assert found.scores == pytest.approx(case["scores"], abs=1e-4)
    assert found.peak == pytest.approx(maps(case["case"]).max())


def test_batch_equals_the_reference() -> None:
    case = next(c for c in REFERENCE if c["case"].startswith("batch of a,b"))
    found = DBPostProcess(**case["args"])({"maps": maps("db_map_a", "db_map_b")}, {"shape": case["shape_list"]})
    for one, expected in zip(found, case["result"]):
        assert_regions(one, expected["points"])


def test_only_the_first_channel_is_read_and_the_size_may_be_missing() -> None:
    three = np.concatenate([maps("db_map_a"), np.ones((1, 2, 160, 240), np.float32)], axis=1)
    (found,) = DBPostProcess()({"maps": three})
    (same,) = DBPostProcess()({"maps": maps("db_map_a")}, {"shape": np.array([[160, 240, 1, 1]])})
    assert all(np.array_equal(a, b) for a, b in zip(found.points, same.points))


@pytest.mark.parametrize(
    "probability, regions, peak",
    [
        (np.zeros((64, 64)), 0, 0),
        (np.ones((64, 64)), 1, 1),
        (np.eye(64), 0, 1),  # a line of single pixels scores too little
        (np.pad(np.ones((1, 1)), 31), 0, 1),
        (np.full((64, 64), np.nan), 0, np.nan),
        (np.where(np.eye(64) > 0, np.nan, 0.2), 0, np.nan),
    ],
    ids=["empty", "full", "diagonal", "one pixel", "nan", "some nan"],
)
def test_odd_maps(probability: np.ndarray, regions: int, peak: float) -> None:
    for box_type in ("quad", "poly"):
        (found,) = DBPostProcess(box_type=box_type)({"maps": probability[None, None].astype(np.float32)})
        assert len(found) == len(found.scores) == regions
        assert found.peak == pytest.approx(peak, nan_ok=True)


def test_noise_is_bounded_by_max_candidates() -> None:
    noise = np.zeros((400, 400), np.float32)
    for y in range(0, 396, 8):
        noise[y : y + 4, ::8] = noise[y : y + 4, 1::8] = noise[y : y + 4, 2::8] = noise[y : y + 4, 3::8] = 1
    (found,) = DBPostProcess(max_candidates=30)({"maps": noise[None, None]})
    (all_of_them,) = DBPostProcess(max_candidates=5000)({"maps": noise[None, None]})
    assert len(found) == 30 and len(all_of_them) == 2500


def test_regions_lie_in_the_image_and_grow_with_the_ratio() -> None:
    (small,) = DBPostProcess(unclip_ratio=1.0)({"maps": drawn_map()[None, None]}, {"shape": [[80, 480, 0.5, 2]]})
    (large,) = DBPostProcess(unclip_ratio=40.0)({"maps": drawn_map()[None, None]}, {"shape": [[80, 480, 0.5, 2]]})
    assert np.ptp(small.points[0][:, 0]) < np.ptp(large.points[0][:, 0]) == 480
    assert large.points[0].min() == 0 and large.points[0][:, 1].max() == 80
    assert small.points[0].dtype == np.int64


def test_lines_for_label_files() -> None:
    (found,) = DBPostProcess()({"maps": drawn_map()[None, None]})
    (region,) = json.loads(found.to_json())
    assert region["transcription"] == "" and np.shape(region["points"]) == (4, 2)


def test_corners_are_sorted_clockwise_from_the_upper_left() -> None:
    box = np.array([[10, 10], [50, 12], [49, 30], [9, 28]], np.float32)
    for turn in range(4):
        assert np.array_equal(in_order(np.roll(box, turn, axis=0)), box)


def test_mean_of_a_polygon_outside_the_map_is_that_of_its_edge() -> None:
    probability = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert mean_inside(probability, np.array([[1.0, 1], [2, 1], [2, 2], [1, 2]])) == pytest.approx(7.5)
    assert mean_inside(probability, np.array([[-5.0, -5], [-3, -5], [-3, -3], [-5, -3]])) in (0, probability[0, 0])


def test_arguments_build_it_again() -> None:
    made = DBPostProcess(thresh=0.2, box_type="poly", use_dilation=True, det_box_type="quad")
    assert DBPostProcess(**made.inference_config()).inference_config() == made.inference_config()


@pytest.mark.parametrize(
    "arguments, key",
    [
        ({"thresh": 1.5}, "thresh"),
        ({"box_thresh": -0.1}, "box_thresh"),
        ({"max_candidates": 0}, "max_candidates"),
        ({"unclip_ratio": 0}, "unclip_ratio"),
        ({"unclip_ratio": float("nan")}, "unclip_ratio"),
        ({"thresh": None}, "thresh"),
        ({"use_dilation": "no"}, "use_dilation"),
        ({"score_mode": "quick"}, "score_mode"),
        ({"box_type": "rect"}, "box_type"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"DBPostProcess.{key}"):
        POSTPROCESSES.build({"name": "DBPostProcess", **arguments})


@pytest.mark.parametrize("box_type", ["quad", "poly"])
@pytest.mark.parametrize(("thickness", "kept"), [(5, False), (6, True)])
def test_a_region_still_thinner_than_five_pixels_when_grown_is_noise(thickness: int, kept: bool, box_type: str) -> None:
    probability = np.full((160, 240), 0.05, np.float32)
    probability[40 : 40 + thickness, 50:110] = 0.9  # its outline is a pixel thinner, and is grown by half of one
    (found,) = DBPostProcess(unclip_ratio=0.1, box_type=box_type)({"maps": probability[None, None]})
    assert len(found) == kept


def test_what_the_decoder_takes_reads_and_needs() -> None:
    assert (DBPostProcess.requires, DBPostProcess.dimensions, DBPostProcess.needs) == (("maps",), (4,), ("shape",))
    defaults = DBPostProcess().inference_config()
    numbers = {key: defaults[key] for key in ("thresh", "box_thresh", "max_candidates", "unclip_ratio")}
    assert numbers == {"thresh": 0.3, "box_thresh": 0.7, "max_candidates": 1000, "unclip_ratio": 2.0}
    for edge in (0, 1):
        DBPostProcess(thresh=edge, box_thresh=edge)
    with pytest.raises(ConfigError, match="unclip_ratio"):
        POSTPROCESSES.build({"name": "DBPostProcess", "unclip_ratio": float("inf")})


@pytest.mark.parametrize("box_type", ["quad", "poly"])
def test_a_region_as_sure_as_asked_is_kept(box_type: str) -> None:
    probability = np.zeros((64, 64), np.float32)
    probability[10:30, 10:50] = 0.75
    for least, kept in ((0.75, 1), (0.7501, 0)):
        (found,) = DBPostProcess(box_thresh=least, box_type=box_type)({"maps": probability[None, None]})
        assert len(found) == kept


@pytest.mark.parametrize("box_type", ["quad", "poly"])
def test_outlines_are_scored_apart_from_the_shape_around_them(box_type: str) -> None:
    """A circle with a bump too small for its polygon: the outline alone follows it."""
    probability = np.zeros((200, 200), np.float32)
    y, x = np.mgrid[:200, :200]
    probability[(x - 100) ** 2 + (y - 100) ** 2 < 70**2] = 0.5
    scores = {}
    for mode in ("fast", "slow"):
        (found,) = DBPostProcess(box_thresh=0.1, box_type=box_type, score_mode=mode)({"maps": probability[None, None]})
        scores[mode] = float(found.scores[0])
    assert scores["slow"] == pytest.approx(0.5, abs=1e-6)
    assert scores["fast"] != scores["slow"]


@pytest.mark.parametrize("move", [(-4, -3), (17, -3), (-4, 9), (17, 9), (3, 2)])
def test_the_mean_is_over_the_pixels_that_lie_in_the_map(move: tuple[int, int]) -> None:
    """A rectangle over each corner of the map, and one inside."""
    probability = np.random.RandomState(1).uniform(0, 1, (12, 20)).astype(np.float32)
    x, y = move
    polygon = np.array([[x, y], [x + 6, y], [x + 6, y + 5], [x, y + 5]], np.float32)
    inside = probability[max(0, y) : y + 6, max(0, x) : x + 7]
    assert mean_inside(probability, polygon) == pytest.approx(float(inside.mean()), rel=1e-6)


def test_a_region_without_area_is_noise() -> None:
    line = np.zeros((64, 64), np.float32)
    line[20, 5:60] = 1
    for box_type in ("quad", "poly"):
        (found,) = DBPostProcess(box_type=box_type)({"maps": line[None, None]})
        assert len(found) == 0
    assert DBPostProcess()._expand(np.array([[1.0, 1], [9, 1], [5, 1], [3, 1]], np.float32)) == []
