"""Evaluation images of different sizes: grouped by their headers, measured in batches of equal ones, nothing lost."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from ppocr.data.loader import BatchLoader
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.image import DecodeImage, ToCHWImage
from ppocr.engine.evaluator import equal_shapes
from ppocr.errors import DataError
from tests.data.helpers import loader_of

SIZES = [(8, 16), (8, 24), (16, 16), (8, 16), (8, 24), (8, 16), (16, 16), (8, 16), (8, 24)]


class Regions(Transform):
    """Give every image as many regions as its number says."""

    per_sample = ("regions",)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        sample.pop("img_path", None)
        sample["regions"] = np.full((sample["index"] % 3, 2), sample["index"])
        return sample


def mixed(folder: Path, mode: str = "eval", batch: int = 4, **more: object) -> BatchLoader:
    lines = []
    for number, size in enumerate(SIZES):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((*size, 3), number, np.uint8))
        lines.append(f"{number}.png\tlabel {number}")
    lines.insert(4, "missing.png\tlabel")
    (folder / "labels.txt").write_text("\n".join(lines), encoding="utf-8")
    steps = [DecodeImage("BGR"), ToCHWImage(), Regions()]
    return loader_of(folder, mode, steps, batch_size_per_card=batch, shuffle=False, max_bad_ratio=0.5, **more)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch", [1, 4])
def test_every_image_once_in_batches_of_one_size(tmp_path: Path, workers: int, batch: int) -> None:
    loader = mixed(tmp_path, batch=batch, num_workers=workers)
    seen = {}
    for whole in loader.epoch(1):
        for part in equal_shapes(whole) if len(whole["index"]) else ():
            assert isinstance(part["image"], paddle.Tensor) and len(part["image"]) == len(part["text"])
            for image, index, text, regions in zip(
                part["image"].numpy(), part["index"].numpy(), part["text"], part["regions"]
            ):
                number = int(image[0, 0, 0])
                assert text == f"label {number}" and image.shape == (3, *SIZES[number])
                assert regions.shape == (index % 3, 2) and (regions == index).all()
                seen[number] = seen.get(number, 0) + 1
    assert seen == dict.fromkeys(range(len(SIZES)), 1)
    assert loader.report.skipped == {"missing_file": 1}
    loader.close()


def test_images_of_one_size_share_batches_large_ones_first(tmp_path: Path) -> None:
    shapes = [
        whole["image"].shape if isinstance(whole["image"], paddle.Tensor) else [i.shape for i in whole["image"]]
        for whole in mixed(tmp_path, batch=2).epoch(1)
    ]
    assert shapes[0] == [2, 3, 16, 16] and shapes[1] == [2, 3, 8, 24]
    assert sum(isinstance(shape[0], tuple) for shape in shapes) <= 1  # only where one size ends and the next begins


def test_training_says_which_images_do_not_fit_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'image' cannot be stacked.*labels.txt:1.*labels.txt:2"):
        list(mixed(tmp_path, "train").epoch(1))
