"""Lines put behind one another: texts and images together, within bounds."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.rec_concat import RecConAug
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS


def line(text: str, width: int, grey: int, height: int = 32) -> dict[str, Any]:
    return {"image": np.full((height, width, 3), grey, np.uint8), "label": text, "text": text}


def lengthened(*others: dict[str, Any], first: dict[str, Any] | None = None, seed: int = 0, **options: Any) -> dict:
    options = {"prob": 1.0, "image_shape": [32, 320, 3], "ext_data_num": 2, **options}
    sample = {**(first or line("ab", 64, 10)), "ext_data": list(others)}
    return RecConAug(**options)(sample, np.random.default_rng(seed))


def test_texts_and_images_are_joined() -> None:
    out = lengthened(line("cd", 40, 20, height=64), line("ef", 32, 30))
    assert out["label"] == out["text"] == "abcdef" and "ext_data" not in out
    assert out["image"].shape == (32, 64 + 20 + 32, 3) and out["image"].dtype == np.uint8
    assert out["image"][0, [0, 63, 64, 83, 84, 115], 0].tolist() == [10, 10, 20, 20, 30, 30]


def test_text_of_a_script_that_runs_to_the_left_begins_behind() -> None:
    assert lengthened(line("cd", 32, 20), line("ef", 32, 30), text_direction="rtl")["label"] == "efcdab"


@pytest.mark.parametrize(
    "others, options, text",
    [
        ([line("cdefg", 32, 0), line("h", 32, 0)], {"max_text_length": 6}, "ab"),
        ([line("cd", 240, 0), line("e", 32, 0)], {}, "abcd"),
        ([line("cd", 257, 0), line("e", 32, 0)], {}, "ab"),
        ([], {}, "ab"),
    ],
    ids=["too long a text", "just wide enough", "too wide", "nothing to add"],
)
def test_bounds(others: list, options: dict, text: str) -> None:
    out = lengthened(*others, **options)
    assert out["label"] == out["text"] == text
    if text == "ab":
        assert out["image"].shape == (32, 64, 3)


def test_probability_is_honoured() -> None:
    changed = sum(lengthened(line("c", 32, 0), prob=0.3, seed=i)["label"] == "abc" for i in range(500))
    assert abs(changed - 150) < 45


def test_global_bounds_the_text_and_evaluation_is_left_alone() -> None:
    specs = [{"RecConAug": {"ext_data_num": 3, "max_text_length": 25, "image_shape": [48, 320, 3]}}]
    pipeline = Pipeline.from_config(specs, {"max_text_length": 7})
    step: Any = pipeline.transforms[0]
    assert pipeline.extra_samples == 3 and step.max_text_length == 7 and pipeline.random
    assert step.for_evaluation() is None and step.for_inference() is None


def test_a_data_set_gives_other_lines(tmp_path) -> None:
    from ppocr.data.simple_dataset import SimpleDataSet

    rows = []
    for i in range(6):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((32, 40 + i, 3), 40 * i, np.uint8))
        rows.append(f"{i}.png\t{i}\n")
    (tmp_path / "labels.txt").write_text("".join(rows), encoding="utf-8")
    specs = [{"DecodeImage": {"img_mode": "BGR"}}, {"RecConAug": {"prob": 1.0, "ext_data_num": 2}}]
    made = [
        SimpleDataSet(
            str(tmp_path),
            str(tmp_path / "labels.txt"),
            ext_op_transform_idx=1,
            seed=2,
            pipeline=Pipeline.from_config(specs, {}),
        )
        for _ in range(2)
    ]
    for index in range(6):
        first, again = (dataset.sample(1, index).sample for dataset in made)
        assert first is not None and again is not None
        assert first["text"] == again["text"] and len(first["text"]) == 3 and first["text"][0] == str(index)
        assert np.array_equal(first["image"], again["image"])
        assert first["image"][0, 0, 0] == 40 * index


@pytest.mark.parametrize("wrong", [{"prob": 2}, {"image_shape": [32, 320]}, {"ext_data_num": 0}])
def test_wrong_values_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TRANSFORMS.build({"name": "RecConAug", **wrong})
