"""`-o Section.key=value` on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from ppocr.config.document import Document, KeyPath, dotted
from ppocr.config.yaml_reader import parse_value
from ppocr.errors import ConfigError, Problem
from ppocr.failures import kind_of

FORM = "overrides are written Section.key=value"


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Set values given as `Section.key=value`.

    A list item is named by its index. Only the first `=` separates. A value is read as YAML; one that is not
    valid YAML (`*.jpg`) is a text. Of a key given twice, the last value is used, with a warning.

    Raises:
        ConfigError: an override is not of that form, or leads through a value that is no section.
    """
    problems, rest = _spaced(overrides)
    seen: dict[str, str] = {}
    for override in rest:
        name, equals, text = (part.strip() for part in override.partition("="))
        if not equals or not all(name.split(".")):
            problems.append(Problem(f"-o {override}", "", FORM))
            continue
        if name in seen:
            document.notes.append(f"-o {name}: given twice, first as {seen[name]!r}; the last, {text!r}, is used")
        seen[name] = text
        try:
            _set(document, name, text)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def _spaced(overrides: Sequence[str]) -> tuple[list[Problem], list[str]]:
    """Return a problem for each override that the shell took apart at spaces around its `=`, and the others."""
    problems, rest, i = [], list(overrides), 0
    while i + 1 < len(rest):
        first, second = rest[i], rest[i + 1]
        if ("=" not in first and second.startswith("=")) or (first.endswith("=") and "=" not in second):
            parts = rest[i : i + 3] if second == "=" else [first, second]
            problems.append(Problem(f"-o {' '.join(parts)}", "", f"no spaces around =; write {''.join(parts)}"))
            del rest[i : i + len(parts)]
        else:
            i += 1
    return problems, rest


def _set(document: Document, name: str, text: str) -> None:
    value = _override_value(name, text)
    here: Any = document.tree
    path: KeyPath = ()
    *parents, last = name.split(".")
    for part in parents:
        key = _key_in(here, part, name, path)
        path = (*path, key)
        if isinstance(here, dict) and here.get(key) is None:
            here[key] = {}
            document.places.setdefault(path, f"-o {name}")
        here = here[key]
    key = _key_in(here, last, name, path)
    path = (*path, key)
    if key == "name":
        section = path[:-1]
        document.rename(section, value, here, [k for k in here if k != key and (*section, k) not in document.raw])
    here[key] = value
    for known in (document.places, document.raw, document.written_for):
        for old in [p for p in known if p[: len(path)] == path]:
            del known[old]
    document.places[path] = f"-o {name}"
    document.raw[path] = text


def _override_value(name: str, text: str) -> Any:
    try:
        value = parse_value(text, f"-o {name}")
    except ConfigError as error:
        if isinstance(error.__cause__, yaml.MarkedYAMLError):
            return text  # not YAML, so a text: a pattern such as *.jpg, or a list without its end
        raise
    # The shell took the quotes away: what looks like a comment belongs to the text.
    return text if isinstance(value, str) and text[0] not in "'\"|>!&" else value


def _key_in(here: Any, part: str, name: str, path: KeyPath) -> Any:
    """Return the key or index that one part of an override means."""
    if isinstance(here, dict):
        return part
    if not isinstance(here, list):
        what = f"{kind_of(here)}, not a section"
    elif part.isdecimal() and int(part) < len(here):
        return int(part)
    else:
        what = f"a list of {len(here)} items, 0 to {len(here) - 1}" if here else "an empty list"
        named = [i for i, item in enumerate(here) if isinstance(item, dict) and part in item]
        if len(named) == 1:
            what = f"a list: {part} is item {named[0]}, write {dotted((*path, named[0], part))}"
    raise ConfigError([Problem(f"-o {name}", "", f"{dotted(path)} is {what}")])
