"""Small data sets and transforms for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ppocr.config.sections import DataSection, LoaderSection
from ppocr.data.loader import BatchLoader, build_loader
from ppocr.data.transforms.base import Pipeline, Sample, Transform
from ppocr.errors import SampleError


class Decode(Transform):
    """Decode an image to float32 [3, 8, 16]."""

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        try:
            image = cv2.imdecode(np.frombuffer(sample["image"], np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            image = None
        if image is None:
            raise SampleError("undecodable", "not an image")
        sample["image"] = cv2.resize(image, (16, 8)).astype(np.float32).transpose(2, 0, 1)
        sample.pop("img_path", None)
        sample["label"] = np.full(4, len(sample["text"]), np.int64)
        return sample


class Noise(Transform):
    """Add random numbers, and the epoch where asked for."""

    random = True
    epoch = 0

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        assert rng is not None
        sample["image"] = sample["image"] + rng.standard_normal(sample["image"].shape).astype(np.float32)
        sample["epoch"] = self.epoch
        return sample

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


class Fail(Transform):
    """Fail as a broken transform does, on one text."""

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        if sample["text"] == "crash":
            raise ZeroDivisionError("division by zero")
        return sample


def make_images(folder: Path, count: int = 20) -> Path:
    """Write images and a label file "labels.txt"; return the label file."""
    random = np.random.RandomState(3)
    lines = []
    for i in range(count):
        cv2.imwrite(str(folder / f"word {i}.png"), random.randint(0, 255, (8, 16, 3), np.uint8))
        lines.append(f"word {i}.png\tlabel {i}")
    path = folder / "labels.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def section(folder: Path, label_file: Any = None, **options: Any) -> DataSection:
    """Return a config section; options are those of the loader."""
    loader = {"batch_size_per_card": 4, "shuffle": True, "drop_last": False, "num_workers": 0, **options}
    dataset: dict[str, Any] = {"name": "SimpleDataSet", "data_dir": str(folder), "transforms": []}
    dataset["label_file_list"] = label_file or [str(folder / "labels.txt")]
    return DataSection(dataset, LoaderSection(**loader))


def loader_of(
    folder: Path, mode: str = "train", transforms: Any = None, label_file: Any = None, **more: Any
) -> BatchLoader:
    """Return a loader over a folder made by `make_images`."""
    known = ("seed", "rank", "world_size", "max_bad_ratio")
    arguments = {"seed": 1, **{k: more.pop(k) for k in known if k in more}}
    pipeline = Pipeline([Decode(), Noise()] if transforms is None else transforms)
    return build_loader(section(folder, label_file, **more), pipeline, mode=mode, **arguments)
