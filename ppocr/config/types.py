"""Checking values against type annotations with pydantic; what does not fit is said in our words."""

from __future__ import annotations

import builtins
import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError, WrapValidator

from ppocr.config.ranges import WIDEST_FLOAT, WIDEST_INT
from ppocr.failures import kind_of, shortened
from ppocr.suggestions import did_you_mean

_SEQUENCES = (list, tuple, set, frozenset, Sequence, Iterable, Collection)
_MAPPINGS = (dict, Mapping, OrderedDict)
_WORDS = {int: "an int", float: "a number", bool: "true or false", str: "a string", NoneType: "null"}
_LIMITS = {"ge": "at least {:g}", "gt": "above {:g}", "le": "at most {:,}", "lt": "below {:g}"}
_PLURALS = {int: "ints", float: "numbers", bool: "bools", str: "strings"}


class Mismatch(Exception):
    """A value is not of a type; the message says what was expected.

    Args:
        annotation: the type.
        value: what does not fit: the whole value, or one element of it.
        place: keys and indices that lead to that element.
    """

    def __init__(self, annotation: Any, value: Any, place: tuple[Any, ...]) -> None:
        super().__init__(f"expected {described(annotation)}{_size_of(value)}")
        options = [k for option in _options(annotation) if get_origin(option) is Literal for k in get_args(option)]
        near = did_you_mean(value, [k for k in options if isinstance(k, str)]) if isinstance(value, str) else ""
        self.with_value = f"{self}, got {kind_of(value)} {shortened(value)}{near}"
        self.place = place


def resolved(annotation: Any, names: Mapping[str, Any]) -> Any:
    """Return an annotation, which may be source text, as the type it names; Any where it names none or is empty.

    Args:
        annotation: as `inspect.signature` or a dataclass gives it.
        names: those of the module it stands in.
    """
    if annotation is inspect.Parameter.empty:
        return Any
    try:
        holder = SimpleNamespace(__annotations__={"it": annotation})
        return get_type_hints(holder, {}, _Names(names), include_extras=True)["it"]
    except Exception:  # a plug-in may write anything there
        return Any


