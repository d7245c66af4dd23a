"""Data sets in LMDB, in the layout of the deep-text-recognition-benchmark: image-%09d, label-%09d, num-samples."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ppocr.data.dataset import IndexedDataset
from ppocr.data.lmdb_file import get_value
from ppocr.data.transforms.base import Sample
from ppocr.errors import ConfigError, DataError, SampleError
from ppocr.registry import DATASETS


@DATASETS.register("LMDBDataSet")
@dataclass(eq=False)
class LMDBDataSet(IndexedDataset):
    """Images and labels from every LMDB folder at or under one folder.

    Args:
        data_dir: folder searched, in sorted order.
        ratio_list, ext_op_transform_idx, cache, pipeline, mode, seed: see `IndexedDataset`.

    Raises:
        ConfigError: no data_dir, or not as many ratios as LMDBs.
        DataError: no folder, no LMDB in it, or no sample count in one.
    """

    data_dir: str | None

    def __post_init__(self) -> None:
        self.folders = _find_folders(self.data_dir)
        sizes = [_count(folder) for folder in self.folders]
        self.number(self.folders, sizes, f"{self.data_dir} holds {len(sizes)} LMDBs")

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
