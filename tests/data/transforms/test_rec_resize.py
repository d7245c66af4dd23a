"""Resizing of text lines against the reference numbers, and the views built from it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.rec_resize import RecResizeImg, SVTRRecResizeImg
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


@pytest.mark.parametrize("case", cases("SVTRRecResizeImg"))
def test_svtr_resize_img(case) -> None:
    check(SVTRRecResizeImg(**case["args"])({"image": pixels(case["input"])}), case["output"])


@pytest.mark.parametrize("case", cases("RecResizeImg_gray"))
def test_rec_resize_img_of_grey_images(case) -> None:
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


def views(shared: dict[str, str], **args: object) -> tuple[Pipeline, Pipeline, Pipeline]:
    """Return the pipeline of a configuration, its inference view, and that view read back from its own list."""
    pipeline = Pipeline.from_config([{"RecResizeImg": {"image_shape": [3, 48, 320], **args}}], shared)
    inference = pipeline.for_inference()
    return pipeline, inference, Pipeline.from_config(inference.to_config(), {})


@pytest.mark.parametrize(
    "args, width", [({}, 320), ({"padding": False}, 320), ({"eval_mode": True}, 720), ({"infer_mode": True}, 720)]
)
def test_deployed_pixels_are_those_of_evaluation(args: dict[str, bool], width: int) -> None:
    pipeline, inference, read_back = views({"character_dict_path": "some_dict.txt"}, **args)
    line = synth("synth_20x300")
    expected = pipeline({"image": line})
    assert expected["image"].shape == (3, 48, width)
    for view in (inference, read_back):
        out = view({"image": line})
        assert np.array_equal(out["image"], expected["image"]) and out["valid_ratio"] == expected["valid_ratio"]
        assert view.output_shape() == (3, 48, 320 if width == 320 else -1)
    assert "character_dict_path" not in str(inference.to_config())


def test_infer_mode_frees_the_width_only_with_a_dictionary() -> None:
    assert views({}, infer_mode=True)[0].output_shape() == (3, 48, 320)
    assert views({"character_dict_path": "some_dict.txt"}, infer_mode=True)[0].output_shape() == (3, 48, -1)


@pytest.mark.parametrize("width", [1, 2, 177, 320])
def test_tables_and_arithmetic_agree(width: int) -> None:
    line = synth(f"synth_48x{width}")
    from_bytes, from_floats = (
        RecResizeImg([3, 48, 320])({"image": line.astype(kind)})["image"] for kind in (np.uint8, np.float32)
    )
    assert np.array_equal(from_bytes, from_floats)
    assert np.array_equal(np.rint((from_bytes[:, :, :width] + 1) * 127.5), line.transpose(2, 0, 1))
