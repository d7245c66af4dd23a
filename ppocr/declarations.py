"""What parts declare about themselves, and the check that a declaration is spelt as one."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin

from ppocr.config.types import resolved

T = TypeVar("T")
DESCRIPTORS = (staticmethod, classmethod, property)
RESEMBLES = 0.8  # similarity from which a name is taken for a misspelt declaration
RENAMED = {"reads": "requires", "aux": "train_outputs"}


@dataclass(frozen=True)
class Mark:
    """Marks a constructor parameter whose value the builder knows.

    Args:
        also_in_config: whether a configuration may state it too; the builder's value wins.
    """

    also_in_config: bool = False


Filled = Annotated[T, Mark()]  # `in_channels: Filled[int]`: filled in by the builder, no key of a configuration
Counted = Annotated[T, Mark(also_in_config=True)]  # filled in too, but official configurations may also state it


class Declared:
    """Base of the parts that declare what they need and give.

    The public class attributes of a part's base class, those annotated there and its methods, are its declarations.
    A subclass whose attribute resembles one of them and is none is refused when it is created.

    Attributes:
        ignored_keys: YAML keys accepted and not read, each warned about.
        from_global: constructor parameters that the section `Global` overrides where it has them.
        none_without_global: of these, the ones that are None where nothing sets them.

    Raises:
        TypeError: a misspelt declaration, or one of the wrong type.
    """

    ignored_keys: tuple[str, ...] = ()
    from_global: tuple[str, ...] = ()
    none_without_global: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        bases = [base for base in cls.__mro__[1:] if base is not Declared and issubclass(base, Declared)]
        if bases:  # a class right below this one makes declarations of its own
            _refuse(cls.__name__, vars(cls), bases[0])

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the unknown keys, as `registry.Unknown` or `Typed`, inside values that have keys of their own."""
        return iter(())


def complete(cls: type, base: type) -> None:
    """Check the declarations of a class that does not inherit from the base of its kind, and give it the missing ones.

    Args:
        cls: a user's class with plain attributes.
        base: of its kind of part.

    Raises:
        TypeError: a misspelt declaration, or one of the wrong type.
    """
    _refuse(cls.__name__, vars(cls), base)
    for name in declarations(base):
        if not hasattr(cls, name) and hasattr(base, name):
            setattr(cls, name, inspect.getattr_static(base, name))


def check_made(part: Any, base: type) -> None:
    """Check the declarations that a part has made in its constructor.

    Raises:
        TypeError: a misspelt declaration, or one of the wrong type.
    """
    names = {k: v for k, v in vars(part).items() if k in declarations(base) or isinstance(v, (tuple, list, str))}
    _refuse(type(part).__name__, names, base)


@functools.cache
def declarations(base: type) -> dict[str, Any]:
    """Return the declarations of a base class by name, each with its default; ... where it has none."""
    own = [cls for cls in base.__mro__ if cls is Declared or Declared in cls.__mro__]
    found: dict[str, Any] = {}
    for cls in own:
        methods = [name for name, value in vars(cls).items() if callable(value) or isinstance(value, DESCRIPTORS)]
        fields = vars(cls).get("__dataclass_fields__", ())  # parameters of the constructor
        for name in (*vars(cls).get("__annotations__", {}), *methods):
            if not name.startswith("_") and name not in fields:
                found.setdefault(name, vars(cls).get(name, ...))
    return found


def _refuse(owner: str, attributes: Mapping[str, Any], base: type) -> None:
    """Raise TypeError for a name that resembles a declaration of the base and is none, or a value of the wrong type."""
    known = declarations(base)
    for name, value in attributes.items():
        if isinstance(known.get(name), tuple) and isinstance(value, str):
            raise TypeError(f"{owner}.{name} is a text where a tuple is meant: write ({value!r},)")
        if name in known or name.startswith("_") or hasattr(base, name):
            continue  # the last: of a further base, such as paddle.nn.Layer
        near = RENAMED.get(name) or next(iter(difflib.get_close_matches(name, known, 1, RESEMBLES)), None)
        if near in known:
            raise TypeError(f"{owner}.{name} is no declaration of a {base.__name__}, did you mean {near}?")


def keys_read(part: Any) -> tuple[str, ...]:
    """Return the prediction keys a loss or post-processing reads: those it requires, then those it accepts."""
    return (*part.requires, *part.accepts)


@functools.cache
def parameters(cls: type) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return a constructor's named parameters, annotated with the types of their values, and whether it is open.

    An open one takes any other keyword: our own classes never do, a user's plug-in may.
    """
    constructor = inspect.getattr_static(cls, "__init__")
    if constructor is object.__init__:
        return {}, False
    own, fields = getattr(constructor, "__globals__", {}), getattr(cls, "__dataclass_fields__", {})
    found = list(inspect.signature(constructor).parameters.values())[1:]
    named = {p.name: p for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    for name, parameter in named.items():
        names = own
        if name in fields and fields[name].type is parameter.annotation:  # it stands in the module of its class
            owner = next(base for base in cls.__mro__ if name in vars(base).get("__annotations__", ()))
            names = vars(sys.modules[owner.__module__])
        kind = resolved(parameter.annotation, names)
        unmarked = get_origin(kind) is not Annotated
        named[name] = parameter.replace(annotation=kind | None if parameter.default is None and unmarked else kind)
    return named, any(p.kind is p.VAR_KEYWORD for p in found)


@functools.cache
def filled(cls: type) -> dict[str, Mark]:
    """Return the parameters of a constructor that the builder fills in, with their marks."""
    named, _ = parameters(cls)
    return {name: mark for name, p in named.items() for mark in get_args(p.annotation) if isinstance(mark, Mark)}


def load(path: str) -> type:
    """Return a class by "module:name"; imported when it is needed, because parts import much."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
