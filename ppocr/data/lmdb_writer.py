"""Writing a label file and its images as an LMDB that LMDBDataSet reads."""

from __future__ import annotations

import os
from pathlib import Path

from ppocr.data.problems import Problem
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.errors import DataError, SampleError, one_sample

_AT_ONCE = 1000  # samples per transaction


def write_lmdb(label_file: str, data_dir: str, folder: str) -> tuple[int, list[Problem]]:
    """Copy the images and labels of a label file into an LMDB.

    Args:
        label_file: lines of image path, tab, label.
        data_dir: folder the image paths start from.
        folder: where the LMDB is made; must not hold one yet.

    Returns:
        How many samples were written, and what is wrong with those left out.

    Raises:
        DataError: the folder holds an LMDB already, or no line could be read.
    """
    import lmdb

    source = SimpleDataSet(data_dir, label_file, mode="eval")
    if (Path(folder) / "data.mdb").exists():
        raise DataError(f"{folder} holds an LMDB already", "remove it or choose another folder")
    os.makedirs(folder, exist_ok=True)
    written, problems = 0, []
    environment = lmdb.open(folder, map_size=1 << 40)
    try:
        for first in range(0, len(source), _AT_ONCE):
            with environment.begin(write=True) as transaction:
                for index in range(first, min(first + _AT_ONCE, len(source))):
                    try:
                        with one_sample():
                            sample = source.read(index, 0)
                    except SampleError as error:
                        problems.append(Problem(error.reason, source.describe(index), error.detail))
                        continue
                    written += 1
                    transaction.put(b"image-%09d" % written, sample["image"])
                    transaction.put(b"label-%09d" % written, sample["text"].encode("utf-8"))
        with environment.begin(write=True) as transaction:
            transaction.put(b"num-samples", str(written).encode())
    finally:
        environment.close()
    if not written:
        raise DataError(f"no line of {label_file} could be read; first: {problems[0]}")
    return written, problems
