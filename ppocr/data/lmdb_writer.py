"""Writing a label file and its images as an LMDB that LMDBDataSet reads."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from ppocr.data.problems import SampleProblem
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.errors import DataError, SampleError, one_sample
from ppocr.utils.atomic import atomic_folder

_AT_ONCE = 1000  # samples per transaction
_MAP_SIZE = 1 << 40  # bytes of addresses, not of memory or disk


def write_lmdb(label_file: str, data_dir: str, folder: str) -> tuple[int, list[SampleProblem]]:
    """Copy the images and labels of a label file into an LMDB.

    Args:
        label_file: lines of image path, tab, label.
        data_dir: folder the image paths start from.
        folder: where the LMDB is made; must not hold one yet.

    Returns:
        How many samples were written, and what is wrong with those left out.

    Raises:
        DataError: the folder holds an LMDB already, it cannot be written (a full disk, for one), or no line could be
            read; what was begun is removed then.
    """
    import lmdb

    source = SimpleDataSet(data_dir, label_file, mode="eval")
    target = Path(folder) / "data.mdb"
    if target.exists():
        raise DataError(f"{folder} holds an LMDB already", "remove it or choose another folder")
    with atomic_folder(target.parent) as temporary:
        try:
            # nobody else writes here: no lock file, whose memory map would make a full disk a bus error
            with contextlib.closing(lmdb.open(str(temporary), map_size=_MAP_SIZE, lock=False)) as environment:
                written, problems = _copy(source, environment)
        except lmdb.Error as error:
            (temporary / target.name).unlink(missing_ok=True)
            raise DataError(
                f"{target}: cannot be written: {error} ({shutil.disk_usage(temporary).free / 1e6:.1f} MB are free on "
                "that disk)",
                "make room or choose another folder; what was begun is removed",
            ) from error
        if not written:
            raise DataError(f"no line of {label_file} could be read; first: {problems[0]}")
    return written, problems


def _copy(source: SimpleDataSet, environment: Any) -> tuple[int, list[SampleProblem]]:
    """Put all samples that can be read into an open LMDB, and their number last; see `write_lmdb`."""
    written, problems = 0, []
    for first in range(0, len(source), _AT_ONCE):
        with environment.begin(write=True) as transaction:
            for index in range(first, min(first + _AT_ONCE, len(source))):
                try:
                    with one_sample():
                        sample = source.read(index, 0)
                except SampleError as error:
                    problems.append(SampleProblem(error.reason, source.describe(index), error.detail))
                    continue
                written += 1
                transaction.put(b"image-%09d" % written, sample["image"])
                transaction.put(b"label-%09d" % written, sample["text"].encode("utf-8"))
    with environment.begin(write=True) as transaction:
        transaction.put(b"num-samples", str(written).encode())
    return written, problems
