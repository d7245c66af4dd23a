"""A configuration as read, with the place of every key, and its merging into the one it is based on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ppocr.errors import ConfigError, Problem

KeyPath = tuple[Any, ...]  # keys and list indices from the root, e.g. ("Train", "dataset", "transforms", 1)

BASE = "_BASE_"  # at the root of a file: the file or files it is merged into, as in PaddleDetection
DELETE = "_delete_"  # true in a section: it replaces the base's instead of being merged into it, as in MMEngine


@dataclass
class Document:
    """A configuration as read: plain containers, and where each key stands.

    Args:
        tree: the root mapping.
        places: "file:line" by key path.
        raw: text of the values set with `-o`, by key path.
        notes: what to warn about that was found in reading.
        written_for: by key path, the `name` that stood beside a key until a derived file or `-o` gave another.
    """

    tree: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)
    raw: dict[KeyPath, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    written_for: dict[KeyPath, str] = field(default_factory=dict)

    def rename(self, path: KeyPath, name: Any, old: Mapping[str, Any], kept: Iterable[str]) -> None:
        """Note the keys of a section that were written for another class than it names now.

        Args:
            path: of the section.
            name: of its class now.
            old: the section before.
            kept: its keys that keep their values.
        """
        before = old.get("name")
        if isinstance(name, str) and isinstance(before, str) and name != before:
            for key in kept:
                self.written_for.setdefault((*path, key), before)

    def where(self, path: KeyPath) -> str:
        """Return the place of a key, or of the nearest section around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return ""


def dotted(path: KeyPath) -> str:
    """Return a key path as it is written in messages and overrides."""
    return ".".join(map(str, path))


class Merged:
    """A document merged into its base: sections key by key, all else replaced; every value keeps its place.

    Args:
        base: the configuration merged into.
        derived: the one whose values win.
    """

    def __init__(self, base: Document, derived: Document) -> None:
        self.base = base
        self.derived = derived
        self.document = Document({})
        self.document.tree = self.section((), base.tree, derived.tree)

    def section(self, path: KeyPath, old: Any, new: dict[str, Any]) -> dict[str, Any]:
        delete = new.get(DELETE, False)
        if not isinstance(delete, bool):
            where = self.derived.where((*path, DELETE))
            raise ConfigError([Problem(where, dotted((*path, DELETE)), f"expected true or false, got {delete!r}")])
        old = old if isinstance(old, dict) and not delete else {}
        self.place(path, self.derived)
        found: dict[str, Any] = {}
        for key in dict.fromkeys((*old, *new)):
            here = (*path, key)
            if key not in new:
                found[key] = self.whole(here, old[key], self.base)
            elif isinstance(new[key], dict):
                found[key] = self.section(here, old.get(key), new[key])
            elif key != DELETE:
                found[key] = self.whole(here, new[key], self.derived)
        self.document.rename(path, new.get("name"), old, [key for key in old if key not in new])
        return found

    def whole(self, path: KeyPath, value: Any, source: Document) -> Any:
        """Return a value as it is, and note the places of all that is in it."""
        self.place(path, source)
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in items:
            self.whole((*path, key), child, source)
        return value

    def place(self, path: KeyPath, source: Document) -> None:
        self.document.places[path] = source.where(path)
        if path in source.written_for:
            self.document.written_for[path] = source.written_for[path]
