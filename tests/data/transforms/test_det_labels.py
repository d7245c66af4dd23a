"""Regions from labels: equal to the reference where they are sound, repaired or dropped and said so where not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.det_labels import DetLabelEncode
from ppocr.data.transforms.geometry import PendingImage
from ppocr.errors import SampleError
from tests.conformance import load

CASES = [case for case in load("transforms/DetLabelEncode.json")["cases"] if case["op"] == "DetLabelEncode"]
IMAGE = np.zeros((100, 200, 3), np.uint8)
BOX = [[10, 10], [110, 10], [110, 40], [10, 40]]


def encode(*regions: Any, image: Any = IMAGE) -> dict[str, Any]:
    """Return what becomes of regions, each given as points or as (text, points)."""
    pairs = [region if isinstance(region, tuple) else ("abc", region) for region in regions]
    label = json.dumps([{"transcription": text, "points": points} for text, points in pairs])
    return DetLabelEncode()({"label": label, "image": image, "notes": []})


def reasons(sample: dict[str, Any]) -> list[str]:
    return [reason for reason, _ in sample["notes"]]


@pytest.mark.parametrize("case", CASES)
def test_regions_equal_the_reference(case: dict[str, Any]) -> None:
    sample = DetLabelEncode()({"label": json.dumps(case["label"])})
    if case["result"] is None:  # upstream refuses images without text; here they are learned from
        assert sample["polys"].shape == (0, 4, 2) and sample["texts"] == [] and sample["ignore_tags"].shape == (0,)
        assert sample["notes"] == [("negative", "no text instance")]
        return
    assert sample["polys"].dtype == np.float32 and sample["ignore_tags"].dtype == bool
    assert sample["polys"].tolist() == case["result"]["polys"]["values"]
    assert sample["texts"] == case["result"]["texts"]
    assert sample["ignore_tags"].tolist() == case["result"]["ignore_tags"]["values"]
    assert sample["notes"] == []


@pytest.mark.parametrize("arguments", [None, {}])
def test_a_configuration_names_it_without_arguments(arguments: dict[str, Any] | None) -> None:
    pipeline = Pipeline.from_config([{"DetLabelEncode": arguments}], {})
    assert pipeline.for_inference().transforms == [] and len(pipeline.for_evaluation().transforms) == 1
    assert pipeline({"label": "[]", "image": IMAGE})["polys"].dtype == np.float32


@pytest.mark.parametrize(
    "label, detail",
    [
        ('[{"transcription": "a"', r"not JSON \(.*column"),
        ("word", "not JSON"),
        ("[" * 100000, "not JSON"),
        ('{"transcription": "a", "points": [[1, 2]]}', "not a list of text instances"),
        ('["a"]', "a text instance without a transcription: a"),
        ('[{"points": [[1, 2], [3, 4], [5, 6], [7, 8]]}]', "a text instance without a transcription"),
        (
            '[{"transcription": 3, "points": [[1, 2], [3, 4], [5, 6], [7, 8]]}]',
            "a text instance without a transcription",
        ),
        ('[{"transcription": "a"}]', "a text instance without points"),
        *(
            (f'[{{"transcription": "a", "points": {points}}}]', "points that are not")
            for points in (
                "[]",
                "[1, 2, 3, 4]",
                "[[1, 2], [3]]",
                "[[1, 2, 3], [4, 5, 6], [1, 3, 5]]",
                "null",
                '"1,2"',
                '[["x", 1], [2, 3], [3, 4], [4, 5]]',
                "[[null, 1], [2, 3], [3, 4], [4, 5]]",
                "[[true, false], [true, true], [false, true]]",
                f"[[1{'0' * 400}, 1], [2, 3], [3, 4], [4, 5]]",
            )
        ),
    ],
)
def test_a_label_of_another_form_is_refused(label: str, detail: str) -> None:
    with pytest.raises(SampleError, match=detail) as caught:
        DetLabelEncode()({"label": label, "image": IMAGE})
    assert caught.value.reason == "bad_label" and len(str(caught.value)) < 400


@pytest.mark.parametrize("image", [IMAGE, PendingImage.of(IMAGE)])
@pytest.mark.parametrize(
    "points",
    [
        pytest.param([[10, 10], [50, 10]], id="two-points"),
        pytest.param([[10, 10], [50, 10], [50, 10], [10, 10]], id="two-points-twice"),
        pytest.param([[10, 10], [50, 10], [70, 10], [90, 10]], id="a-line"),
        pytest.param([[10, 10], [50, 10], [50, 10 + 1e-9], [10, 10 + 1e-9]], id="no-area"),
        pytest.param([[10, 10], [float("nan"), 10], [50, 20], [10, 20]], id="nan"),
        pytest.param([[10, 10], [float("inf"), 10], [50, 20], [10, 20]], id="infinite"),
        pytest.param([[10, 10], [1e30, 10], [1e30, 20], [10, 20]], id="enormous"),
        pytest.param([[210, 10], [290, 10], [290, 40], [210, 40]], id="right-of-the-image"),
        pytest.param([[10, -40], [90, -40], [90, 0], [10, 0]], id="above-the-image"),
    ],
)
def test_what_is_no_region_is_dropped_and_noted(points: list, image: Any) -> None:
    sample = encode(points, ("kept", BOX), image=image)
    assert sample["polys"].tolist() == [BOX] and sample["texts"] == ["kept"] and sample["ignore_tags"].shape == (1,)
    assert reasons(sample) == ["bad_polygon"]
    alone = encode(points, image=image)
    assert alone["polys"].shape == (0, 4, 2) and reasons(alone) == ["bad_polygon", "negative"]


def test_where_the_image_ends_is_not_known_before_it_is_read() -> None:
    assert encode([[9000, 10], [9050, 10], [9050, 40], [9000, 40]], image=b"bytes")["notes"] == []


def test_partly_outside_is_kept_as_it_is() -> None:
    points = [[-20, 10], [60, 10], [60, 140], [-20, 140]]
    sample = encode(points)
    assert sample["polys"].tolist() == [points] and sample["notes"] == []


@pytest.mark.parametrize(
    "points",
    [
        pytest.param(BOX[::-1], id="counter-clockwise"),
        pytest.param([[10, 10], [50, 30], [90, 10], [50, 80]], id="a-dent"),
        pytest.param([[10, 60], [60, 40], [100, 40], [140, 60], [140, 85], [100, 65], [60, 65], [10, 85]], id="curved"),
        pytest.param([*BOX, BOX[-1]], id="a-corner-twice"),
        pytest.param([[10, 10], [60, 10], [110, 10], [110, 40], [10, 40]], id="a-point-on-an-edge"),
        pytest.param([["10", "10"], ["90", "10"], ["90", "40"], ["10", "40"]], id="digits"),
    ],
)
def test_sound_polygons_of_any_direction_stay_as_they_are(points: list) -> None:
    sample = encode(points)
    assert np.array_equal(sample["polys"][0], np.array(points, np.float32)) and sample["notes"] == []


def test_three_points_are_a_polygon_with_one_of_them_twice() -> None:
    sample = encode([[10, 10], [60, 10], [30, 40]])
    assert sample["polys"].tolist() == [[[10, 10], [60, 10], [30, 40], [30, 40]]] and sample["notes"] == []
    mixed = encode([[10, 10], [60, 10], [30, 40]], BOX)
    assert mixed["polys"].shape == (2, 4, 2) and mixed["notes"] == []


def area(polygon: np.ndarray) -> float:
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def test_corners_in_a_wrong_order_are_put_around_their_hull() -> None:
    sample = encode([BOX[0], BOX[2], BOX[1], BOX[3]])
    assert sorted(sample["polys"][0].tolist()) == sorted(BOX) and area(sample["polys"][0]) == 3000
    assert reasons(sample) == ["repaired_polygon"] and "crosses itself: [[10, 10" in sample["notes"][0][1].replace(
        ".0", ""
    )


def test_of_a_crossing_polygon_the_largest_part_is_kept() -> None:
    sample = encode([[10, 10], [90, 10], [90, 50], [100, 60], [90, 60], [100, 50], [10, 50]], BOX)
    assert reasons(sample) == ["repaired_polygon"] and len(sample["polys"]) == 2
    assert area(sample["polys"][0]) == pytest.approx(80 * 40, rel=0.1)


def test_a_polygon_wound_twice_is_not_taken_for_a_convex_one() -> None:
    angles = np.arange(5) * 4 * np.pi / 5
    star = np.stack([60 + 40 * np.cos(angles), 50 + 40 * np.sin(angles)], axis=1)
    assert reasons(encode(star.tolist())) == ["repaired_polygon"]
    pentagon = np.stack([60 + 40 * np.cos(angles / 2), 50 + 40 * np.sin(angles / 2)], axis=1)
    assert encode(pentagon.tolist())["notes"] == []


def test_images_where_nothing_counts_are_noted() -> None:
    assert reasons(encode(("###", BOX), ("*", BOX))) == ["all_ignored"]
    assert reasons(encode(("###", BOX), ("a", BOX))) == []
    assert reasons(encode()) == ["negative"]
