"""Label files as memory maps: ten million lines cost two file mappings, shared by all workers, and no Python object."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ppocr.errors import DataError

_BLOCK = 1 << 22  # bytes searched at a time: bounds the memory of the search, not its result
_NEWLINE, _RETURN = 10, 13
_BOM = b"\xef\xbb\xbf"


class LineFile:
    """The non-empty lines of a text file, by number.

    The text is memory-mapped, and so are the start offsets, which lie in a temporary file without a
    name: it is shared with forked workers, holds no anonymous memory and disappears with the process.

    Args:
        path: a UTF-8 text file; CR LF endings, a byte-order mark and a missing last line end are fine.

    Raises:
        DataError: the file is missing, empty or not text.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._text = _map_text(self.path)
        self._offsets, self._blank = _find_lines(self.path, self._text)
        if not len(self._offsets):
            raise DataError(f"label file {self.path} holds no line", "each line is: image path, tab, label")

    def __len__(self) -> int:
        return len(self._offsets)

    def line(self, number: int) -> bytes:
        """Return the bytes of a non-empty line, counted from 0, without its line end.

        Raises:
            DataError: the file is shorter than when it was opened; reading on could end the process.
        """
        if self._text.size() < len(self._text):
            raise DataError(
                f"label file {self.path} was cut: {self._text.size()} bytes, {len(self._text)} when it was opened",
                "start or resume the run with it, and edit a copy while a run uses the file",
            )
        start = int(self._offsets[number])
        end = self._text.find(b"\n", start)
        line = self._text[start:] if end < 0 else self._text[start:end]
        return line[:-1] if line.endswith(b"\r") else line

    def where(self, number: int) -> str:
        """Return "file:line" of a non-empty line, counting lines as an editor does."""
        before = np.searchsorted(self._blank - np.arange(len(self._blank)), number, side="right")
        return f"{self.path}:{number + int(before) + 1}"

    def __reduce__(self) -> tuple[type[LineFile], tuple[str]]:
        return LineFile, (self.path,)  # workers that are not forked search the lines anew


def _map_text(path: str) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise DataError(f"label file {path} is empty", "each line is: image path, tab, label")
            text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"label file {path} does not exist", "check label_file_list in the config") from None
    except OSError as error:
        raise DataError(f"label file {path} cannot be read: {error.strerror}", "check label_file_list") from None
    head = text[:4096]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        raise DataError(f"label file {path} is not UTF-8 text", "save it as UTF-8; UTF-16 and binary files do not work")
    return text


def _find_lines(path: str, text: mmap.mmap) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets of the non-empty lines, mapped, and the numbers of the empty lines."""
    dtype = np.uint32 if len(text) < 2**32 else np.uint64
    blank: list[np.ndarray] = []
    lines = 0
    try:
        with tempfile.TemporaryFile(prefix="ppocr-index-") as file:
            for starts, ends in _line_blocks(text):
                empty = _is_empty(text, starts, ends)
                blank.append(np.flatnonzero(empty) + lines)
                lines += len(ends)
                file.write(starts[~empty].astype(dtype).tobytes())
            file.flush()
            found = np.memmap(file, dtype, "r") if file.tell() else np.zeros(0, dtype)  # outlives the open file
        return found, np.concatenate(blank) if blank else np.zeros(0, np.int64)
    except OSError as error:
        raise DataError(
            f"the line index of {path} cannot be written to {tempfile.gettempdir()}: {error.strerror}",
            "set TMPDIR to a folder with space: an index takes 4 bytes a line, 8 in files over 4 GB",
        ) from error


def _line_blocks(text: mmap.mmap) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the start and end offsets of successive runs of lines."""
    size = len(text)
    begin = len(_BOM) if text[:3] == _BOM else 0  # where the line in progress starts
    for block in range(0, size, _BLOCK):
        data = np.frombuffer(text, np.uint8, min(_BLOCK, size - block), block)
        ends = np.flatnonzero(data == _NEWLINE) + block
        if block + len(data) == size and text[size - 1] != _NEWLINE:
            ends = np.append(ends, size)  # the last line has no line end
        if len(ends):
            yield np.concatenate(([begin], ends[:-1] + 1)), ends
            begin = int(ends[-1]) + 1


def _is_empty(text: mmap.mmap, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    empty = ends <= starts
    for i in np.flatnonzero(ends - starts == 1):
        empty[i] = text[int(starts[i])] == _RETURN
    return empty
