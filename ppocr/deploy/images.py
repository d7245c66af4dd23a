"""Which images a command reads, its results file, and label files."""

from __future__ import annotations

import contextlib
import glob
import os
from pathlib import Path
from typing import TextIO

from ppocr.errors import DataError
from ppocr.utils.encoding import not_utf8
from ppocr.utils.paths import image_path

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm", ".gif")
LIST_SUFFIXES = (".txt", ".list", ".lst")


def list_images(place: str | Path, listed: str | Path | None = None, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """Return the images a user names.

    Args:
        place: an image, a folder (searched to any depth, sorted by path), a pattern (`scans/*.png`, sorted likewise;
            `**` stands for folders of any depth), or a text file that lists images.
        listed: a text file that lists images, as `Global.infer_list`; `place` is then the folder its
            relative paths start from. Only what stands before the first tab of a line is read, so a
            label file does as well.
        suffixes: of the files to find in a folder, lower case.

    Raises:
        DataError: nothing is there, or it holds no image.
    """
    if listed:
        return _read_list(Path(listed), Path(place) if place else Path())
    path = Path(place)
    if path.is_dir():
        found = sorted(str(p) for p in path.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
        if not found:
            raise DataError(f"{place}: holds no image ({', '.join(suffixes)})")
        return found
    if not path.exists():
        matches = sorted(p for p in glob.iglob(str(place), recursive=True) if os.path.isfile(p))
        if matches:
            return matches
        raise DataError(f"{place}: no such image or folder", "paths start from the folder the command runs in")
    return _read_list(path, Path()) if path.suffix.lower() in LIST_SUFFIXES else [str(place)]


def _read_list(path: Path, folder: Path) -> list[str]:
    try:
        lines = _lines(path)
    except UnicodeDecodeError as err:
        raise DataError(f"{path}: cannot be read as a list of images: {not_utf8(bytes(err.object))}") from err
    except OSError as err:
        raise DataError(f"{path}: cannot be read as a list of images: {err.strerror or err}") from err
    names = [line.split("\t")[0].strip() for line in lines]
    found = [str(Path(image_path(str(folder), name))) for name in names if name]
    if not found:
        raise DataError(f"{path}: lists no image")
    return found


def _lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file; only a line feed ends one, unlike in `str.splitlines`."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")  # reading has turned CR LF into LF
    return lines if lines[-1] else lines[:-1]


class ResultsFile:
    """A results file that is written result by result, so that a run that is ended keeps those it has.

    The file is made with its first line: a run without any leaves an earlier run's file alone.

    Args:
        path: the file; its folder is created. None for no file.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = Path(path) if path else None
        self._file: TextIO | None = None

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, line: str) -> None:
        """Write a line.

        Raises:
            DataError: the file cannot be written.
        """
        if self._path is None:
            return
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("w", encoding="utf-8", newline="\n")
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError as err:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):  # the same error again: closing tries to write what is left
                if file is not None:
                    file.close()
            reason = err.strerror or err
            raise DataError(f"{self._path}: cannot be written: {reason}", "set Global.save_res_path") from err


def read_labels(path: str | Path, folder: str | Path) -> list[tuple[str, str]]:
    """Return (image path, text) of each line of a label file.

    Args:
        path: `image path<TAB>text` per line.
        folder: where the paths start from.

    Raises:
        DataError: it cannot be read, or a line has no tab.
    """
    try:
        lines = _lines(Path(path))
    except UnicodeDecodeError as err:
        raise DataError(f"{path}: cannot be read as a label file: {not_utf8(bytes(err.object))}") from err
    except OSError as err:
        raise DataError(f"{path}: cannot be read as a label file: {err.strerror or err}") from err
    pairs = []
    for number, row in enumerate(lines, start=1):
        name, tab, text = row.partition("\t")
        if not tab:
            raise DataError(f"{path}:{number}: no tab between path and text: {row[:80]!r}")
        pairs.append((str(Path(image_path(str(folder), name))), text))
    if not pairs:
        raise DataError(f"{path}: lists no image")
    return pairs
