"""The views of a pipeline: pixels of evaluation for comparing, the resize that reads best for deployment."""

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.errors import ConfigError

LINE = np.random.default_rng(0).integers(0, 255, (40, 800, 3), np.uint8)  # 960 x 48 with its aspect ratio


def shape_of(pipeline, image=LINE):
    return pipeline({"image": image.copy()})["image"].shape


@pytest.mark.parametrize("name", ["RecResizeImg", "SVTRRecResizeImg"])
def test_long_lines_keep_their_aspect_ratio_in_deployment_alone(name):
    pipeline = Pipeline.from_config([{name: {"image_shape": [3, 48, 320]}}], {"character_dict_path": "dict.txt"})
    assert shape_of(pipeline.for_inference()) == (3, 48, 320)
    deployed = pipeline.for_deployment()
    assert shape_of(deployed) == (3, 48, 960)
    assert shape_of(deployed, LINE[:, :100]) == (3, 48, 320), "the width of the configuration is the least"
    again = Pipeline.from_config(deployed.to_config(), {}).for_deployment()
    assert shape_of(again) == (3, 48, 960) and again.to_config() == deployed.to_config()


def test_lines_that_are_stretched_stay_so():
    pipeline = Pipeline.from_config([{"RecResizeImg": {"image_shape": [3, 48, 320], "padding": False}}], {})
    assert pipeline.for_deployment().to_config() == pipeline.for_inference().to_config()
    assert shape_of(pipeline.for_deployment()) == (3, 48, 320)


def test_a_detector_has_a_resize_of_its_own_in_deployment():
    image = np.zeros((720, 1280, 3), np.uint8)
    pipeline = Pipeline.from_config([{"DetResizeForTest": {"deployment_resize": {"resize_long": 960}}}], {})
    assert shape_of(pipeline.for_inference(), image) == (736, 1312, 3)
    assert shape_of(pipeline.for_deployment(), image) == (640, 1024, 3)
    assert pipeline.for_inference().to_config() == [{"DetResizeForTest": None}], "other runtimes know no such key"
    assert pipeline.for_deployment().to_config() == [{"DetResizeForTest": {"resize_long": 960}}]
    assert shape_of(Pipeline.from_config([{"DetResizeForTest": None}], {}).for_deployment(), image) == (736, 1312, 3)


@pytest.mark.parametrize(
    ("resize", "said"),
    [
        ({"resize_lang": 960}, "resize_lang: unknown key, did you mean resize_long"),
        ({"resize_long": 0}, "resize_long: expected"),
    ],
)
def test_a_wrong_resize_is_refused(resize, said):
    with pytest.raises(ConfigError, match=said):
        Pipeline.from_config([{"DetResizeForTest": {"deployment_resize": resize}}], {})
