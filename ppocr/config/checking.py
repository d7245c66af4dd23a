"""Checking one section of a configuration against a dataclass or a constructor's signature; problems are collected."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ppocr.config.document import Document, KeyPath, dotted
from ppocr.config.sections import UNUSED
from ppocr.config.types import Mismatch, convert
from ppocr.errors import Problem
from ppocr.failures import kind_of
from ppocr.registry import Registry, Unknown, parameters
from ppocr.suggestions import did_you_mean

_OPEN = re.compile(r"\bAny\b|\bdict\b|\bMapping\b|\b(list|Sequence)\b(?!\[)")  # says nothing about the numbers inside


class SectionChecker:
    """Collects the problems of one document, section by section."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.tree = document.tree
        self.problems: list[Problem] = []
        self.warnings: list[str] = [*document.notes]
        self.shared: Any = None  # the Global section, once it is checked
        self.judged: set[KeyPath] = set()  # values that a type says something about
        sections = {name: value for name, value in self.tree.items() if isinstance(value, dict)}
        self.strict = sections.get("Global", {}).get("strict") is not False
        scope = sections.get("Architecture", {}).get("model_type")
        self.scope: str | None = scope if isinstance(scope, str) else None

    def add(self, path: KeyPath, text: str, kind: str = "") -> None:
        self.problems.append(Problem(self.document.where(path), dotted(path), text, kind))

    def unknown_key(self, path: KeyPath, known: Iterable[str], kind: str = "key") -> None:
        names = list(known)
        all_names = f", known: {', '.join(sorted(names))}" if names else ", it has none"
        text = f"unknown key{did_you_mean(str(path[-1]), names) or all_names}"
        if self.strict:
            self.add(path, text, kind)
        else:
            self.warn(path, f"{text}; not read")

    def unused(self, path: KeyPath, why: str = "") -> None:
        self.warn(path, f"accepted, and unused{': ' if why else ''}{why}")

    def unused_values(self, path: KeyPath, section: Any) -> None:
        """Warn about the official keys of a section that ask for something and change nothing."""
        for field in dataclasses.fields(section):
            value = getattr(section, field.name)
            if field.name in UNUSED and value is not None and value is not False and value != field.default:
                self.unused((*path, field.name), UNUSED[field.name])

    def warn(self, path: KeyPath, text: str) -> None:
        self.warnings.append(str(Problem(self.document.where(path), dotted(path), text)))

    def section(self, *path: str, needed: bool = False) -> dict[str, Any]:
        """Return a section by its keys, the last of which may be missing or hold something else: an empty one then."""
        value: Any = self.tree
        for key in path:
            value = value.get(key)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.add(path, f"expected a section, got {kind_of(value)}")
        elif needed:
            self.add(path, "the section is missing")
        return {}

    def value(self, path: KeyPath, value: Any, annotation: Any) -> Any:
        if not _OPEN.search(str(annotation)):
            self.judged.add(path)
        try:
            return convert(value, annotation, self.document.raw.get(path))
        except Mismatch as error:
            self.add((*path, *error.place), error.with_value, "type")
            return value

    def keys(self, path: KeyPath, cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the checked keys of a section that a dataclass describes; one left empty has its default."""
        accepted, _ = parameters(cls)
        found = {}
        for key, value in values.items():
            if key not in accepted:
                self.unknown_key((*path, key), accepted)
            elif value is not None or accepted[key].default in (None, inspect.Parameter.empty):
                found[key] = self.value((*path, key), value, accepted[key].annotation)
        self.required(path, accepted, set(values))
        return found

    def named(self, path: KeyPath, registry: Registry, values: Any = None, extra: type = object) -> dict[str, Any]:
        """Check a section that names a class; see `arguments`."""
        values = self.section(str(path[0]), needed=True) if values is None else values
        if not isinstance(values, dict):
            self.add(path, f"expected a section with a name, got {kind_of(values)}")
            return {}
        if not values and len(path) == 1 and self.tree.get(path[0]) != {}:
            return {}  # that it is missing has been said
        name = values.get("name")
        if not isinstance(name, str):
            self.nameless(path, values, registry.kind)
            return dict(values)
        arguments = {k: v for k, v in values.items() if k != "name"}
        return {"name": name, **self.arguments(path, registry, name, arguments, extra)}

    def nameless(self, path: KeyPath, values: Mapping[str, Any], kind: str) -> None:
        near = difflib.get_close_matches("name", values, n=1, cutoff=0.7)
        if near and near[0] != "name":
            self.add((*path, near[0]), "unknown key, did you mean name?", "key")
        elif "name" in values:
            self.add((*path, "name"), f"expected the name of a {kind}, got {kind_of(values['name'])}", "type")
        else:
            self.add(path, f"name is missing: it says which {kind}", "key")

    def arguments(
        self, path: KeyPath, registry: Registry, name: str, values: Mapping[str, Any], extra: type = object
    ) -> dict[str, Any]:
        """Check the keys of a class's section against its constructor.

        Args:
            path: of the section.
            registry: where the class is found.
            name: of the class.
            values: without the name.
            extra: a dataclass of keys that the builder reads itself.
        """
        cls = registry.find(name, self.scope)
        name_key = ["name"] if (*path, "name") in self.document.places else []  # a transform's is the key above
        if cls is None:
            self.add((*path, *name_key), registry.unknown(name, self.scope), "class")
            return dict(values)
        own, any_key = parameters(cls)
        accepted = {**own, **parameters(extra)[0]}
        ignored = getattr(cls, "ignored_keys", ())
        marks = registry.filled(cls)
        hints = {k: p.annotation for k, p in {**registry.section_keys(cls), **parameters(extra)[0]}.items()}
        found = {}
        left = self.left_behind(path, registry, values)
        for key, value in values.items():
            here = (*path, key)
            if key in left and key not in (*hints, *ignored):
                self.warn(here, f"is of {left[key]}, and not used by {name}")
            elif key in ignored:
                self.unused(here)
            elif key in hints:
                found[key] = self.value(here, value, hints[key])
            elif any_key and key not in marks:
                found[key] = value
            else:
                self.unknown_key(here, [*hints, *ignored, *name_key])
        inside = getattr(cls, "unknown_inside", None)  # for values that have keys of their own
        for found_inside in inside(values) if inside else ():
            below = (*path, *found_inside.place)
            if isinstance(found_inside, Unknown):
                self.unknown_key(below, found_inside.known, found_inside.kind)
            else:
                self.value(below, found_inside.value, found_inside.parameter.annotation)
        given = {k for k in getattr(cls, "from_global", ()) if getattr(self.shared, k, None) is not None}
        given |= {*values, *marks, *getattr(cls, "none_without_global", ())}
        self.required(path, accepted, given)
        return found

    def left_behind(self, path: KeyPath, registry: Registry, keys: Iterable[str]) -> dict[str, str]:
        """Return those of a section's keys that were written for a class which another replaced, and that class."""
        found = {}
        for key in keys:
            name = self.document.written_for.get((*path, key), "")
            cls = registry.find(name, self.scope) if name else None
            if cls is not None and key in (*registry.section_keys(cls), *getattr(cls, "ignored_keys", ())):
                found[key] = name
        return found

    def required(self, path: KeyPath, accepted: Mapping[str, inspect.Parameter], given: set[str]) -> None:
        for key, parameter in accepted.items():
            if parameter.default is inspect.Parameter.empty and key not in given:
                self.add((*path, key), "the key is missing, and has no default", "key")
