"""Turning what a class raises because of its values into one line that names the section it was configured in."""

from __future__ import annotations

import dataclasses
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ppocr.errors import ConfigError, PpocrError, Problem

MEMORY_WORDS = re.compile(r"ResourceExhausted|[Oo]ut of memory|bad_alloc|[Cc]annot allocate memory|MemoryError")
LESS_MEMORY = "lower loader.batch_size_per_card or the size of the images or of the network"
_SUMMARY = re.compile(r"Error Message Summary:\s*-*\s*(.+)", re.DOTALL)  # where Paddle's C++ errors begin to speak
_NOISE = re.compile(r"\s*\((at|\[operator).*|\s*\[operator <.*|^\((\w+)\)\s*")
LONGEST = 300


def reason(error: BaseException) -> str:
    """Return what an exception says in one line: its kind, its words, and where it was raised."""
    text = str(error)
    summary = _SUMMARY.search(text)
    lines = [_NOISE.sub("", line).strip() for line in (summary[1] if summary else text).splitlines()]
    said = " ".join(line for line in lines if line)[:LONGEST]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (at {Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{': ' if said else ''}{said}{place}"


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory ran out."""
    return isinstance(error, MemoryError) or MEMORY_WORDS.search(str(error)) is not None


def cannot_be_built(name: str, values: Mapping[str, Any], error: Exception) -> ConfigError:
    """Return the error for a constructor that failed on its values.

    Args:
        name: YAML name of the class.
        values: those the configuration gives.
        error: what the constructor raised.
    """
    given = ", ".join(f"{key}={shortened(value)}" for key, value in values.items()) or "no keys"
    return ConfigError(f"{name} cannot be built with {given}: {reason(error)}", "--debug shows the traceback")


def kind_of(value: Any) -> str:
    """Return what a value is, in YAML's words."""
    if value is None:
        return "null"
    names = {bool: "a bool", int: "an int", float: "a float", str: "a string", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)


def shortened(value: Any, longest: int = 60) -> str:
    """Return a value as Python writes it, cut after `longest` characters."""
    text = repr(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def inside(section: str) -> AbstractContextManager[None]:
    """Say of configuration errors raised in here which section they belong to, unless they say it themselves.

    Args:
        section: dotted key, e.g. "Architecture.Head".
    """
    return _changed(lambda p: p if p.key or p.where else dataclasses.replace(p, key=section))


def located(where: Callable[[str], str]) -> AbstractContextManager[None]:
    """Say of configuration errors raised in here in which file and line their section stands.

    Args:
        where: from a dotted key to "file:line", as `Config.where`.
    """
    return _changed(lambda p: dataclasses.replace(p, where=where(p.key)) if p.key and not p.where else p)


@contextmanager
def _changed(change: Callable[[Problem], Problem]) -> Iterator[None]:
    """Change the problems of configuration errors raised in here."""
    try:
        yield
    except ConfigError as error:
        again = ConfigError([change(problem) for problem in error.problems], error.hint)
        raise again.with_traceback(error.__traceback__) from error.__cause__


@contextmanager
def running(parts: Mapping[str, Any], where: Callable[[str], str]) -> Iterator[None]:
    """Turn what configured parts raise while they run into one line each; what none of them raises stays as it is.

    Args:
        parts: what was built, by the dotted key of its section.
        where: see `located`.

    Raises:
        ConfigError: a part failed; names its section.
        PpocrError: memory ran out.
    """
    try:
        yield
    except PpocrError:
        raise
    except Exception as error:
        section = section_of(error, parts)
        if is_out_of_memory(error):
            key = f"{section}: " if section else ""
            raise PpocrError(f"{key}out of memory: {reason(error)}", LESS_MEMORY) from error
        if section is None:
            raise
        name = type(parts[section]).__name__
        text = f"{name} fails on what it is given: {reason(error)}"
        absent = [key for key, part in parts.items() if part is None and key.split(".")[0] == section.split(".")[0]]
        without = f", there is no {' and no '.join(absent)}" if absent else ""
        hint = f"its values, or those of the sections before it, do not fit{without}; --debug shows the traceback"
        raise ConfigError([Problem(where(section), section, text)], hint) from error


def section_of(error: BaseException, parts: Mapping[str, Any]) -> str | None:
    """Return the key of the part whose method is innermost in a traceback, or None where none of them is in it."""
    keys = {id(part): key for key, part in parts.items() if part is not None}
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = keys.get(id(frame.f_locals.get("self")), found)
    return found


def cannot_be_imported(file: str, error: Exception) -> ConfigError:
    """Return the error for a file with parts that cannot be imported."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.replace(os.sep, "/").endswith(file)]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return ConfigError(
        f"{file}{f':{line}' if line else ''}: cannot be imported: {type(error).__name__}: {said}",
        "repair the file or remove it; --debug shows the traceback",
    )
