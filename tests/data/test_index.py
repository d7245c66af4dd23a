from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from ppocr.data import index
from ppocr.data.index import LineFile
from ppocr.errors import DataError


def lines_of(file: LineFile) -> list[bytes]:
    return [file.line(i) for i in range(len(file))]


def test_bom_crlf_blank_lines_and_missing_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\r\ntwo\n\n\nthree\r\nx\nfour")
    file = LineFile(path)
    assert lines_of(file) == [b"one", b"two", b"three", b"x", b"four"]
    assert [file.where(i) for i in range(5)] == [f"{path}:{n}" for n in (1, 3, 6, 7, 8)]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_lines_may_cross_the_blocks_searched(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_BLOCK", block)
    random = np.random.RandomState(block)
    text = "".join(random.choice(["a", "b", "\n", "\r\n"], 200))
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    numbered = [(n, line) for n, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1) if line]
    file = LineFile(path)
    assert lines_of(file) == [line.encode() for _, line in numbered]
    assert [file.where(i) for i in range(len(file))] == [f"{path}:{n}" for n, _ in numbered]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n\n", "holds no line"),
        ("a\tb\n".encode("utf-16"), "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not UTF-8"),
        (None, "does not exist"),
    ],
)
def test_a_file_without_lines_is_an_error_naming_it(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        LineFile(path)
    assert str(path) in str(caught.value)


def test_spawned_workers_have_the_same_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\ntwo\n")
    copy = pickle.loads(pickle.dumps(LineFile(path)))
    assert lines_of(copy) == [b"one", b"two"] and copy.where(1) == f"{path}:3"


def test_no_file_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n")
    (tmp_path / "tmp").mkdir()
    code = f"from ppocr.data.index import LineFile; import os; f = LineFile({str(path)!r}); os._exit(0)"
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_no_space_for_the_index_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(DataError, match="TMPDIR"):
        LineFile(path)


@pytest.mark.parametrize("size", [0, 5])
def test_a_file_that_is_cut_while_it_is_used_is_an_error_and_no_bus_error(tmp_path: Path, size: int) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"a.png\ttext\n" * 3000)
    file = LineFile(path)
    assert file.line(2999) == b"a.png\ttext"
    os.truncate(path, size)
    with pytest.raises(DataError, match=f"labels.txt was cut: {size} bytes, 33000 when"):
        file.line(2999)
