"""No image of a detection set disappears uncounted: one of each kind of trouble, through the real transforms."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.data.loader import BatchLoader
from ppocr.data.transforms.base import Pipeline
from ppocr.engine.data_log import DataLog
from ppocr.engine.distributed import World
from ppocr.errors import DataError
from tests.data.helpers import loader_of

TRANSFORMS = [
    {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
    {"DetLabelEncode": None},
    {"EastRandomCropData": {"size": [96, 64], "max_tries": 5, "keep_ratio": True}},
    {"MakeBorderMap": None},
    {"MakeShrinkMap": None},
    {"KeepKeys": {"keep_keys": ["image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask"]}},
]
GOOD = 9
BOX = [[10, 10], [80, 10], [80, 30], [10, 30]]
SKIPPED = {"missing_file": 1, "empty_file": 1, "undecodable": 1, "no_tab": 1, "bad_label": 1}
NOTED = {"bad_polygon": 1, "repaired_polygon": 1, "all_ignored": 1, "negative": 1}


def label(*regions: list, text: str = "abc") -> str:
    return json.dumps([{"transcription": text, "points": points} for points in regions])


def det_set(folder: Path, labels: list[str]) -> Path:
    """Write an image for each label, and the label file."""
    random = np.random.RandomState(3)
    for number in range(len(labels)):
        cv2.imwrite(str(folder / f"{number}.jpg"), random.randint(0, 255, (80, 120, 3), np.uint8))
    path = folder / "labels.txt"
    path.write_text("".join(f"{n}.jpg\t{one}\n" for n, one in enumerate(labels)), encoding="utf-8")
    return path


def bad_set(folder: Path) -> Path:
    """Write good images and one bad one of each kind."""
    path = det_set(folder, [label(BOX)] * GOOD)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_bytes(b"this is no image")
    crossing = label([BOX[0], BOX[2], BOX[1], BOX[3]])
    lines = [f"missing.jpg\t{label(BOX)}", f"empty.jpg\t{label(BOX)}", f"text.jpg\t{label(BOX)}", "0.jpg no tab"]
    lines += ['1.jpg\t[{"transcription": "a"', f"2.jpg\t{label(BOX, BOX[:2])}", f"3.jpg\t{crossing}"]
    lines += [f"4.jpg\t{label(BOX, text='###')}", "5.jpg\t[]"]
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def real_loader(folder: Path, mode: str, **more: object) -> BatchLoader:
    specs = TRANSFORMS
    if mode == "eval":
        keys = ["image", "shape", "polys", "ignore_tags"]
        specs = [*TRANSFORMS[:2], {"DetResizeForTest": {"image_shape": [64, 96]}}, {"KeepKeys": {"keep_keys": keys}}]
    pipeline = Pipeline.from_config(specs, {})
    pipeline = pipeline.for_evaluation() if mode == "eval" else pipeline
    return loader_of(folder, mode, transforms=pipeline.transforms, **more)


@pytest.mark.parametrize("workers", [0, 2])
def test_training_counts_each_trouble_once(tmp_path: Path, workers: int) -> None:
    path = bad_set(tmp_path)
    loader = real_loader(tmp_path, "train", num_workers=workers, max_bad_ratio=1.0)
    for epoch in (1, 2):
        seen = sum(len(batch["index"]) for batch in loader.epoch(epoch))
        report = loader.report
        assert report.skipped == SKIPPED and report.noted == NOTED
        assert report.used + sum(report.skipped.values()) == report.drawn == seen == GOOD + 9
    text = "\n".join(report.summary_lines())
    for line, reason in ((5, "bad_label: not JSON"), (6, "bad_polygon: fewer than three"), (7, "repaired_polygon")):
        assert f"{path}:{GOOD + line}: {reason}" in text
    loader.close()


def test_evaluation_drops_no_polygon_uncounted(tmp_path: Path) -> None:
    bad_set(tmp_path)
    loader = real_loader(tmp_path, "eval", max_bad_ratio=1.0, shuffle=False)
    batches = list(loader.epoch(1))
    assert loader.report.skipped == SKIPPED and loader.report.noted == NOTED
    regions = [len(polys) for batch in batches for polys in batch["polys"]]
    assert regions == [1] * GOOD + [1, 1, 1, 0], "each readable image once, negatives too"


def test_labels_that_do_not_parse_end_a_run_by_file_and_line(tmp_path: Path) -> None:
    path = det_set(tmp_path, [label(BOX)] * 8 + ["[{", "text"])
    with pytest.raises(DataError, match="2 of 10 samples") as caught:
        list(real_loader(tmp_path, "train").epoch(1))
    assert f"{path}:9: bad_label: not JSON" in str(caught.value) and f"{path}:10: bad_label" in str(caught.value)


@pytest.mark.parametrize(
    "labels, message",
    [
        ([label(BOX, text="###")] * 6, "every text instance is '###' or .* in 6 of 6 images"),
        (
            [label(BOX, text="*"), "[]"] * 3,
            "every text instance is '###' or .* in 3 of 6 images, the other 3 have no text instance",
        ),
        (["[]"] * 6, "none of 6 images has a text instance"),
    ],
)
def test_a_set_without_anything_to_learn_ends_the_run(tmp_path: Path, labels: list[str], message: str) -> None:
    det_set(tmp_path, labels)
    loader = real_loader(tmp_path, "train")
    list(loader.epoch(1))
    with pytest.raises(DataError, match=message):
        DataLog(loader, World()).end_epoch(1)


def test_negatives_beside_one_image_with_text_are_fine(tmp_path: Path) -> None:
    det_set(tmp_path, ["[]"] * 5 + [label(BOX)])
    loader = real_loader(tmp_path, "train")
    batches = list(loader.epoch(1))
    DataLog(loader, World()).end_epoch(1)
    maps = np.concatenate([batch["shrink_map"].numpy() for batch in batches])
    assert maps.shape == (6, 64, 96) and (maps.reshape(6, -1).max(axis=1) > 0).sum() == 1
