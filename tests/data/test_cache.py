"""The cache of decoded images: same samples as without, one memory for all processes, never more than its size."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.config.loader import load_config
from ppocr.data.cache import PixelCache, estimate
from ppocr.data.lmdb_dataset import LMDBDataSet
from ppocr.data.lmdb_writer import write_lmdb
from ppocr.data.loader import BatchLoader, build_loader
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.base import Pipeline, Sample, Transform
from ppocr.errors import ConfigError, DataError
from ppocr.utils import image_io
from tests.data.helpers import section

DECODE: dict[str, Any] = {"DecodeImage": {"img_mode": "BGR"}}
STEPS = [
    DECODE,
    {"DetLabelEncode": None},
    {"CopyPaste": None},
    {"IaaAugment": {"augmenter_args": [{"type": "Fliplr", "args": {"p": 0.5}}, {"type": "Resize", "args": [1.5, 3]}]}},
    {"EastRandomCropData": {"size": [64, 64]}},
    {"KeepKeys": {"keep_keys": ["image"]}},
]
COUNT = 12
GIB = float(1 << 30)


class Whole(Transform):
    """Shrink to one size, without pending changes: every image is decoded in full."""

    random = True

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        assert rng is not None
        sample["image"] = cv2.resize(sample["image"], (32, 32)) ^ np.uint8(rng.integers(256))
        return {key: sample[key] for key in ("image", "text", "index", "notes")}


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = []
    for i in range(COUNT):
        cv2.imwrite(str(tmp_path / f"{i}.jpg"), rng.integers(0, 256, (96 + 8 * (i % 3), 128, 3)).astype(np.uint8))
        points = [[10, 10], [60, 10], [60, 30], [10, 30]]
        lines.append(f"{i}.jpg\t{json.dumps([{'transcription': f'text {i}', 'points': points}])}")
    (tmp_path / "labels.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def pipeline_of(steps: list[Any]) -> Pipeline:
    built = [s if isinstance(s, Transform) else Pipeline.from_config([s], {}).transforms[0] for s in steps]
    return Pipeline(built)


def loader_of(folder: Path, steps: list[Any], ram: float = 0.0, mode: str = "train", **options: Any) -> BatchLoader:
    config = section(folder, **options)
    config.dataset.update(cache={"ram": ram} if ram else None)
    return build_loader(config, pipeline_of(steps), mode=mode, seed=4)


def digests(loader: BatchLoader, epoch: int) -> list[str]:
    return [hashlib.sha256(batch["image"].numpy().tobytes()).hexdigest() for batch in loader.epoch(epoch)]


def two_epochs(loader: BatchLoader) -> list[list[str]]:
    found = [digests(loader, epoch) for epoch in (1, 2)]
    loader.close()
    return found


@pytest.mark.parametrize("steps", [STEPS, [DECODE, Whole()]], ids=["pending", "pixels"])
@pytest.mark.parametrize("mode", ["BGR", "RGB", "GRAY"])
def test_same_batches_with_and_without_in_any_number_of_workers(pages: Path, steps: list[Any], mode: str) -> None:
    steps = [{"DecodeImage": {"img_mode": mode}}, *steps[1:]]
    expected = two_epochs(loader_of(pages, steps))
    assert expected[0] != expected[1]
    assert two_epochs(loader_of(pages, steps, 0.1)) == expected
    assert two_epochs(loader_of(pages, steps, 0.1, num_workers=2)) == expected
    some = (64 + 16 * COUNT + 3.5 * 128 * 104 * 3) / GIB
    assert two_epochs(loader_of(pages, steps, some, num_workers=2)) == expected


def test_images_are_decoded_once_by_whichever_process(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = loader_of(pages, [DECODE, Whole()], 0.1, num_workers=2)
    digests(loader, 1)
    cache = loader.dataset._cache
    assert len(cache) == COUNT and cache.used == 64 + 16 * COUNT + sum(
        3 * 128 * (96 + 8 * (i % 3)) for i in range(COUNT)
    )
    for file in pages.glob("*.jpg"):
        expected = cv2.imread(str(file))
        assert np.array_equal(cache.get(int(file.stem)), expected)
        file.unlink()  # nothing is read any more
    digests(loader, 2)
    assert len(cache) == COUNT and loader.report.bad == 0
    loader.close()


def test_what_is_full_takes_no_more(pages: Path) -> None:
    size = 64 + 16 * COUNT + 4 * 128 * 104 * 3
    loader = loader_of(pages, [DECODE, Whole()], size / GIB, num_workers=2)
    for epoch in (1, 2, 3):
        digests(loader, epoch)
    cache = loader.dataset._cache
    assert 4 <= len(cache) <= 5 and cache.used <= cache.size <= size
    loader.close()


def test_pixels_cannot_be_written_into(pages: Path) -> None:
    class Careless(Transform):
        def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
            sample["image"] += 1
            return sample

    data = SimpleDataSet(
        str(pages), str(pages / "labels.txt"), cache={"ram": 0.1}, pipeline=pipeline_of([DECODE, Careless()])
    )
    for _ in range(2):  # the first time it is decoded for the cache, the second it comes from there
        with pytest.raises(DataError, match=r"labels.txt:1: failed: ValueError: .*read-only"):
            data.sample(1, 0)


@pytest.mark.parametrize(
    "steps",
    [
        [{"RecAug": {"aug_prob": 1.0}}],
        [{"ColorJitter": {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.1}}],
        [{"DetLabelEncode": None}, {"CopyPaste": None}],
        [{"DetLabelEncode": None}, {"IaaAugment": None}],
        [{"DetLabelEncode": None}, {"IaaAugment": {"fuse": False}}, {"EastRandomCropData": {"fuse": False}}],
        [
            {"DetLabelEncode": None},
            {"DetResizeForTest": None},
            {"NormalizeImage": {"order": "hwc"}},
            {"ToCHWImage": None},
        ],
        [{"RecResizeImg": {"image_shape": [3, 32, 100]}}],
        [{"NormalizeImage": {"order": "hwc"}}],
    ],
    ids=lambda steps: next(iter(steps[-1])),
)
def test_our_transforms_leave_cached_pixels_alone(pages: Path, steps: list[Any]) -> None:
    plain, cached = (
        SimpleDataSet(str(pages), str(pages / "labels.txt"), cache=cache, pipeline=pipeline_of([DECODE, *steps]))
        for cache in (None, {"ram": 0.1})
    )
    plain.pipeline.transforms[0]._leave_pending = False
    for epoch in (1, 2):
        for i in range(COUNT):
            assert np.array_equal(cached.sample(epoch, i).sample["image"], plain.sample(epoch, i).sample["image"])
    assert all(np.array_equal(cached._cache.get(i), cv2.imread(str(pages / f"{i}.jpg"))) for i in range(COUNT))


def test_settings_of_the_decoder_hold(pages: Path) -> None:
    small = {"DecodeImage": {"img_mode": "BGR", "max_image_pixels": 100}}
    plain, cached = (
        SimpleDataSet(str(pages), str(pages / "labels.txt"), cache=c, pipeline=pipeline_of([small]), mode="eval")
        for c in (None, {"ram": 0.1})
    )
    skipped = cached.sample(1, 0).skipped
    assert skipped.reason == "too_large" and skipped == plain.sample(1, 0).skipped and len(cached._cache) == 0
    for content, reason in ((b"", "empty_file"), (b"broken", "undecodable"), (None, "missing_file")):
        path = pages / "3.jpg"
        path.unlink() if content is None else path.write_bytes(content)
        assert (
            cached.sample(1, 3).skipped == plain.sample(1, 3).skipped and cached.sample(1, 3).skipped.reason == reason
        )


def test_a_line_with_several_images_is_not_kept(pages: Path) -> None:
    (pages / "labels.txt").write_text('["0.jpg", "1.jpg"]\t[]\n1.jpg\t[]\n', encoding="utf-8")
    data = SimpleDataSet(str(pages), str(pages / "labels.txt"), cache={"ram": 0.1}, pipeline=pipeline_of([DECODE]))
    shapes = {data.sample(epoch, 0).sample["image"].shape[0] for epoch in range(12)}
    assert shapes == {96, 104} and data.sample(1, 1).sample["image"].shape[0] == 104
    assert data._cache.get(0) is None and data._cache.get(1) is not None


def test_lmdb_and_evaluation(pages: Path) -> None:
    write_lmdb(str(pages / "labels.txt"), str(pages), str(pages / "lmdb"))
    config = section(pages)
    config.dataset = {"name": "LMDBDataSet", "data_dir": str(pages / "lmdb"), "cache": {"ram": 0.1}}
    found = two_epochs(build_loader(config, pipeline_of([DECODE, Whole()]), mode="eval", seed=4))
    del config.dataset["cache"]
    assert found == two_epochs(build_loader(config, pipeline_of([DECODE, Whole()]), mode="eval", seed=4))
    data = LMDBDataSet(str(pages / "lmdb"), cache={"ram": 0.1}, pipeline=pipeline_of([DECODE]))
    assert (
        np.array_equal(data.sample(1, 3).sample["image"], data.sample(2, 3).sample["image"]) and len(data._cache) == 1
    )


def test_a_set_that_does_not_fit_is_reported_once(pages: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ppocr")
    size = 64 + 16 * COUNT + 3 * 128 * 104 * 3
    loader = loader_of(pages, [DECODE, Whole()], size / GIB, num_workers=2)
    two_epochs(loader)
    reported = [record.message for record in caplog.records if "dataset.cache" in record.message]
    assert len(reported) == 1 and "about 25% of the 12 images fit" in reported[0]
    caplog.clear()
    loader_of(pages, [DECODE, Whole()], 0.1)
    assert not [record for record in caplog.records if "dataset.cache" in record.message]


def test_more_than_the_machine_has_is_reported(
    pages: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ppocr.data.cache.available_bytes", lambda: 1000)
    loader_of(pages, [DECODE, Whole()], 0.1)
    assert "the system may end the run" in caplog.text


def test_estimate_looks_at_headers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cv2.imencode(".png", np.zeros((20, 30, 3), np.uint8))[1].tobytes()
    monkeypatch.setattr(image_io, "decode_image", None)
    seen: list[int] = []
    assert estimate(lambda i: seen.append(i) or data, 1000) == 600_000
    assert len(seen) == 64 and seen == sorted(seen) and seen[-1] > 900
    assert estimate(lambda i: b"nothing", 10) == 0


@pytest.mark.parametrize(
    "cache, said",
    [
        ({"rma": 2}, r"dataset.cache.rma: unknown key, did you mean ram\?"),
        ({"ram": "much"}, "dataset.cache.ram: 'much' is not a number of GiB"),
        ({"ram": -1}, "-1 is not"),
        ({"ram": True}, "True is not"),
        ({"ram": float("inf")}, "inf is not"),
        (2, "dataset.cache: 2 is no section"),
        ({"ram": 1e-9}, "the list of 12 images"),
        ({"ram": 1e12}, "are not to be had"),
    ],
)
def test_what_is_no_cache_is_refused(pages: Path, cache: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SimpleDataSet(str(pages), str(pages / "labels.txt"), cache=cache, pipeline=pipeline_of([DECODE]))


def test_a_pipeline_that_does_not_decode_is_refused(pages: Path) -> None:
    with pytest.raises(ConfigError, match="do not begin with DecodeImage"):
        SimpleDataSet(str(pages), str(pages / "labels.txt"), cache={"ram": 1}, pipeline=pipeline_of([Whole()]))


@pytest.mark.parametrize("cache", [None, {}, {"ram": 0}])
def test_off(pages: Path, cache: Any) -> None:
    data = SimpleDataSet(str(pages), str(pages / "labels.txt"), cache=cache, pipeline=pipeline_of([DECODE]))
    assert data._cache is None and data.sample(1, 0).sample["image"].flags.writeable


def test_the_config_checker_knows_its_keys() -> None:
    name = "configs/rec/PP-OCRv3/en_PP-OCRv3_mobile_rec.yml"
    root = Path(__file__).resolve().parents[2]
    path = next(iter(sorted((root / "configs" / "rec").rglob("*.yml"))), root / name)
    assert load_config(str(path), ["Train.dataset.cache={ram: 2}"]).Train.dataset["cache"] == {"ram": 2}
    with pytest.raises(ConfigError, match=r"Train.dataset.cache.rma.*did you mean ram\?"):
        load_config(str(path), ["Train.dataset.cache={rma: 2}"])


def test_a_process_started_anew_gets_none(pages: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = SimpleDataSet(str(pages), str(pages / "labels.txt"), cache={"ram": 0.1}, pipeline=pipeline_of([DECODE]))
    expected = data.sample(1, 0).sample["image"]
    again = pickle.loads(pickle.dumps(data))
    assert again._cache is None and np.array_equal(again.sample(1, 0).sample["image"], expected)
    assert "decode every image" in caplog.text


def test_workers_that_are_started_anew_decode_for_themselves(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = two_epochs(loader_of(pages, STEPS))
    monkeypatch.setattr("ppocr.data.workers._FORKS", False)
    assert two_epochs(loader_of(pages, STEPS, 0.1, num_workers=1)) == expected


def test_images_added_by_many_processes_at_once_are_whole() -> None:
    cache = PixelCache(1 << 22, 400)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_fill, args=(cache,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    kept = [i for i in range(400) if cache.get(i) is not None]
    assert len(kept) > 200 and all((cache.get(i) == i % 251).all() for i in kept)
    assert cache.used == 64 + 16 * 400 + sum(cache.get(i).nbytes for i in kept) <= 1 << 22


def _fill(cache: PixelCache) -> None:
    for i in range(400):
        cache.add(i, np.full((40 + i % 7, 90, 3), i % 251, np.uint8))
        found = cache.get(i)
        assert found is None or (found == i % 251).all()


def test_a_lock_that_is_never_given_back_ends_the_adding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppocr.data.cache._PATIENCE_SECONDS", 0.01)
    cache = PixelCache(1 << 16, 4)
    image = np.zeros((8, 8, 3), np.uint8)
    cache.add(0, image)
    cache._lock.acquire()
    cache.add(1, image)
    cache.add(2, image)
    assert len(cache) == 1 and np.array_equal(cache.get(0), image)
