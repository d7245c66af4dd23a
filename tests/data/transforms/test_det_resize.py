"""Resizing of whole images for a detector against the reference numbers, its bounds and its refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.det_resize import DetResizeForTest
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from tests.conformance import assert_described, synth
from tests.data.transforms.test_image import cases, pixels


def resized(height: int, width: int, **arguments: Any) -> tuple[tuple[int, int], list[str]]:
    """Return the size of what an image becomes, and what is noted about it."""
    sample = DetResizeForTest(**arguments)({"image": np.zeros((height, width, 3), np.uint8), "notes": []})
    new_height, new_width = sample["image"].shape[:2]
    assert new_height % 32 == new_width % 32 == 0
    if height + width >= 64:
        assert np.allclose(sample["shape"], [height, width, new_height / height, new_width / width])
    assert DetResizeForTest(**arguments).output_shape((height, width, 3)) == (new_height, new_width, 3)
    return (new_height, new_width), [f"{reason}: {detail}" for reason, detail in sample["notes"]]


@pytest.mark.parametrize("case", cases("DetResizeForTest"))
def test_det_resize_for_test(case: dict[str, Any]) -> None:
    image = pixels(case["input"])
    transform = DetResizeForTest(**case["args"])
    out = transform({"image": image})
    tolerance = 2 if case["input"] in ("ch_word", "en_scene") else 0  # JPEG decoders differ a little
    assert_described(out["image"], case["output"]["image"], rtol=0, atol=tolerance / 255 + 1e-5)
    assert out["image"].dtype == np.uint8 and out["shape"].dtype == np.float64
    assert_described(out["shape"], case["output"]["shape"], rtol=1e-8, atol=0)
    assert transform.output_shape(image.shape) == out["image"].shape, "known before the pixels are"


def test_sizes_that_depend_on_the_image_are_unknown_without_one() -> None:
    unknown = (-1, -1, 3)
    assert DetResizeForTest().output_shape(unknown) == unknown
    assert DetResizeForTest(resize_long=960).output_shape(unknown) == unknown
    assert DetResizeForTest([736, 1280]).output_shape(unknown) == (736, 1280, 3)
    assert DetResizeForTest([736, 1280], keep_ratio=True).output_shape(unknown) == (736, -1, 3)


def test_deployment_resizes_as_evaluation_does() -> None:
    pipeline = Pipeline.from_config([{"DetResizeForTest": {"limit_side_len": 96, "limit_type": "max"}}], {})
    image = synth("synth_90x60")
    for view in (pipeline.for_inference(), pipeline.for_evaluation()):
        assert np.array_equal(view({"image": image})["image"], pipeline({"image": image})["image"])
        assert view.to_config() == [{"DetResizeForTest": {"limit_side_len": 96, "limit_type": "max"}}]
    assert Pipeline.from_config([{"DetResizeForTest": None}], {}).transforms[0].size_multiple == 32


@pytest.mark.parametrize(
    "size, arguments, bound",
    [
        ((300, 20000), {}, 16_000_000),
        ((20000, 300), {"limit_side_len": 960, "limit_type": "min"}, 16_000_000),
        ((4, 2000), {}, 16_000_000),
        ((1, 100_000), {}, 16_000_000),
        ((60, 2000), {"image_shape": [1024, 1024], "keep_ratio": True}, 16_000_000),
        ((5000, 5000), {"resize_long": 20000}, 16_000_000),
    ],
)
def test_no_result_takes_more_than_a_bound(size: tuple[int, int], arguments: dict[str, Any], bound: int) -> None:
    (height, width), notes = resized(*size, **arguments)
    assert 0.7 * bound < height * width <= bound
    assert len(notes) == 1 and f"shrunk: {size[1]} x {size[0]} to {width} x {height}" in notes[0]


def test_a_panorama_keeps_its_size_within_the_bound() -> None:
    assert resized(736, 20000) == ((736, 20000), [])


@pytest.mark.parametrize(
    "size, arguments, expected",
    [
        ((37, 211), {"max_side_limit": 4000}, (672, 4000)),
        ((211, 37), {"max_side_limit": 1000}, (992, 160)),
        ((20, 3000), {"max_side_limit": 320}, (32, 320)),
        ((60, 90), {"resize_long": 2000, "max_side_limit": 960}, (640, 960)),
    ],
)
def test_max_side_limit(size: tuple[int, int], arguments: dict[str, Any], expected: tuple[int, int]) -> None:
    found, notes = resized(*size, **arguments)
    assert found == expected and len(notes) == 1
    roomy = resized(*size, **{**arguments, "max_side_limit": 1_000_000})
    assert roomy == resized(*size, **{k: v for k, v in arguments.items() if k != "max_side_limit"})


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (33, 31), (32, 32)])
@pytest.mark.parametrize("arguments", [{}, {"limit_side_len": 960, "limit_type": "max"}, {"resize_long": 512}])
def test_odd_sizes_become_multiples_of_32(size: tuple[int, int], arguments: dict[str, Any]) -> None:
    resized(*size, **arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"limit_type": "mix"}, "limit_type: expected 'min', 'max' or 'resize_long', got a string 'mix'"),
        ({"limit_side_len": 0}, "limit_side_len: expected an int of at least 1 and at most 65,535"),
        ({"resize_long": -3}, "resize_long: expected an int of at least 1"),
        ({"image_shape": [736]}, "image_shape: expected a list of 2 ints"),
        ({"image_shape": [3, 736, 1280]}, "image_shape: expected a list of 2 ints"),
        ({"image_shape": ["736", 1280]}, "image_shape.0: expected an int"),
        ({"image_shape": [736, 1290]}, r"are not multiples of 32.*nearest are \[736, 1280\]"),
        ({"image_shape": [10, 640]}, r"nearest are \[32, 640\]"),
        ({"image_shape": [700, 1290], "keep_ratio": True}, r"nearest"),
        ({"max_side_limit": 16}, "max_side_limit: expected an int of at least 32"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"DetResizeForTest.*{message}"):
        TRANSFORMS.build({"name": "DetResizeForTest", **arguments})


def test_keep_ratio_rounds_the_width_itself() -> None:
    assert resized(90, 60, image_shape=[320, 500], keep_ratio=True)[0] == (320, 224)
