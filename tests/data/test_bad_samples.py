"""No sample disappears uncounted: one bad sample of each kind, through the real transforms."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from ppocr.data.loader import Loader
from ppocr.data.transforms.base import Pipeline
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


def real_loader(folder: Path, mode: str, **more: object) -> Loader:
    pipeline = Pipeline.from_config(TRANSFORMS, {"max_text_length": 30})
    if mode == "eval":
        pipeline = pipeline.for_evaluation()
    for transform in pipeline.transforms:
        if hasattr(transform, "max_steps"):
            transform.max_steps, transform.pixels_per_step = 30, 4.0
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
