"""Checking values against type annotations, without evaluating them."""

from __future__ import annotations

import ast
import math
from typing import Annotated, Any, get_args, get_origin

from ppocr.config import ranges
from ppocr.config.ranges import SENSIBLE, Range

_ANY = object()
_SEQUENCES = {"list", "tuple", "Sequence", "List", "Tuple", "Iterable", "Collection", "set", "frozenset"}
_MAPPINGS = {"dict", "Mapping", "Dict", "OrderedDict"}
# the names of `ranges`: what they are made of, as (name of the type, range)
_RANGED = {
    name: (get_args(alias)[0].__name__, get_args(alias)[1])
    for name, alias in vars(ranges).items()
    if get_origin(alias) is Annotated
}
_WORDS = {"int": "an int", "float": "a number", "bool": "true or false", "str": "a string", "None": "null"}


class Mismatch(Exception):
    """A value is not of a type; the message says what was expected."""


def annotation_text(annotation: Any) -> str:
    """Return an annotation as source text: it may be a string, a class or a typing object."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def convert(value: Any, annotation: Any, raw: str | None = None) -> Any:
    """Return a YAML value as an annotation's type.

    An int is a number too; a text that reads as a number is one where a number is expected (YAML 1.1 readers
    left `3e-5` a text); anything else stays as it is or is refused.

    Args:
        value: from YAML.
        annotation: as `inspect.signature` or a dataclass gives it; anything unknown accepts all values.
        raw: the text an override was given as, used where a string is expected.

    Raises:
        Mismatch: the value has another type.
    """
    try:
        node = ast.parse(annotation_text(annotation), mode="eval").body
    except SyntaxError:
        return value
    found = _match(value, node, raw)
    if found is _ANY:
        raise Mismatch(f"expected {_describe(node)}{_size_of(value)}")
    return found


def _size_of(value: Any) -> str:
    """Return what keeps a number from fitting anywhere, or ""."""
    if isinstance(value, (list, tuple)):
        return next((said for item in value if (said := _size_of(item))), "")
    if isinstance(value, float) and not math.isfinite(value):
        return ", finite"
    if isinstance(value, (int, float)) and not SENSIBLE.holds(value):
        return ", not a number that large"
    return ""


def _match(value: Any, node: ast.expr, raw: str | None) -> Any:
    """Return the converted value, or _ANY when it does not fit."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _first([node.left, node.right], value, raw)
    if isinstance(node, ast.Constant):
        if node.value is None:
            return value if value is None else _ANY
        return _match(value, ast.parse(node.value, mode="eval").body, raw) if isinstance(node.value, str) else value
    if isinstance(node, ast.Subscript):
        name = _name(node.value)
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Annotated":
            return _plain(value, _name(inner[0]), raw, _bounds(inner[1:]))
        if name == "Optional":
            return value if value is None else _match(value, inner[0], raw)
        if name in ("Filled", "Counted"):
            return _match(value, inner[0], raw)
        if name == "Union":
            return _first(inner, value, raw)
        if name == "Literal":
            return value if value in [e.value for e in inner if isinstance(e, ast.Constant)] else _ANY
        if name in _SEQUENCES:
            return _sequence(value, name, inner)
        if name in _MAPPINGS:
            return value if isinstance(value, dict) else _ANY
        return value
    return _plain(value, _name(node), raw)


def _first(options: list[ast.expr], value: Any, raw: str | None) -> Any:
    """Return the match of the first option that takes the value as it is, then of any that converts it."""
    matches = [m for m in (_match(value, option, raw) for option in options) if m is not _ANY]
    exact = [m for m in matches if type(m) is type(value)]
    return (exact or matches or [_ANY])[0]


def _sequence(value: Any, name: str, inner: list[ast.expr]) -> Any:
    if not isinstance(value, (list, tuple)):
        return _ANY
    items = [e for e in inner if not (isinstance(e, ast.Constant) and e.value is Ellipsis)]
    if name.lower() == "tuple" and len(items) == len(inner) and len(items) != len(value):
        return _ANY
    each = items if name.lower() == "tuple" and len(items) == len(inner) else [items[0]] * len(value)
    found = [_match(v, e, None) for v, e in zip(value, each)]
    return _ANY if any(f is _ANY for f in found) else found


def _bounds(marks: list[ast.expr]) -> Range:
    """Return the range among the marks of an `Annotated`, which are not evaluated."""
    for mark in marks:
        if isinstance(mark, ast.Call) and _name(mark.func) == Range.__name__:
            return Range(**{str(k.arg): ast.literal_eval(k.value) for k in mark.keywords})
    return SENSIBLE


def _plain(value: Any, name: str, raw: str | None, bounds: Range = SENSIBLE) -> Any:
    name, bounds = _RANGED.get(name, (name, bounds))
    if name == "bool":
        return value if isinstance(value, bool) else _ANY
    if name == "int":
        return value if isinstance(value, int) and not isinstance(value, bool) and bounds.holds(value) else _ANY
    if name == "float":
        number = _number(value)
        return number if number is not _ANY and bounds.holds(number) else _ANY
    if name == "str":
        if isinstance(value, str):
            return value
        return raw if raw is not None and not isinstance(value, (list, dict)) and value is not None else _ANY
    if name in _SEQUENCES:
        return value if isinstance(value, (list, tuple)) else _ANY
    if name in _MAPPINGS:
        return value if isinstance(value, dict) else _ANY
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return _ANY
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return _ANY
        return number if math.isfinite(number) else _ANY
    return _ANY


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _describe(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp):
        return f"{_describe(node.left)} or {_describe(node.right)}"
    if isinstance(node, ast.Constant):
        return _WORDS["None"] if node.value is None else repr(node.value)
    if isinstance(node, ast.Subscript):
        name = _name(node.value)
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Annotated":
            return _ranged(_name(inner[0]), _bounds(inner[1:]))
        if name == "Optional":
            return f"{_describe(inner[0])} or null"
        if name in ("Filled", "Counted"):
            return _describe(inner[0])
        if name in ("Union", "Literal"):
            return " or ".join(_describe(e) for e in inner)
        if name in _SEQUENCES:
            fixed = name.lower() == "tuple" and _name(inner[-1]) != "" and len(inner) or ""
            return f"a list of {fixed}{fixed and ' '}{_plural(inner[0])}"
        return "a mapping" if name in _MAPPINGS else ast.unparse(node)
    name = _name(node)
    if name in _RANGED:
        return _ranged(*_RANGED[name])
    if name in _SEQUENCES:
        return "a list"
    return "a mapping" if name in _MAPPINGS else _WORDS.get(name, name)


def _plural(node: ast.expr) -> str:
    words = {"int": "ints", "float": "numbers", "bool": "bools", "str": "strings"}
    name, bounds = _RANGED.get(_name(node), (_name(node), SENSIBLE))
    each = f", each {bounds}" if str(bounds) else ""
    return f"{words[name]}{each}" if name in words else _describe(node)


def _ranged(name: str, bounds: Range) -> str:
    """Return the words for a number within a range."""
    limits = str(bounds)
    return f"{_WORDS.get(name, name)} {'' if limits.startswith('above') else 'of '}{limits}".rstrip()
