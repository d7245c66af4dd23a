"""Reading YAML safely, with the place of every key, and `-o` overrides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ppocr.errors import ConfigError, Problem

if TYPE_CHECKING:
    from ppocr.config.schema import Config

KeyPath = tuple[Any, ...]  # keys and list indices from the root, e.g. ("Train", "dataset", "transforms", 1)

MAX_BYTES = 4 * 2**20
MAX_NODES = 200_000  # after aliases are written out: stops "billion laughs"
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + kind for kind in ("null", "bool", "int", "float", "str")}


class _Loader(yaml.SafeLoader):
    """YAML's safe loader with the numbers of YAML 1.2: 1e-3 is a number, 010 is ten, 12:30 is a text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag.rsplit(":", 1)[1] in ("bool", "null", "merge")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_INTEGER = re.compile(r"[-+]?[0-9]+$|0o[0-7]+$|0x[0-9a-fA-F]+$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
_Loader.add_implicit_resolver(_TAG + "int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver(_TAG + "float", _FLOAT, list("-+.0123456789"))


def _integer(loader: yaml.Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_Loader.add_constructor(_TAG + "int", _integer)


@dataclass
class Document:
    """A configuration as read: plain containers, and where each key stands.

    Args:
        tree: the root mapping.
        places: "file:line" by key path.
        raw: text of the values set with `-o`, by key path.
    """

    tree: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)
    raw: dict[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """Return the place of a key, or of the nearest section around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return ""


class _Reader:
    """Turns one YAML text into a Document."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.loader = _Loader(text)
        self.document = Document({})
        self.nodes = 0
        self.open: set[int] = set()
        self.problems: list[Problem] = []

    def read(self) -> Any:
        try:
            node = self.loader.get_single_node()
            if node is None:
                return None
            return self.value(node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{self.name}:{mark.line + 1}" if mark else self.name
            what = " ".join(str(p) for p in (error.context, error.problem) if p)
            raise ConfigError([Problem(where, "", f"not valid YAML: {what}")]) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError([Problem(self.name, "", f"not valid YAML: {reason}")]) from error

    def place(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ConfigError([Problem(self.place(node), "", f"more than {MAX_NODES} values: aliases repeat too much")])
        if id(node) in self.open:
            raise ConfigError([Problem(self.place(node), "", "an alias contains itself")])
        self.document.places.setdefault(path, self.place(node))
        if isinstance(node, yaml.ScalarNode):
            if node.tag not in _PLAIN_TAGS:
                self.refuse_tag(node)
            return self.loader.construct_object(node)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                if node.tag != _TAG + "seq":
                    self.refuse_tag(node)
                return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
            if node.tag != _TAG + "map":
                self.refuse_tag(node)
            return self.mapping(node, path)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged = [child for key, child in node.value if key.tag == _TAG + "merge"]
        for key_node, child in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            key = self.key(key_node)
            line = key_node.start_mark.line + 1
            if key in lines:
                raise ConfigError(
                    [Problem(f"{self.name}:{line}", dotted((*path, key)), f"given twice, first in line {lines[key]}")]
                )
            lines[key] = line
            self.document.places[(*path, key)] = f"{self.name}:{line}"
            found[key] = self.value(child, (*path, key))
        for source in merged:
            for part in source.value if isinstance(source, yaml.SequenceNode) else [source]:
                if not isinstance(part, yaml.MappingNode):
                    raise ConfigError([Problem(self.place(part), dotted(path), "<< merges mappings only")])
                for key, value in self.mapping(part, path).items():
                    found.setdefault(key, value)
        return found

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _PLAIN_TAGS:
            self.refuse_tag(node)
        return node.value

    def refuse_tag(self, node: yaml.Node) -> None:
        raise ConfigError(
            [
                Problem(
                    self.place(node), "", f"the YAML tag {node.tag!r} is not allowed: configurations hold plain values"
                )
            ]
        )


def dotted(path: KeyPath) -> str:
    """Return a key path as it is written in messages and overrides."""
    return ".".join(map(str, path))


def parse(text: str, name: str) -> Document:
    """Read a configuration from a text.

    Raises:
        ConfigError: it is not valid YAML, not a mapping, or not plain values.
    """
    reader = _Reader(text, name)
    tree = reader.read()
    if tree is None:
        raise ConfigError([Problem(name, "", "the file is empty")])
    if not isinstance(tree, dict):
        raise ConfigError([Problem(name, "", f"a configuration is a mapping of sections, not {kind_of(tree)}")])
    reader.document.tree = tree
    return reader.document


def kind_of(value: Any) -> str:
    """Return what a value is, in YAML's words."""
    if value is None:
        return "null"
    names = {bool: "a bool", int: "an int", float: "a float", str: "a string", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)


def read_document(path: str | Path) -> Document:
    """Read a configuration file.

    Raises:
        ConfigError: it is missing, empty, binary, too large or not a configuration.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ConfigError(
            [Problem(str(path), "", f"the configuration {what}")], "configs/README.md lists those that ship"
        )
    if file.stat().st_size > MAX_BYTES:
        raise ConfigError([Problem(str(path), "", f"larger than {MAX_BYTES} bytes: not a configuration")])
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), "", f"not a text file: byte {error.start} is not UTF-8")]) from error
    except OSError as error:
        raise ConfigError([Problem(str(path), "", f"cannot be read: {error.strerror}")]) from error
    if "\0" in text:
        raise ConfigError([Problem(str(path), "", "not a text file: it holds a zero byte")])
    return parse(text, str(path))


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Set values given as `Section.key=value`.

    A list item is named by its index, or a transform in a list by its name. Only the first `=` separates.

    Raises:
        ConfigError: an override is not of that form, or leads through a value that is no section.
    """
    problems = []
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name.strip():
            problems.append(Problem(f"-o {override}", "", "overrides are written Section.key=value"))
            continue
        try:
            _set(document, name.strip(), text)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def _set(document: Document, name: str, text: str) -> None:
    value = _Reader(text, f"-o {name}").read() if text.strip() else None
    here: Any = document.tree
    path: KeyPath = ()
    *parents, last = name.split(".")
    for part in parents:
        key = _key_in(here, part, name, path)
        if isinstance(here, dict):
            below = here.get(key)
            if below is None:
                below = here[key] = {}
        else:
            below = here[key]
        path = (*path, key)
        here = below
    key = _key_in(here, last, name, path)
    here[key] = value
    path = (*path, key)
    for old in [p for p in document.places if p[: len(path)] == path]:
        del document.places[old]
    document.places[path] = f"-o {name}"
    document.raw[path] = text


def _key_in(here: Any, part: str, name: str, path: KeyPath) -> Any:
    """Return the key or index that one part of an override means."""
    if isinstance(here, dict):
        return part
    if isinstance(here, list):
        if part.isdigit() and int(part) < len(here):
            return int(part)
        named = [i for i, item in enumerate(here) if isinstance(item, dict) and part in item]
        if len(named) == 1:
            raise ConfigError(
                [
                    Problem(
                        f"-o {name}",
                        "",
                        f"{dotted(path)} is a list: {part} is item {named[0]}, write {dotted((*path, named[0], part))}",
                    )
                ]
            )
        raise ConfigError(
            [Problem(f"-o {name}", "", f"{dotted(path)} is a list of {len(here)} items, 0 to {len(here) - 1}")]
        )
    raise ConfigError([Problem(f"-o {name}", "", f"{dotted(path)} is {kind_of(here)}, not a section")])


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read, override and check a configuration.

    Args:
        path: YAML file.
        overrides: `Section.key=value` strings.

    Raises:
        ConfigError: with every problem found.
    """
    from ppocr.config.checker import check

    document = read_document(path)
    apply_overrides(document, overrides)
    return check(document)
