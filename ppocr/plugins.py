"""A user's own parts, imported from the folders that `Global.plugins` or `--plugins` names."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ppocr.errors import ConfigError
from ppocr.failures import cannot_be_imported
from ppocr.registry import PLUGINS


def import_plugins(folders: Sequence[str]) -> None:
    """Import every Python file of some folders, so that the classes registered in them can be named.

    A folder is a package: its files may import each other with `from .other import name`. What it holds is run: only
    a configuration or an argument of the user's names one, never an `inference.yml`. A folder is imported once.

    Args:
        folders: paths, relative ones from the working directory.

    Raises:
        ConfigError: no such folder, no Python file in it, or a file that cannot be imported.
    """
    for folder in folders:
        _import_folder(Path(folder))


def _import_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder", "paths start from the folder the command runs in")
    name = PLUGINS + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    if name in sys.modules:
        return
    files = sorted(module.name for module in pkgutil.iter_modules([str(folder)]))
    if not files:
        raise ConfigError(f"{folder}: holds no Python file", "name the folder the files with your classes lie in")
    start = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None  # its name says that it is Python
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    try:
        if start.is_file():
            _run(start, spec.loader.exec_module, package)
        for file in files:
            _run(folder / f"{file}.py", importlib.import_module, f"{name}.{file}")
    except ConfigError:
        del sys.modules[name]
        raise


def _run(file: Path, importing: object, argument: object) -> None:
    try:
        importing(argument)  # type: ignore[operator]
    except Exception as error:  # a user's file may raise anything
        raise cannot_be_imported(str(file), error) from error