class _Names(dict):
    """The names of a module; one it has not, imported for type checkers alone, is any type."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, Any)


def convert(value: Any, annotation: Any, raw: str | None = None) -> Any:
    """Return a YAML value as an annotation's type.

    An int is a number too; a text that reads as a number is one where a number is expected (YAML 1.1 readers
    left `3e-5` a text); anything else stays as it is or is refused.

    Args:
        value: from YAML.
        annotation: a type; one that is unknown here accepts all values.
        raw: the text an override was given as, used where a string is expected.

    Raises:
        Mismatch: the value has another type.
    """
    check = _adapter(annotation).validate_python
    try:
        return check(value)
    except ValidationError as error:
        if raw is not None and value is not None and not isinstance(value, (list, dict)):
            with suppress(ValidationError):
                return check(raw)
        raise _mismatch(value, annotation, error.errors()[0]["loc"]) from None


def is_sensible(value: float) -> bool:
    """Return whether a number is finite and no larger than what any key has a use for."""
    widest = WIDEST_INT if isinstance(value, int) else WIDEST_FLOAT
    return -widest - 1 <= value <= widest


@cache
def _adapter(annotation: Any) -> TypeAdapter:
    return TypeAdapter(_checked(annotation), config=ConfigDict(strict=True))


def _checked(kind: Any) -> Any:
    """Return what pydantic checks a type by: numbers have bounds, sequences are lists, what is unknown is Any."""
    base, inner = _parts(kind)
    if base in (int, float):
        widest = WIDEST_INT if base is int else WIDEST_FLOAT
        bounds = {"ge": -widest - 1, "le": widest, **_bounds(kind)}
        number = Annotated[base, Field(**bounds)]  # type: ignore[valid-type, arg-type]
        return Annotated[number, WrapValidator(_number)] if base is float else number
    if base is Union:
        # numbers last: they also take texts that read as one, which stay texts where a text may stand
        return Union[tuple(_checked(k) for k in sorted(inner, key=lambda k: _parts(k)[0] is float))]  # noqa: UP007
    if base in _SEQUENCES:
        items = [_checked(k) for k in inner if k is not Ellipsis]
        of = tuple[tuple(items)] if _fixed(kind) else list[items[0] if items else Any]  # type: ignore[misc]
        return Annotated[of, Strict(False), AfterValidator(list)]
    if base in _MAPPINGS:
        return dict[Any, _checked(inner[1]) if inner else Any]  # type: ignore[misc]
    return kind if base in (bool, str, NoneType, Literal) else Any


def _number(value: Any, check: Callable[[Any], float]) -> float:
    """Return a number, read from a text if need be; an int stays one."""
    number = check(float(value) if isinstance(value, str) else value)
    return value if isinstance(value, int) else number


def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return what a type is, without its marks, and the types inside it."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    base = get_origin(kind) or kind
    return (Union if base is UnionType else base), get_args(kind)


def _bounds(kind: Any) -> dict[str, float]:
    """Return the bounds of a number: `ge` or `gt`, `le` or `lt`."""
    marks = [bound for mark in getattr(kind, "__metadata__", ()) for bound in getattr(mark, "metadata", ())]
    return {key: getattr(bound, key) for bound in marks for key in _LIMITS if hasattr(bound, key)}


def _fixed(kind: Any) -> tuple[Any, ...]:
    """Return the types of a list whose length is fixed; nothing for other types."""
    base, inner = _parts(kind)
    return inner if base is tuple and Ellipsis not in inner else ()


def _options(kind: Any) -> tuple[Any, ...]:
    """Return the types of which a value may have one, without null."""
    base, inner = _parts(kind)
    return tuple(option for option in inner if option is not NoneType) if base is Union else (kind,)


def _mismatch(value: Any, kind: Any, place: tuple[Any, ...]) -> Mismatch:
    """Return the error for the innermost element that fails, where only one type comes into question.

    Args:
        value: the whole value.
        kind: its type.
        place: where pydantic says that it fails.
    """
    for depth, step in enumerate(place):
        (one, *others) = _options(kind)
        base, inner = _parts(one)
        if others or base not in (*_SEQUENCES, *_MAPPINGS) or base in _SEQUENCES and step >= len(value):
            return Mismatch(kind, value, place[:depth])
        kind = inner[1] if base in _MAPPINGS else (_fixed(one) or inner[:1] * len(value))[step]
        value = value[step]
    return Mismatch(kind, value, place)


def described(kind: Any) -> str:
    """Return a type in words."""
    base, inner = _parts(kind)
    if base is Union:
        return " or ".join(map(described, inner))
    if base is Literal:
        *choices, last = ("null" if choice is None else repr(choice) for choice in inner)
        return f"{', '.join(choices)} or {last}" if choices else last
    if base in _SEQUENCES and inner:
        of = _parts(inner[0])[0]
        limits = _limits(inner[0])
        each = f"{_PLURALS[of]}{', each ' if limits else ''}{limits}" if of in _PLURALS else described(inner[0])
        return f"a list of {len(_fixed(kind)) or ''} {each}".replace("  ", " ")
    limits = _limits(kind)
    word = _WORDS.get(base) or ("a list" if base in _SEQUENCES else "a mapping")
    return f"{word} {'' if limits.startswith('above') else 'of '}{limits}" if limits else word


def _limits(kind: Any) -> str:
    """Return the bounds of a number in words, or ""."""
    return " and ".join(_LIMITS[key].format(bound) for key, bound in _bounds(kind).items() if math.isfinite(bound))


def _size_of(value: Any) -> str:
    """Return what keeps a number from fitting anywhere, or ""."""
    if isinstance(value, float) and not math.isfinite(value):
        return ", finite"
    return ", not a number that large" if isinstance(value, (int, float)) and not is_sensible(value) else ""
