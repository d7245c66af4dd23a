"""LMDB files that were cut or altered, and disks that fill up: errors, where LMDB itself ends the process."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.data.lmdb_dataset import LMDBDataSet
from ppocr.data.lmdb_writer import write_lmdb
from ppocr.errors import DataError, SampleError
from tests.data.helpers import make_images

COUNT = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lmdb")
    make_images(folder, COUNT)
    assert write_lmdb(str(folder / "labels.txt"), str(folder), str(folder / "db"))[0] == COUNT
    return folder


def altered(made: Path, tmp_path: Path, change) -> Path:
    data = bytearray((made / "db" / "data.mdb").read_bytes())
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "data.mdb").write_bytes(change(data))
    return tmp_path / "db"


@pytest.mark.parametrize("share", [0, 4096, 8192, 12288, 0.5, -1])
def test_a_truncated_file_is_an_error_when_it_is_opened(made: Path, tmp_path: Path, share: float) -> None:
    folder = altered(made, tmp_path, lambda d: d[: int(share) if abs(share) >= 1 or not share else len(d) // 2])
    with pytest.raises(DataError, match=f"{folder} (is truncated: data.mdb has|cannot be opened)"):
        LMDBDataSet(str(tmp_path))


def wreck_pages(data: bytearray) -> bytearray:
    """Give every leaf page a type that there is not; the two pages of meta data and the root stay."""
    for page in range(2, len(data) // 4096):
        if data[page * 4096 + 10] == 2:  # the flag of a leaf
            data[page * 4096 + 10] = 0x40
    return data


def lengthen_values(data: bytearray) -> bytearray:
    """Make the first entry of every leaf page two gigabytes long."""
    for page in range(2, len(data) // 4096):
        at = page * 4096
        if data[at + 10] == 2:
            node = at + int.from_bytes(data[at + 16 : at + 18], "little")
            data[node + 3] = 0x70  # the high half of the length of the value
    return data


def test_a_bad_page_is_the_problem_of_the_samples_in_it(made: Path, tmp_path: Path) -> None:
    folder = altered(made, tmp_path, lengthen_values)
    dataset = LMDBDataSet(str(folder), mode="eval")
    found = []
    for index in range(COUNT):
        try:
            dataset.read(index, 0)
        except SampleError as error:
            found.append((error.reason, index, error.detail))
    assert found and len(found) < COUNT and {reason for reason, _, _ in found} == {"bad_page"}
    assert all(str(folder) in detail and f"-{index + 1:09d}: " in detail for _, index, detail in found)


def test_a_file_whose_count_cannot_be_read_says_so(made: Path, tmp_path: Path) -> None:
    folder = altered(made, tmp_path, wreck_pages)
    with pytest.raises(DataError, match=f"the LMDB {folder}: num-samples: mdb_get: MDB_CORRUPTED"):
        LMDBDataSet(str(folder))


def make_in_process(made: Path, out: Path, limit: int | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ppocr", "make_lmdb", "--label_file", str(made / "labels.txt")]
    command += ["--data_dir", str(made), "--out", str(out)]
    limited = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=limited, check=False)


def check_refusal(run: subprocess.CompletedProcess, out: Path) -> None:
    assert run.returncode == 1, run
    assert (
        run.stderr.startswith(f"error: {out}/data.mdb: cannot be written: ") and "are free on that disk" in run.stderr
    )
    assert len(run.stderr.splitlines()) == 2 and "hint: make room" in run.stderr
    assert not list(out.glob("*")), "what was begun is removed"


@pytest.mark.parametrize("limit", [4096, 30_000])
def test_a_file_that_cannot_grow_is_an_error(made: Path, tmp_path: Path, limit: int) -> None:
    check_refusal(make_in_process(made, tmp_path / "out", limit), tmp_path / "out")


@pytest.mark.parametrize("free", [0, 4096, 30_000])
def test_a_full_disk_is_an_error_and_no_bus_error(made: Path, tmp_path: Path, free: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a small disk is not allowed here")
    try:
        (disk / "out").mkdir()
        with open(disk / "fill", "wb") as file:
            file.write(bytes(max(0, os.statvfs(disk).f_bavail * 4096 - free)))
        check_refusal(make_in_process(made, disk / "out"), disk / "out")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_lmdb_is_never_written_over(made: Path) -> None:
    before = (made / "db" / "data.mdb").read_bytes()
    with pytest.raises(DataError, match="holds an LMDB already"):
        write_lmdb(str(made / "labels.txt"), str(made), str(made / "db"))
    assert (made / "db" / "data.mdb").read_bytes() == before
    assert [path.name for path in (made / "db").iterdir()] == ["data.mdb"]
