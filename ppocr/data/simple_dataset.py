"""Data sets of image files and label files: one line per image, path, tab, label."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ppocr.config.ranges import Whole
from ppocr.data.dataset import IndexedDataset
from ppocr.data.index import LineFile
from ppocr.data.transforms.base import Sample
from ppocr.errors import ConfigError, DataError, SampleError
from ppocr.registry import DATASETS
from ppocr.utils.encoding import not_utf8
from ppocr.utils.image_io import read_image_bytes
from ppocr.utils.paths import image_path

SAVE_AS_UTF8 = "save the label file as UTF-8"
_LOOKED_AT = 16  # lines examined at start, evenly spread


@DATASETS.register("SimpleDataSet")
@dataclass(eq=False)
class SimpleDataSet(IndexedDataset):
    """Images named by label files.

    A line is `image path`, delimiter, `label`; the path is relative to `data_dir`, or a JSON list of
    paths one of which is taken at random.

    Args:
        data_dir: folder the image paths start from.
        label_file_list: one label file or several.
        delimiter: what stands between path and label.
        ratio_list, ext_op_transform_idx, cache, pipeline, mode, seed: see `IndexedDataset`.

    Raises:
        ConfigError: not as many ratios as files.
        DataError: a label file or every image looked at is missing, or no line has a delimiter.
    """

    data_dir: str = ""
    label_file_list: str | Sequence[str] = ()
    _: KW_ONLY
    delimiter: str = "\t"
    ext_op_transform_idx: Whole = 2

    def __post_init__(self) -> None:
        paths = [self.label_file_list] if isinstance(self.label_file_list, str) else list(self.label_file_list)
        if not paths:
            raise ConfigError("SimpleDataSet.label_file_list is empty", "name at least one label file")
        if not self.delimiter:
            raise ConfigError("SimpleDataSet.delimiter is empty", "leave it out for a tab")
        self._separator = self.delimiter.encode()
        self.files = [LineFile(path) for path in paths]
        for file in self.files:
            self._look_at(file)
        self.number(paths, [len(file) for file in self.files], f"label_file_list has {len(paths)} entries")

    def read(self, index: int, choice: int, pixels: np.ndarray | None = None) -> Sample:
        """Return `image` (file bytes or the pixels given), `text`, `label`, `img_path` of a line; see the base."""
        file, line = self.locate(index)
        path, label = self._split(self.files[file].line(line))
        alternatives = _alternatives(path)
        path = image_path(self.data_dir, alternatives[choice % len(alternatives)])
        image = read_image_bytes(path) if pixels is None else pixels
        return {"image": image, "text": label, "label": label, "img_path": path}

    def has_one_image(self, index: int) -> bool:
        """Return whether a line names one image, not several to choose from."""
        file, line = self.locate(index)
        return not self.files[file].line(line).startswith(b"[")

    def describe(self, index: int) -> str:
        """Return "label file:line" of a sample."""
        file, line = self.locate(index)
        return self.files[file].where(line)

    def _split(self, raw: bytes) -> tuple[str, str]:
        path, found, label = raw.partition(self._separator)
        if not found:
            raise SampleError("no_tab", _no_delimiter(raw, self.delimiter))
        if b"\0" in raw:
            raise SampleError("bad_line", f"{raw[:80]!r} holds a zero byte")
        try:
            return path.decode("utf-8"), label.decode("utf-8")
        except UnicodeDecodeError:
            raise SampleError("not_utf8", f"{not_utf8(raw)}: {raw[:80]!r}; {SAVE_AS_UTF8}") from None

    def _look_at(self, file: LineFile) -> None:
        """Look at a few lines spread over a file: one good image among them is enough to start."""
        numbers = sorted({i * (len(file) - 1) // max(1, _LOOKED_AT - 1) for i in range(_LOOKED_AT)})
        lines = [file.line(number) for number in numbers]
        if not any(self._separator in line for line in lines):
            raise DataError(f"{file.where(0)}: {_no_delimiter(lines[0], self.delimiter)}")
        first = problem = None
        for number, line in zip(numbers, lines):
            try:
                paths = [image_path(self.data_dir, p) for p in _alternatives(self._split(line)[0])]
            except SampleError as error:
                problem = problem or f"{file.where(number)}: {error.detail}"
                continue
            if any(map(os.path.isfile, paths)):
                return
            first = first or paths[0]
        if first is None:
            raise DataError(f"{problem}", "no line looked at can be read")
        if self.data_dir and not os.path.isdir(self.data_dir):
            raise DataError(
                f"the image folder {self.data_dir} does not exist; the first image of {file.path} would be {first}",
                "check data_dir",
            )
        raise DataError(
            f"no image of {file.path} was found ({len(lines)} lines tried); the first would be {first}",
            f"paths in the file are taken from data_dir, which is {self.data_dir!r}",
        )


def _alternatives(path: str) -> list[str]:
    """Return the image paths of a line's first field: a JSON list of several, or the one it is."""
    if not path.startswith("["):
        return [path]
    try:
        found = json.loads(path)
    except (ValueError, RecursionError):
        found = None
    names = found if isinstance(found, list) else []
    if "\\" in path and (found is None or any(isinstance(n, str) and not n.isprintable() for n in names)):
        return _alternatives(path.replace("\\", "/"))  # paths of Windows, written into the list as they are
    if found is None:
        return [path]  # a file name may begin with a bracket
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise SampleError("bad_line", f"{path[:80]!r} is not a list of image paths")
    return found


def _no_delimiter(raw: bytes, delimiter: str) -> str:
    line = raw[:120].decode("utf-8", "replace")
    wanted = "tab" if delimiter == "\t" else repr(delimiter)
    found = "; it has spaces instead" if delimiter == "\t" and " " in line.strip() else ""
    return f"no {wanted} between image path and label in {line!r}{found}: write path, {wanted}, label"
