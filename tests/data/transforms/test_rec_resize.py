"""Resizing of text lines against the reference numbers, and the views built from it."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.rec_resize import RecResizeImg
from ppocr.errors import ConfigError
from tests.conformance import assert_described, synth
from tests.data.transforms.test_image import cases, pixels


@pytest.mark.parametrize("case", cases("RecResizeImg"))
def test_rec_resize_img(case) -> None:
    out = RecResizeImg(**case["args"])({"image": pixels(case["input"])})
    if "raises" in case:  # upstream cannot make one channel of three; we convert to grey
        assert out["image"].shape == tuple(case["args"]["image_shape"])
        return
    check(out, case["output"])


@pytest.mark.parametrize("case", cases("RecResizeImg_gray"))
def test_rec_resize_img_of_grey_images(case) -> None:
    import cv2

    gray = cv2.cvtColor(pixels(case["input"]), cv2.COLOR_BGR2GRAY)
    check(RecResizeImg(**case["args"])({"image": gray}), case["output"])


def check(out, expected) -> None:
    assert out["image"].dtype == np.float32 and out["image"].flags.c_contiguous
    assert_described(out["image"], expected["image"], rtol=0, atol=1e-5)
    assert out["valid_ratio"] == pytest.approx(expected["valid_ratio"], abs=1e-6)
    assert out["valid_ratio"].dtype == np.float32


def test_a_bad_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match="channels, height, width"):
        RecResizeImg([48, 320])


@pytest.mark.parametrize("channels, image", [(3, synth("synth_20x30")[:, :, 0]), (1, synth("synth_20x30"))])
def test_channels_are_made_to_fit(channels: int, image: np.ndarray) -> None:
    out = RecResizeImg([channels, 32, 100])({"image": image})["image"]
    assert out.shape == (channels, 32, 100)
    assert np.abs(out[-1]).max() > 0


def views(dictionary: str | None, **args: object) -> tuple[Pipeline, Pipeline, Pipeline]:
    shared = {} if dictionary is None else {"character_dict_path": dictionary}
    pipeline = Pipeline.from_config([{"RecResizeImg": {"image_shape": [3, 48, 320], **args}}], shared)
    inference = pipeline.for_inference()
    return pipeline, inference, Pipeline.from_config(inference.to_config(), {})


def test_deployment_frees_the_width_only_with_a_dictionary() -> None:
    training, inference, read_back = views("some_dict.txt")
    long_line = synth("synth_20x300")
    assert training.output_shape() == (3, 48, 320)
    assert inference.output_shape() == read_back.output_shape() == (3, 48, -1)
    assert training({"image": long_line})["image"].shape == (3, 48, 320)
    assert inference({"image": long_line})["image"].shape == (3, 48, 720)
    assert np.array_equal(inference({"image": long_line})["image"], read_back({"image": long_line})["image"])
    assert "character_dict_path" not in str(inference.to_config())

    training, inference, read_back = views(None, padding=False)
    assert inference.output_shape() == read_back.output_shape() == (3, 48, 320)
    assert np.array_equal(read_back({"image": long_line})["image"], training({"image": long_line})["image"])
    assert read_back({"image": long_line})["valid_ratio"] == 1
