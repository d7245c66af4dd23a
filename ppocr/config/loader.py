"""Reading configuration files: composed of their bases, overridden, checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ppocr.config.document import BASE, Document, Merged
from ppocr.config.overrides import apply_overrides
from ppocr.config.yaml_reader import parse
from ppocr.errors import ConfigError, Problem
from ppocr.failures import kind_of, shortened
from ppocr.utils.encoding import not_utf8
from ppocr.utils.paths import CONFIGS, nearest_config, resolve_config

if TYPE_CHECKING:
    from ppocr.config.schema import Config

MAX_FILES = 50  # a configuration is composed of
MAX_BYTES = 4 * 2**20


def read_document(path: str | Path) -> Document:
    """Read a configuration file and merge it into its bases; one that ships is found from any folder.

    Raises:
        ConfigError: it or a base is missing, empty, binary, too large or not a configuration.
    """
    return _Composer().read(str(path))


class _Composer:
    """Reads a configuration and the bases it names."""

    def __init__(self) -> None:
        self.open: list[str] = []  # the file asked for, the base being read of it, and so on
        self.files = 0

    def read(self, path: str) -> Document:
        document = parse(_read_text(path), path)
        if BASE not in document.tree:
            return document
        self.open.append(path)
        named = document.tree.pop(BASE)
        composed = Document({})
        names = named if isinstance(named, list) else [named]
        if not names or not all(isinstance(name, str) and name for name in names):
            got = f"{kind_of(named)} {shortened(named)}"
            self.refuse(document.where((BASE,)), f"expected a file or a list of files, got {got}")
        for i, name in enumerate(names):
            composed = Merged(composed, self.base(name, document.where((BASE, i)))).document
        self.open.pop()
        return Merged(composed, document).document

    def base(self, name: str, where: str) -> Document:
        """Read one base.

        Args:
            name: path from the folder of the file that names it; `configs/...` may also be one that ships.
            where: it is named.
        """
        path = os.path.normpath(os.path.join(os.path.dirname(self.open[-1]), os.path.expanduser(name)))
        if Path(name).parts[:1] == (CONFIGS.name,) and not os.path.exists(path):
            path = name
        if any(_same_file(path, other) for other in self.open):
            self.refuse(where, f"{path} is its own base: {' -> '.join([*self.open, path])}")
        self.files += 1
        if self.files > MAX_FILES:
            self.refuse(where, f"more than {MAX_FILES} bases")
        try:
            return self.read(path)
        except ConfigError as error:  # one about the file as a whole says who names it
            problems = [Problem(where, BASE, str(p)) if p.where == path else p for p in error.problems]
            hint = "--print-config prints a configuration complete with its bases, to be used anywhere"
            raise ConfigError(problems, hint if error.hint else "") from error

    def refuse(self, where: str, text: str) -> NoReturn:
        raise ConfigError([Problem(where, BASE, text)])


def _same_file(one: str, other: str) -> bool:
    """Return whether two paths of configurations, the second of one that exists, lead to one file."""
    file = resolve_config(one)
    return os.path.exists(file) and os.path.samefile(file, resolve_config(other))


def _read_text(path: str) -> str:
    try:
        file = resolve_config(path)
        if not file.is_file():
            what = "is a folder" if file.is_dir() else f"does not exist{nearest_config(path)}"
            hint = "configs/README.md lists those that ship"
            raise ConfigError([Problem(path, "", f"the configuration {what}")], hint)
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError([Problem(path, "", f"larger than {MAX_BYTES} bytes: not a configuration")])
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = not_utf8(bytes(error.object))
        raise ConfigError([Problem(path, "", f"not a text file: byte {error.start} is {what}")]) from error
    except OSError as error:
        raise ConfigError([Problem(path, "", f"cannot be read: {error.strerror}")]) from error
    if "\0" in text:
        raise ConfigError([Problem(path, "", "not a text file: it holds a zero byte")])
    return text


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read, override and check a configuration.

    Args:
        path: YAML file.
        overrides: `Section.key=value` strings.

    Raises:
        ConfigError: with every problem found.
    """
    from ppocr.config.checker import check  # imports Paddle

    document = read_document(path)
    apply_overrides(document, overrides)
    return check(document)
