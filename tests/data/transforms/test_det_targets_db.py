"""The maps a DB detector learns equal the reference; speed is measured by benchmarks/data_pipeline.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppocr import registry
from ppocr.data.transforms import det_targets_db
from ppocr.data.transforms.det_targets_db import MakeBorderMap, MakeShrinkMap
from ppocr.errors import ConfigError
from tests.conformance import assert_described, load

TRANSFORMS = {"MakeShrinkMap": MakeShrinkMap, "MakeBorderMap": MakeBorderMap}
MAPS = {"MakeShrinkMap": ("shrink_map", "shrink_mask"), "MakeBorderMap": ("threshold_map", "threshold_mask")}
CASES = [(name, number) for name in TRANSFORMS for number in range(36)]


def made(name: str, args: dict[str, Any], regions: dict[str, Any], shape: list[int]) -> dict[str, Any]:
    args = dict(args)
    epoch = args.pop("epoch", None)
    transform = TRANSFORMS[name](**args)
    if epoch is not None:
        transform.set_epoch(epoch)
    sample = {
        "image": np.zeros(shape, np.uint8),
        "polys": np.array(regions["polys"], np.float32),
        "ignore_tags": np.array(regions["ignore_tags"], bool),
    }
    return transform(sample)


@pytest.mark.parametrize("many", [0, 8], ids=["together", "one-by-one"])
@pytest.mark.parametrize("name, number", CASES)
def test_maps_equal_the_reference(name: str, number: int, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(det_targets_db, "MANY", many)
    reference = load(f"transforms/{name}.json")
    case = reference["cases"][number]
    found = made(name, case["args"], reference["polygon_sets"][case["polygons"]], reference["image_shape"])
    for key in MAPS[name]:
        expected = case["output"][key]
        assert found[key].dtype == np.float32
        if key == "threshold_map":
            assert_described(found[key], expected, rtol=0, atol=1e-4)
        assert abs(found[key].sum() - expected["sum"]) <= 0.01 * abs(expected["sum"])
        if expected["nonzero_box"] is not None:
            ys, xs = np.nonzero(found[key])
            box = [xs.min(), ys.min(), xs.max(), ys.max()]
            assert np.abs(np.subtract(box, expected["nonzero_box"])).max() <= 1
    if "ignore_tags_after" in case:
        assert found["ignore_tags"].tolist() == case["ignore_tags_after"]


def test_images_without_text_have_empty_maps() -> None:
    nothing = {"polys": np.zeros((0, 4, 2)), "ignore_tags": []}
    shrink = made("MakeShrinkMap", {}, nothing, [32, 64, 3])
    assert shrink["shrink_map"].max() == 0 and shrink["shrink_mask"].min() == 1
    border = made("MakeBorderMap", {"thresh_min": 0.25}, nothing, [32, 64, 3])
    assert (border["threshold_map"] == 0.25).all() and border["threshold_mask"].max() == 0


def test_ratio_follows_the_epoch_only_where_its_length_is_known() -> None:
    for transform in (MakeShrinkMap(total_epoch=100), MakeBorderMap(total_epoch=100)):
        transform.set_epoch(50)
        assert transform.shrink_ratio == pytest.approx(0.5)
        transform.set_epoch(10)
        assert transform.shrink_ratio == pytest.approx(0.42)
    fixed = MakeShrinkMap()
    fixed.set_epoch(50)
    assert fixed.shrink_ratio == 0.4


def test_padded_polygons_are_drawn_as_the_polygon_they_are() -> None:
    box = [[20, 20], [100, 20], [100, 50], [20, 50]]
    padded = {"polys": [[*box, box[-1], box[-1]]], "ignore_tags": [False]}
    plain = {"polys": [box], "ignore_tags": [False]}
    for name, keys in MAPS.items():
        one, other = made(name, {}, plain, [80, 128, 3]), made(name, {}, padded, [80, 128, 3])
        assert all(np.allclose(one[key], other[key], atol=1e-5) for key in keys)


@pytest.mark.parametrize("arguments", [{"shrink_ratio": 0}, {"shrink_ratio": 1.2}, {"total_epoch": 0}])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_bad_arguments(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{name}.{next(iter(arguments))}"):
        registry.TRANSFORMS.build({"name": name, **arguments})
