"""An image in its four directions, and batches of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppocr.data.loader import build_loader
from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.rec_resize import RecResizeImg
from ppocr.data.transforms.rotate import SSLRotateResize
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from tests.conformance import synth
from tests.data.helpers import make_images, section

LINE = synth("synth_37x211")


@pytest.mark.parametrize("padding", [False, True])
def test_each_direction_is_resized_like_a_line(padding: bool) -> None:
    out = SSLRotateResize([3, 48, 320], padding=padding)({"image": LINE, "label": "any", "text": "any"})
    resize = RecResizeImg([3, 48, 320], padding=padding)
    for turns, image in enumerate(out["image"]):
        lying = np.ascontiguousarray(np.rot90(LINE, -turns))  # clockwise
        np.testing.assert_array_equal(image, resize({"image": lying})["image"])
    assert out["label"].tolist() == out["text"] == [0, 1, 2, 3] and out["label"].dtype == np.int64


def test_two_directions() -> None:
    four = SSLRotateResize([3, 32, 100])({"image": LINE})
    two = SSLRotateResize([3, 32, 100], select_all=False)({"image": LINE})
    np.testing.assert_array_equal(two["image"], four["image"][::2])
    assert two["label"].tolist() == two["text"] == [0, 1]


def test_prediction_takes_the_image_as_it_lies() -> None:
    pipeline = Pipeline.from_config([{"SSLRotateResize": {"image_shape": [3, 48, 320]}}], {})
    read_back = Pipeline.from_config(pipeline.for_inference().to_config(), {})
    np.testing.assert_array_equal(read_back({"image": LINE})["image"], pipeline({"image": LINE})["image"][0])
    assert read_back.output_shape() == pipeline.output_shape() == (3, 48, 320)


def test_batches_hold_the_images_one_after_another(tmp_path: Path) -> None:
    make_images(tmp_path, 5)
    specs = [
        {"DecodeImage": {}},
        {"SSLRotateResize": {"image_shape": [3, 8, 16]}},
        {"KeepKeys": {"keep_keys": ["image", "label"]}},
    ]
    asked = section(tmp_path, collate_fn="SSLRotateCollate", shuffle=False)
    loader = build_loader(asked, Pipeline.from_config(specs, {}), mode="eval", seed=0)
    first, last = loader.epoch(1)
    assert first["image"].shape == [16, 3, 8, 16] and last["image"].shape == [4, 3, 8, 16]
    assert first["label"].tolist() == first["text"] == [0, 1, 2, 3] * 4 and first["index"].tolist() == [0, 1, 2, 3]
    assert loader.report.used == 5
    asked.loader.collate_fn = "DyMaskCollator"
    with pytest.raises(ConfigError, match="unknown collate_fn 'DyMaskCollator'"):
        build_loader(asked, Pipeline.from_config(specs, {}), mode="eval", seed=0)


def test_a_bad_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match="SSLRotateResize.image_shape: expected a list of 3 ints"):
        TRANSFORMS.build({"name": "SSLRotateResize", "image_shape": [48, 320]})
