"""Samples that are mixed into others: which they are, how they are prepared, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.dataset import shared
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


def steps(transforms: list[Any]) -> list[Transform]:
    return [t if isinstance(t, Transform) else Pipeline.from_config([t], {}).transforms[0] for t in transforms]


def dataset(folder: Path, transforms: list[Any], **options: Any) -> SimpleDataSet:
    pipeline = Pipeline(steps(transforms))
    return SimpleDataSet(str(folder), str(folder / "labels.txt"), pipeline=pipeline, seed=5, **options)


def test_extra_samples_depend_on_epoch_and_number_only(pages: Path) -> None:
    one, two = (dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1) for _ in range(2))
    order = [(1, i) for i in range(12)]
    extras = {key: one.sample(*key).sample["extras"] for key in order}
    assert {key: two.sample(*key).sample["extras"] for key in reversed(order)} == extras
    assert one.sample(2, 3).sample["extras"] != extras[1, 3]
    drawn = {number for pair in extras.values() for number, _ in pair}
    assert len(drawn) > 7  # of 12 samples, 24 draws
    drawn_twice = {key: one.sample(2, key[1]).sample["extras"] for key in order}
    assert all(number != i for (_, i), pair in [*extras.items(), *drawn_twice.items()] for number, _ in pair)
    assert all(f"text {number}" in text for pair in extras.values() for number, text in pair)
    assert all(len(pair) == 2 for pair in extras.values())


def test_extra_samples_are_decoded_even_where_the_sample_itself_is_left_pending(pages: Path) -> None:
    transforms = [DETECTION[0], DETECTION[1], {"IaaAugment": None}, {"EastRandomCropData": {"size": [64, 64]}}]
    found = dataset(pages, [*transforms, Mix()], ext_op_transform_idx=1).sample(1, 0).sample
    assert all(pixels.shape == (120, 160, 3) and pixels.dtype == np.uint8 for pixels in found["pixels"])


def test_bad_extra_samples_are_left_out_and_not_counted(pages: Path) -> None:
    for i in range(1, 12):
        (pages / f"{i}.jpg").write_bytes(b"broken")
    draws = [dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1).sample(epoch, 0) for epoch in range(8)]
    assert all(draw.skipped is None and not draw.noted for draw in draws)
    assert min(len(draw.sample["extras"]) for draw in draws) == 0


def arrays_of(folder: Path, transforms: list[Any], epoch: int = 1, start: int = 0, **options: Any) -> list[np.ndarray]:
    """Return the images of an epoch's batches, from a step on."""
    loader = loader_of(folder, transforms=steps([*transforms, {"KeepKeys": {"keep_keys": ["image"]}}]), **options)
    found = [batch["image"].numpy() for batch in loader.epoch(epoch, start)]
    loader.close()
    return found


