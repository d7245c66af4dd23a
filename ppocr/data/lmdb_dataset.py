"""Data sets in LMDB, in the layout of the deep-text-recognition-benchmark: image-%09d, label-%09d, num-samples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.config.ranges import NonNegative, Whole
from ppocr.data.dataset import IndexedDataset
from ppocr.data.lmdb_file import get_value
from ppocr.data.transforms.base import Pipeline, Sample
from ppocr.declarations import Filled
from ppocr.errors import ConfigError, DataError, SampleError
from ppocr.registry import DATASETS


@DATASETS.register("LMDBDataSet")
class LMDBDataSet(IndexedDataset):
    """Images and labels from every LMDB folder at or under one folder.

    Args:
        data_dir: folder searched, in sorted order.
        ratio_list: share of each LMDB an epoch uses, one number or one per LMDB in that order.
        ext_op_transform_idx: how many transforms run on samples that are mixed into another.
        cache: `{ram: GiB}`: keep so much of the decoded images in memory.
        pipeline: the transforms (filled in by the builder).
        mode: "train" or "eval" (filled in).
        seed: the run's seed (filled in).

    Raises:
        ConfigError: no data_dir, or not as many ratios as LMDBs.
        DataError: no folder, no LMDB in it, or no sample count in one.
    """

    def __init__(
        self,
        data_dir: str | None,
        ratio_list: NonNegative | Sequence[NonNegative] = 1.0,
        ext_op_transform_idx: Whole = 1,
        cache: Mapping[str, Any] | None = None,
        pipeline: Filled[Pipeline | None] = None,
        mode: Filled[str] = "train",
        seed: Filled[int] = 0,
    ) -> None:
        self.folders = _find_folders(data_dir)
        if not isinstance(ratio_list, (int, float)) and len(ratio_list) != len(self.folders):
            raise ConfigError(
                f"{data_dir} holds {len(self.folders)} LMDBs and ratio_list {len(ratio_list)} ratios: "
                f"{self.folders} and {list(ratio_list)}",
                "give one ratio per LMDB, or one number for all",
            )
        sizes = [_count(folder) for folder in self.folders]
        super().__init__(sizes, ratio_list, pipeline, mode, seed, ext_op_transform_idx)
        self.keep_pixels(cache)

    def read(self, index: int, choice: int, pixels: np.ndarray | None = None) -> Sample:
        """Return `image` (file bytes, or the pixels given), `text` and `label` of an entry; see the base class."""
        folder, number = self.locate(index)
        image = get_value(self.folders[folder], b"image-%09d" % (number + 1)) if pixels is None else pixels
        label = get_value(self.folders[folder], b"label-%09d" % (number + 1))
        if image is None or label is None:
            raise SampleError("missing_key", "no image" if image is None else "no label")
        try:
            text = label.decode("utf-8")
        except UnicodeDecodeError:
            raise SampleError("not_utf8", repr(label[:80])) from None
        return {"image": image, "text": text, "label": text}

    def describe(self, index: int) -> str:
        """Return "folder:image-number" of a sample."""
        folder, number = self.locate(index)
        return f"{self.folders[folder]}:image-{number + 1:09d}"


def _find_folders(data_dir: str | None) -> list[str]:
    if not data_dir:  # official configurations leave it open
        raise ConfigError("LMDBDataSet.data_dir is empty", "name the folder that holds the LMDBs")
    if not os.path.isdir(data_dir):
        raise DataError(f"the LMDB folder {data_dir} does not exist", "check data_dir")
    found = sorted(folder for folder, _, files in os.walk(data_dir, followlinks=True) if "data.mdb" in files)
    if not found:
        raise DataError(f"no LMDB (data.mdb) in or under {data_dir}", "check data_dir, or make one: tools/make_lmdb.py")
    return found


def _count(folder: str) -> int:
    try:
        found = get_value(folder, b"num-samples")
    except SampleError as error:
        raise DataError(f"the LMDB {error.detail}", "the file is damaged: copy or make it again") from None
    if found is None or not found.isdigit() or int(found) == 0:
        raise DataError(f"the LMDB {folder} has no sample count under num-samples: {found!r}", "make it again")
    return int(found)
