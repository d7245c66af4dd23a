"""Reading a YAML text safely, with the place of every key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import yaml

from ppocr.config.document import Document, KeyPath, dotted
from ppocr.errors import ConfigError, Problem
from ppocr.failures import kind_of

MAX_NODES = 200_000  # after aliases are written out: stops "billion laughs"
_TAG = "tag:yaml.org,2002:"
_TAGS = {
    yaml.ScalarNode: [_TAG + kind for kind in ("null", "bool", "int", "float", "str")],
    yaml.SequenceNode: [_TAG + "seq"],
    yaml.MappingNode: [_TAG + "map"],
}


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
            return None if node is None else self.value(node, ())
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
            self.refuse(node, f"more than {MAX_NODES} values: aliases repeat too much")
        if id(node) in self.open:
            self.refuse(node, "an alias contains itself")
        self.open.add(id(node))
        yield
        self.open.discard(id(node))

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.document.places.setdefault(path, self.place(node))
        with self.inside(node):
            self.check_tag(node)
            if isinstance(node, yaml.ScalarNode):
                return self.scalar(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
            return self.mapping(node, path, ())

    def scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        try:
            return self.loader.construct_object(node)
        except (ValueError, LookupError) as error:  # a tag that does not fit the text: !!bool maybe, !!float ""
            kind = node.tag.rsplit(":", 1)[1]
            self.refuse(node, f"{node.value[:40]!r} cannot be read as {kind}", path, error)

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
                problem = Problem(self.line(line), dotted((*path, key)), f"given twice, first in line {lines[key]}")
                if not _same_list(found.get(key), self.value(child, (*path, key))):
                    raise ConfigError([problem])
                self.document.notes.append(f"{problem}; both mean the same")
                continue
            lines[key] = line
            if key in overridden:
                continue
            self.document.places[(*path, key)] = self.line(line)
            found[key] = self.value(child, (*path, key))
        for source in merged:
            for part in source.value if isinstance(source, yaml.SequenceNode) else [source]:
                if not isinstance(part, yaml.MappingNode):
                    self.refuse(part, "<< merges mappings only", path)
                with self.inside(part):
                    found.update(self.mapping(part, path, {*overridden, *found}))
        return found

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, "a key is a word, not a list or a mapping")
        self.check_tag(node)
        return node.value

    def check_tag(self, node: yaml.Node) -> None:
        if node.tag not in _TAGS[type(node)]:
            self.refuse(node, f"the YAML tag {node.tag!r} is not allowed: configurations hold plain values")

    def refuse(self, node: yaml.Node, text: str, path: KeyPath = (), cause: Exception | None = None) -> NoReturn:
        raise ConfigError([Problem(self.place(node), dotted(path), text)]) from cause


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


def parse_value(text: str, name: str) -> Any:
    """Read one value.

    Raises:
        ConfigError: it is not valid YAML, or not plain values.
    """
    return _Reader(text, name).read()


def _same_list(one: Any, other: Any) -> bool:
    """Return whether two lists are equal, or one holds the other alone, as official files spell a pair of models."""
    return isinstance(one, list) and isinstance(other, list) and (one == other or [one] == other or one == [other])