def all_equal(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return len(some) == len(others) and all(map(np.array_equal, some, others))


MIXED = [*DETECTION[:2], Mix(), {"KeepKeys": {"keep_keys": ["image", "extras"]}}]


@pytest.mark.parametrize("world_size", [1, 2])
def test_samples_mixed_in_are_those_just_before_in_the_epochs_order(pages: Path, world_size: int) -> None:
    for rank in range(world_size):
        loader = loader_of(pages, transforms=steps(MIXED), rank=rank, world_size=world_size)
        order = [int(i) for step in range(len(loader)) for i in loader.sampler.batch(2, step)]
        extras = [[number for number, _ in pair] for batch in loader.epoch(2) for pair in batch["extras"]]
        assert extras[2:] == [[order[i - 1], order[i - 2]] for i in range(2, len(order))]
        assert extras[1][0] == order[0] and order[0] not in extras[0] and order[1] != extras[1][1]


def test_without_shuffling_they_are_drawn(pages: Path) -> None:
    loader = loader_of(pages, transforms=steps(MIXED), shuffle=False, seed=5)
    extras = [pair for batch in loader.epoch(2) for pair in batch["extras"]]
    alone = dataset(pages, MIXED)
    assert extras == [alone.sample(2, i).sample["extras"] for i in range(12)]


@pytest.mark.parametrize("options", [{"num_workers": 1}, {"num_workers": 2}, {"start": 1}, {"start": 2}], ids=str)
@pytest.mark.parametrize("fuse", [True, False], ids=["pending", "pixels"])
def test_a_sample_at_hand_gives_the_same_as_one_decoded_anew(pages: Path, fuse: bool, options: dict[str, Any]) -> None:
    transforms = [*DETECTION, {"IaaAugment": {"fuse": fuse}}, AUGMENTED[-1]]
    whole = arrays_of(pages, transforms)
    assert all_equal(arrays_of(pages, transforms, **options), whole[options.get("start", 0) :])


def test_kept_or_not_kept_is_the_same(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = arrays_of(pages, AUGMENTED)
    monkeypatch.setattr(SimpleDataSet, "_keep", lambda self, key, sample: shared(sample))
    assert all_equal(arrays_of(pages, AUGMENTED), whole)


def test_with_a_cache_samples_are_the_same(pages: Path) -> None:
    made = []
    for cache in (None, {"ram": 0.01}):
        data = dataset(pages, AUGMENTED, cache=cache)
        made.append([data.sample(1, i, None, [i - 1]).sample["image"] for _ in range(2) for i in range(12)])
    assert all_equal(*made)


def test_every_image_is_decoded_once(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    whole = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *args: decoded.append(1) or whole(*args))
    arrays_of(pages, AUGMENTED)
    assert len(decoded) == 12 + 1  # the first one's partner is drawn


def test_a_bad_sample_before_is_left_out_and_the_one_after_is_used(pages: Path) -> None:
    (pages / "3.jpg").write_bytes(b"broken")
    data = dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1)
    assert data.sample(1, 3, None, [2, 1]).skipped is not None
    assert [number for number, _ in data.sample(1, 4, None, [3, 2]).sample["extras"]] == [2]
    assert [number for number, _ in data.sample(1, 5, None, [4, 3]).sample["extras"]] == [4]


def test_what_replaces_a_bad_sample_draws_its_own_partner(pages: Path) -> None:
    (pages / "3.jpg").write_bytes(b"broken")
    data = dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1)
    drawn = [data.sample(epoch, 3, None, [2, 1]) for epoch in range(20)]
    assert all(draw.sample["index"] not in [number for number, _ in draw.sample["extras"]] for draw in drawn)


def test_what_is_kept_is_not_changed(pages: Path) -> None:
    class Damage(Transform):
        def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
            sample["polys"] += 1000
            sample["texts"].append("more")
            return sample

    plain, damaged = (dataset(pages, [*DETECTION, *more]) for more in ([], [Damage()]))
    for data in (plain, damaged):
        data.sample(1, 3, None, [2])
    one, other = (data.sample(1, 4, None, [3]).sample for data in (plain, damaged))
    assert other["texts"] == [*one["texts"], "more"] and len(one["texts"]) == 2
    assert np.array_equal(other["polys"], one["polys"] + 1000)


def test_copy_paste_in_the_official_order(pages: Path) -> None:
    data = SimpleDataSet(str(pages), str(pages / "labels.txt"), pipeline=Pipeline.from_config(DETECTION, {}), seed=5)
    texts = [data.sample(1, i).sample["texts"] for i in range(12)]
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
    assert all(np.array_equal(one.sample(1, i).sample["image"], two.sample(1, i).sample["image"]) for i in range(12))


def test_a_set_of_one_has_no_other(pages: Path) -> None:
    (pages / "labels.txt").write_text("0.jpg\t[]", encoding="utf-8")
    assert dataset(pages, [DETECTION[0], Mix()], ext_op_transform_idx=1).sample(1, 0).sample["extras"] == []


def test_lmdb_samples_can_be_mixed_too(pages: Path) -> None:
    write_lmdb(str(pages / "labels.txt"), str(pages), str(pages / "lmdb"))
    pipeline = Pipeline([*Pipeline.from_config(DETECTION[:1], {}).transforms, Mix()])
    found = LMDBDataSet(str(pages / "lmdb"), pipeline=pipeline).sample(1, 0).sample
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
