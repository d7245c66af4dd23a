"""A pipeline is compiled once: the transforms it is made of, and those in use, stay as they are."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ppocr.data.transforms.base import Context, Pipeline, Sample, Transform

SPECS: list[Any] = [
    {"DecodeImage": {"img_mode": "RGB"}},
    {"IaaAugment": None},
    {"RecAug": None},
    {"SVTRRecAug": None},
    {"ColorJitter": None},
    {"CTCLabelEncode": None},
    {"RecResizeImg": {"image_shape": [3, 48, 320]}},
    {"KeepKeys": {"keep_keys": ["image", "label", "length", "label_ace"]}},
]


def state(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [copy.copy(vars(transform)) for transform in pipeline.transforms]


def test_views_and_contexts_are_new_objects() -> None:
    pipeline = Pipeline.from_config(SPECS, {"max_text_length": 8})
    before = state(pipeline)
    for view in (pipeline.for_evaluation(), pipeline.for_inference()):
        view.for_inference()
    narrow = Pipeline(pipeline.transforms, Context(time_steps=2, pixels_per_step=4.0))
    assert state(pipeline) == before
    encoders = [p.transforms[5] for p in (pipeline, narrow, Pipeline(narrow.transforms))]
    assert [encoder.max_steps for encoder in encoders] == [None, 2, 2]
    kept = [type(transform).__name__ for transform in pipeline.for_evaluation().transforms]
    assert kept == ["DecodeImage", "IaaAugment", "CTCLabelEncode", "RecResizeImg", "KeepKeys"]


def test_a_transform_knows_what_comes_before_and_after() -> None:
    seen: list[tuple[int, int]] = []

    class Looks(Transform):
        def compiled(self, context: Context) -> Transform:
            seen.append((len(context.before), len(context.after)))
            return self.with_changes(place=len(context.before))

        def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
            sample.setdefault("places", []).append(vars(self)["place"])
            return sample

    given = [Looks(), Looks(), Looks()]
    pipeline = Pipeline(given)
    assert seen == [(0, 2), (1, 1), (2, 0)]
    assert pipeline({})["places"] == [0, 1, 2]
    assert all("place" not in vars(one) for one in given)
