"""No sample disappears uncounted: one bad sample of each kind, through the real transforms."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.data.lmdb_writer import write_lmdb
from ppocr.data.loader import BatchLoader, image_shapes
from ppocr.data.samplers import EpochOrder
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.base import Context, Pipeline, Sample
from ppocr.errors import DataError
from tests.data.helpers import loader_of, make_images

TRANSFORMS = [
    {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
    {"CTCLabelEncode": None},
    {"RecResizeImg": {"image_shape": [3, 32, 64]}},
    {"KeepKeys": {"keep_keys": ["image", "label", "length", "valid_ratio"]}},
]
GOOD = 12
SKIPPED = {
    "missing_file": 1,
    "empty_file": 1,
    "too_large": 1,
    "no_tab": 1,
    "too_long": 1,
    "ctc_infeasible": 1,
}


def png_header(width: int, height: int) -> bytes:
    """Return a small PNG that claims to be large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def bad_set(folder: Path) -> Path:
    """Write good samples and one bad one of each kind."""
    make_images(folder, GOOD)
    (folder / "empty.png").write_bytes(b"")
    (folder / "bomb.png").write_bytes(png_header(50000, 50000))
    lines = [f"word {i}.png\tabc{i % 10}" for i in range(GOOD)]
    lines += ["missing.png\ta", "empty.png\ta", "bomb.png\ta", "word 1.png and no tab"]
    lines += ["word 2.png\tab韩c", f"word 3.png\t{'ab' * 20}", f"word 4.png\t{'a' * 20}"]
    path = folder / "labels.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def real_loader(folder: Path, mode: str, **more: object) -> BatchLoader:
    pipeline = Pipeline.from_config(TRANSFORMS, {"max_text_length": 30})
    if mode == "eval":
        pipeline = pipeline.for_evaluation()
    pipeline = Pipeline(pipeline.transforms, Context(time_steps=30, pixels_per_step=4.0))
    return loader_of(folder, mode, transforms=pipeline.transforms, **more)


@pytest.mark.parametrize("workers", [0, 2])
def test_training_counts_each_bad_sample_once(tmp_path: Path, workers: int) -> None:
    path = bad_set(tmp_path)
    loader = real_loader(tmp_path, "train", num_workers=workers, max_bad_ratio=1.0)
    for epoch in (1, 2):
        batches = list(loader.epoch(epoch))
        report = loader.report
        assert report.skipped == SKIPPED
        assert report.noted == {"out_of_dictionary": 1} and report.characters == {"韩": 1}
        assert report.used + sum(report.skipped.values()) == report.drawn == GOOD + 7
        assert sum(len(b["index"]) for b in batches) == GOOD + 7, "a bad sample was replaced"
    text = "\n".join(report.summary_lines())
    for wanted in ("needs 40", "width of 156 would hold it", f"{path}:{GOOD + 4}", "'韩' 1"):
        assert wanted in text
    loader.close()


def test_evaluation_leaves_unreadable_samples_out_and_refuses_no_label(tmp_path: Path) -> None:
    bad_set(tmp_path)
    loader = real_loader(tmp_path, "eval", max_bad_ratio=1.0, shuffle=False)
    seen = np.concatenate([b["index"].numpy() for b in loader.epoch(1)])
    unreadable = {k: SKIPPED[k] for k in ("missing_file", "empty_file", "too_large", "no_tab")}
    assert loader.report.skipped == unreadable
    assert seen.tolist() == [*range(GOOD), GOOD + 4, GOOD + 5, GOOD + 6], "each readable sample once, in order"
    assert loader.report.drawn == len(seen) + sum(unreadable.values())


def test_the_default_ratio_ends_a_run_on_such_data(tmp_path: Path) -> None:
    path = bad_set(tmp_path)
    with pytest.raises(DataError, match="4 of 19 samples") as caught:
        list(real_loader(tmp_path, "train").epoch(1))
    for line, reason in ((1, "missing_file"), (2, "empty_file"), (3, "too_large"), (4, "no_tab")):
        assert f"{path}:{GOOD + line}: {reason}" in str(caught.value)


HOSTILE_PATHS = (
    "[" * 1000,
    '["\\u0000"]',
    '["\\ud800"]',
    "[[]]",
    "[1]",
    "[" + '"a",' * 999 + '"a"]',
    "a" * 5000,
    "/",
    "",
)
HOSTILE_FILES = {
    "dds.png": b"DDS |\0\0\0" + bytes(72) + b" \0\0\0\4\0\0\0JUNK" + bytes(100),
    "flat.png": cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes(),  # its height is made 0 below
    "chunk.png": bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000003000001030802000000f94affffffff002749444154789c63"
    ),
}


def hostile_set(folder: Path) -> int:
    """Write good samples and hostile ones; return how many of these."""
    make_images(folder, GOOD)
    flat = bytearray(HOSTILE_FILES["flat.png"])
    at = flat.index(b"\xff\xc0") + 5
    flat[at : at + 2] = b"\0\0"
    for name, data in {**HOSTILE_FILES, "flat.png": bytes(flat)}.items():
        (folder / name).write_bytes(data)
    lines = [f"word {i}.png\tabc{i % 10}" for i in range(GOOD)] + [
        f"{name}\tab" for name in (*HOSTILE_PATHS, *HOSTILE_FILES)
    ]
    (folder / "labels.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(HOSTILE_PATHS) + len(HOSTILE_FILES)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_whatever_a_sample_raises_is_its_own_problem(tmp_path: Path, mode: str) -> None:
    count = hostile_set(tmp_path)
    loader = real_loader(tmp_path, mode, max_bad_ratio=1.0)
    list(loader.epoch(1))
    report = loader.report
    assert report.drawn == GOOD + count and report.used == GOOD
    assert set(report.skipped) <= {"missing_file", "bad_line", "undecodable"}, report.skipped
    assert report.skipped["undecodable"] == len(HOSTILE_FILES)
    assert all(line.isprintable() for line in report.summary_lines())


def test_so_is_it_in_the_shapes_of_an_evaluation_in_a_cache_and_in_an_lmdb(tmp_path: Path) -> None:
    count = hostile_set(tmp_path)

    class Raising(SimpleDataSet):
        def read(self, index: int, choice: int, pixels: np.ndarray | None = None) -> Sample:
            if index == 1:
                raise RecursionError("too deep")
            return super().read(index, choice, pixels)

    transforms = Pipeline.from_config([{"DecodeImage": None}, {"RecResizeImg": {"image_shape": [3, 32, 64]}}], {})
    dataset = Raising(
        str(tmp_path), str(tmp_path / "labels.txt"), pipeline=transforms, mode="eval", cache={"ram": 0.01}
    )
    shapes = image_shapes(dataset, EpochOrder(dataset.sizes, shuffle=False))
    assert len(shapes) == GOOD + count and shapes[1] == shapes[0]
    drawn = dataset.sample(1, 1)
    assert drawn.sample is None and drawn.skipped is not None and drawn.skipped.reason == "failed"
    written, problems = write_lmdb(str(tmp_path / "labels.txt"), str(tmp_path), str(tmp_path / "lmdb"))
    assert written + len(problems) == GOOD + count and len(problems) == len(HOSTILE_PATHS)
