"""Labels and images of classifiers against the reference numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.cls import ClsResizeImg, CropImage, ResizeImage
from ppocr.errors import ConfigError, SampleError
from ppocr.registry import TRANSFORMS
from tests.conformance import assert_described, load
from tests.data.transforms.test_image import cases, pixels


@pytest.mark.parametrize("case", load("transforms/ClsLabelEncode.json")["cases"], ids=lambda c: repr(c["label"]))
def test_label_encode(case: dict) -> None:
    encode = TRANSFORMS.build({"name": "ClsLabelEncode", **case["args"]})
    if case["result"] is None:
        with pytest.raises(SampleError, match=r"is none of 0, 180 \(Global.label_list\)"):
            encode({"label": case["label"]})
        return
    out = encode({"label": case["label"]})
    assert out["label"] == case["result"] and out["label"].dtype == np.int64 and out["text"] == case["label"]


@pytest.mark.parametrize("case", cases("ClsResizeImg"))
def test_cls_resize_img(case: dict) -> None:
    out = ClsResizeImg(**case["args"])({"image": pixels(case["input"])})
    assert set(out) == {"image"}
    assert_described(out["image"], case["output"]["image"], rtol=0, atol=1e-5)


def test_deployed_pixels_are_those_of_evaluation() -> None:
    specs = ["ClsLabelEncode", {"ClsResizeImg": {"image_shape": [3, 48, 192]}}]
    pipeline = Pipeline.from_config(specs, {"label_list": ["0", "180"], "character_dict_path": "any.txt"})
    image = pixels("synth_37x211")
    expected = pipeline({"image": image, "label": "180"})["image"]
    read_back = Pipeline.from_config(pipeline.for_inference().to_config(), {})
    np.testing.assert_array_equal(read_back({"image": image})["image"], expected)
    assert read_back.output_shape() == (3, 48, 192)


def test_a_label_list_is_needed() -> None:
    with pytest.raises(ConfigError, match="label_list is empty"):
        TRANSFORMS.build({"name": "ClsLabelEncode", "label_list": []})


def test_resize_to_a_size_or_by_the_shorter_side() -> None:
    image = pixels("synth_37x211")
    assert ResizeImage(size=[160, 80])({"image": image})["image"].shape == (80, 160, 3)
    assert ResizeImage(size=64)({"image": image})["image"].shape == (64, 64, 3)
    short = ResizeImage(resize_short=256)
    assert short({"image": image})["image"].shape == (256, 1460, 3) == short.output_shape(image.shape)
    assert ResizeImage(size=[160, 80]).output_shape((-1, -1, 3)) == (80, 160, 3)
    assert short.output_shape((-1, -1, 3)) == (-1, -1, 3)


def test_crop_keeps_the_middle() -> None:
    image = pixels("synth_37x211")
    out = CropImage([101, 21])({"image": image})["image"]
    np.testing.assert_array_equal(out, image[8:29, 55:156])
    assert CropImage(224).output_shape((256, -1, 3)) == (224, 224, 3)
    with pytest.raises(SampleError, match="211 x 37 pixels hold no 224 x 224"):
        CropImage(224)({"image": image})


@pytest.mark.parametrize("wrong", [{}, {"size": 3, "resize_short": 4}, {"size": [3]}, {"size": 0}, {"resize_short": 0}])
def test_sizes_that_are_none_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="ResizeImage"):
        TRANSFORMS.build({"name": "ResizeImage", **wrong})
