"""Reading YAML safely, with the place of every key, and `-o` overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ppocr.errors import ConfigError, Problem
from ppocr.utils.encoding import not_utf8
from ppocr.utils.paths import nearest_config, resolve_config

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


def read_numbers_as_yaml_1_2(cls: Any) -> None:
    """Give a loader or dumper class the numbers of YAML 1.2, so that what one writes the other reads alike."""
    cls.add_implicit_resolver(_TAG + "int", _INTEGER, list("-+0123456789"))
    cls.add_implicit_resolver(_TAG + "float", _FLOAT, list("-+.0123456789"))


read_numbers_as_yaml_1_2(_Loader)


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
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

    def __init__(self, text: str, name: str, loader_class: Any = _Loader) -> None:
        self.name = name
        self.text = text
        self.loader_class = loader_class
        self.document = Document({})
        self.nodes = 0
        self.open: set[int] = set()

    def read(self) -> Any:
        try:
            self.loader = self.loader_class(self.text)
            node = self.loader.get_single_node()
            if node is None:
                return None
            return self.value(node, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = self.line(mark.line + 1) if mark else self.name
            what = " ".join(str(p) for p in (error.context, error.problem) if p)
            raise ConfigError([Problem(where, "", f"not valid YAML: {what}")]) from error
        except yaml.reader.ReaderError as error:
            where = self.line(self.text.count("\n", 0, error.position) + 1)
            what = f"the character {error.character:#04x} is not allowed in YAML"
            raise ConfigError([Problem(where, "", f"not valid YAML: {what}")]) from error
        except RecursionError as error:
            raise ConfigError([Problem(self.name, "", "not valid YAML: nested too deeply")]) from error

    def line(self, number: int) -> str:
        return self.name if self.name.startswith("-o ") else f"{self.name}:{number}"

    def place(self, node: yaml.Node) -> str:
        return self.line(node.start_mark.line + 1)

    @contextmanager
    def inside(self, node: yaml.Node) -> Iterator[None]:
        """Count a node, and keep it open while what it holds is read: an alias to it in there would never end."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise ConfigError([Problem(self.place(node), "", f"more than {MAX_NODES} values: aliases repeat too much")])
        if id(node) in self.open:
            raise ConfigError([Problem(self.place(node), "", "an alias contains itself")])
        self.open.add(id(node))
        yield
        self.open.discard(id(node))

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.document.places.setdefault(path, self.place(node))
        with self.inside(node):
            if isinstance(node, yaml.ScalarNode):
                return self.scalar(node, path)
            if isinstance(node, yaml.SequenceNode):
                if node.tag != _TAG + "seq":
                    self.refuse_tag(node)
                return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
            if node.tag != _TAG + "map":
                self.refuse_tag(node)
            return self.mapping(node, path, ())

    def scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.tag not in _PLAIN_TAGS:
            self.refuse_tag(node)
        try:
            return self.loader.construct_object(node)
        except (ValueError, LookupError) as error:  # a tag that does not fit the text: !!bool maybe, !!float ""
            kind = node.tag.rsplit(":", 1)[1]
            text = f"{node.value[:40]!r} cannot be read as {kind}"
            raise ConfigError([Problem(self.place(node), dotted(path), text)]) from error

    def mapping(self, node: yaml.MappingNode, path: KeyPath, overridden: Iterable[str]) -> dict[str, Any]:
        """Read a mapping, leaving out the keys that the mappings it is merged into set themselves."""
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
                    [Problem(self.line(line), dotted((*path, key)), f"given twice, first in line {lines[key]}")]
                )
            lines[key] = line
            if key in overridden:
                continue
            self.document.places[(*path, key)] = self.line(line)
            found[key] = self.value(child, (*path, key))
        for source in merged:
            for part in source.value if isinstance(source, yaml.SequenceNode) else [source]:
                if not isinstance(part, yaml.MappingNode):
                    raise ConfigError([Problem(self.place(part), dotted(path), "<< merges mappings only")])
                with self.inside(part):
                    found.update(self.mapping(part, path, {*overridden, *found}))
        return found

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise ConfigError([Problem(self.place(node), "", "a key is a word, not a list or a mapping")])
        if node.tag not in _PLAIN_TAGS:
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


def parse(text: str, name: str, loader_class: Any = _Loader) -> Document:
    """Read a configuration from a text.

    Args:
        text: YAML.
        name: of the file, for messages.
        loader_class: one of PyYAML's safe loaders; says what a plain word is.

    Raises:
        ConfigError: it is not valid YAML, not a mapping, or not plain values.
    """
    reader = _Reader(text, name, loader_class)
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
    """Read a configuration file; one that ships is found from any folder.

    Raises:
        ConfigError: it is missing, empty, binary, too large or not a configuration.
    """
    file = resolve_config(path)
    try:
        if not file.is_file():
            what = "is a folder" if file.is_dir() else f"does not exist{nearest_config(path)}"
            raise ConfigError(
                [Problem(str(path), "", f"the configuration {what}")], "configs/README.md lists those that ship"
            )
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError([Problem(str(path), "", f"larger than {MAX_BYTES} bytes: not a configuration")])
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = not_utf8(bytes(error.object))
        raise ConfigError([Problem(str(path), "", f"not a text file: byte {error.start} is {what}")]) from error
    except OSError as error:
        raise ConfigError([Problem(str(path), "", f"cannot be read: {error.strerror}")]) from error
    if "\0" in text:
        raise ConfigError([Problem(str(path), "", "not a text file: it holds a zero byte")])
    return parse(text, str(path))


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Set values given as `Section.key=value`.

    A list item is named by its index. Only the first `=` separates. A value is read as YAML; one that is not
    valid YAML (`*.jpg`) is a text.

    Raises:
        ConfigError: an override is not of that form, or leads through a value that is no section.
    """
    problems = []
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not all(name.strip().split(".")):
            problems.append(Problem(f"-o {override}", "", "overrides are written Section.key=value"))
            continue
        try:
            _set(document, name.strip(), text)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def _set(document: Document, name: str, text: str) -> None:
    value = _override_value(name, text.strip())
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
    here[key] = value
    path = (*path, key)
    for known in (document.places, document.raw):
        for old in [p for p in known if p[: len(path)] == path]:
            del known[old]
    document.places[path] = f"-o {name}"
    document.raw[path] = text.strip()


def _override_value(name: str, text: str) -> Any:
    reader = _Reader(text, f"-o {name}")
    try:
        value = reader.read()
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
    if isinstance(here, list):
        if part.isdecimal() and int(part) < len(here):
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
        raise ConfigError([Problem(f"-o {name}", "", f"{dotted(path)} is {_extent(here)}")])
    raise ConfigError([Problem(f"-o {name}", "", f"{dotted(path)} is {kind_of(here)}, not a section")])


def _extent(items: list) -> str:
    return f"a list of {len(items)} items, 0 to {len(items) - 1}" if items else "an empty list"


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
