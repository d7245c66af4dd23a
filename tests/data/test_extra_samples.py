"""Samples that are mixed into others: which they are, how they are prepared, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.lmdb_dataset import LMDBDataSet
from ppocr.data.lmdb_writer import write_lmdb
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.base import Pipeline, Sample, Transform
from ppocr.errors import ConfigError
from tests.data.helpers import loader_of

DETECTION: list[Any] = [{"DecodeImage": {"img_mode": "BGR"}}, {"DetLabelEncode": None}, {"CopyPaste": None}]
AUGMENTED = [*DETECTION, {"IaaAugment": None}, {"EastRandomCropData": {"size": [64, 64]}}]


class Mix(Transform):
    """Keep which samples came along, and their first pixel."""

    random = True
    extra_samples = 2

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        extras = sample.pop("ext_data")
        sample["extras"] = [(extra["index"], extra["text"]) for extra in extras]
        sample["pixels"] = [np.asarray(extra["image"]) for extra in extras]
        return sample


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = []
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i}.jpg"), rng.integers(0, 256, (120, 160, 3)).astype(np.uint8))
        points = [[10, 10], [60, 10], [60, 30], [10, 30]]
        lines.append(f"{i}.jpg\t{json.dumps([{'transcription': f'text {i}', 'points': points}])}")
    (tmp_path / "labels.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def dataset(folder: Path, transforms: list[Any], **options: Any) -> SimpleDataSet:
    pipeline = Pipeline(
        [t if isinstance(t, Transform) else Pipeline.from_config([t], {}).transforms[0] for t in transforms]
    )
    return SimpleDataSet(str(folder), str(folder / "labels.txt"), pipeline=pipeline, seed=5, **options)


def test_extra_samples_depend_on_epoch_and_number_only(pages: Path) -> None:
    one, two = (dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1) for _ in range(2))
    order = [(1, i) for i in range(12)]
    extras = {key: one[key].sample["extras"] for key in order}
    assert {key: two[key].sample["extras"] for key in reversed(order)} == extras
    assert one[2, 3].sample["extras"] != extras[1, 3]
    drawn = {number for pair in extras.values() for number, _ in pair}
    assert len(drawn) > 7  # of 12 samples, 24 draws
    drawn_twice = {key: one[2, key[1]].sample["extras"] for key in order}
    assert all(number != i for (_, i), pair in [*extras.items(), *drawn_twice.items()] for number, _ in pair)
    assert all(f"text {number}" in text for pair in extras.values() for number, text in pair)
    assert all(len(pair) == 2 for pair in extras.values())


def test_extra_samples_are_decoded_even_where_the_sample_itself_is_left_pending(pages: Path) -> None:
    transforms = [DETECTION[0], DETECTION[1], {"IaaAugment": None}, {"EastRandomCropData": {"size": [64, 64]}}]
    found = dataset(pages, [*transforms, Mix()], ext_op_transform_idx=1)[1, 0].sample
    assert all(pixels.shape == (120, 160, 3) and pixels.dtype == np.uint8 for pixels in found["pixels"])


def test_bad_extra_samples_are_left_out_and_not_counted(pages: Path) -> None:
    for i in range(1, 12):
        (pages / f"{i}.jpg").write_bytes(b"broken")
    draws = [dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1)[epoch, 0] for epoch in range(8)]
    assert all(draw.skipped is None and not draw.noted for draw in draws)
    assert min(len(draw.sample["extras"]) for draw in draws) == 0


def test_copy_paste_in_the_official_order(pages: Path) -> None:
    data = SimpleDataSet(str(pages), str(pages / "labels.txt"), pipeline=Pipeline.from_config(DETECTION, {}), seed=5)
    texts = [data[1, i].sample["texts"] for i in range(12)]
    assert all(own[0] == f"text {i}" for i, own in enumerate(texts))
    assert sum(len(own) == 2 for own in texts) > 6


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_batches_with_any_number_of_workers(pages: Path, workers: int) -> None:
    transforms = Pipeline.from_config([*AUGMENTED, {"KeepKeys": {"keep_keys": ["image"]}}], {}).transforms
    loader = loader_of(pages, transforms=transforms, num_workers=workers)
    totals = [float(batch["image"].numpy().astype(np.float64).sum()) for batch in loader.epoch(1)]
    loader.close()
    again = loader_of(pages, transforms=transforms)
    assert totals == [float(batch["image"].numpy().astype(np.float64).sum()) for batch in again.epoch(1)]


def test_too_few_prepared_are_all_before_the_one_that_mixes(pages: Path) -> None:
    one, two = (dataset(pages, AUGMENTED, ext_op_transform_idx=count) for count in (1, 2))
    assert one.prepared == two.prepared == 2
    assert all(np.array_equal(one[1, i].sample["image"], two[1, i].sample["image"]) for i in range(12))


def test_a_set_of_one_has_no_other(pages: Path) -> None:
    (pages / "labels.txt").write_text("0.jpg\t[]", encoding="utf-8")
    assert dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1)[1, 0].sample["extras"] == []


def test_lmdb_samples_can_be_mixed_too(pages: Path) -> None:
    write_lmdb(str(pages / "labels.txt"), str(pages), str(pages / "lmdb"))
    pipeline = Pipeline([*Pipeline.from_config(DETECTION[:1], {}).transforms, Mix()])
    found = LMDBDataSet(str(pages / "lmdb"), pipeline=pipeline)[1, 0].sample
    assert len(found["extras"]) == 2


def test_copy_paste_is_left_out_of_evaluation() -> None:
    assert Pipeline.from_config(DETECTION, {}).for_evaluation().extra_samples == 0


@pytest.mark.parametrize(
    "transforms, prepared, said",
    [
        (DETECTION, 3, "ext_op_transform_idx: 3 .* CopyPaste .* number 3.*at most 2"),
        (
            [DETECTION[0], DETECTION[2], DETECTION[1]],
            1,
            "before CopyPaste do not make polys.*put what makes them before CopyPaste",
        ),
    ],
)
def test_what_cannot_work_is_refused(pages: Path, transforms: list[Any], prepared: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        dataset(pages, transforms, ext_op_transform_idx=prepared)
