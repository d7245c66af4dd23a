"""Registries: a class is found by the name YAML gives it, and its signature is its schema."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from ppocr.codecs.context import Codecs, option_parameters
from ppocr.config.types import Mismatch, convert
from ppocr.declarations import Mark, complete, filled, load, parameters
from ppocr.errors import ConfigError, PpocrError
from ppocr.failures import cannot_be_built, cannot_be_imported
from ppocr.suggestions import did_you_mean

T = TypeVar("T", bound=type)
_place = attrgetter("__module__", "__qualname__")
PLUGINS = "ppocr_plugins_"  # begins the names of the packages that a user's folders of parts are imported as


class Registry:
    """Classes of one kind by (scope, name); the folder they live in is imported on first look-up.

    A scope separates classes that share a YAML name, such as the `MobileNetV3` of detection and of
    recognition; look-up tries the scope first, then the classes registered without one.

    Args:
        kind: what the classes are, for messages ("backbone").
        package: dotted name of the folder whose modules register the classes.
        base: "module:class" of the base that says what these classes declare; "" where they declare nothing.
    """

    def __init__(self, kind: str, package: str, base: str = "") -> None:
        self.kind = kind
        self.package = package
        self._base = base
        self._classes: dict[tuple[str | None, str], type] = {}
        self._loaded = False

    def register(self, *names: str, scope: str | None = None) -> Callable[[T], T]:
        """Return a decorator that files a class under its YAML names.

        Args:
            names: YAML name first, aliases after it; without any, the class's own name.
            scope: the `Architecture.model_type` the name is meant for, or None for all.

        Raises:
            ValueError: another class already has a name in this scope.
            TypeError: a declaration is misspelt.
        """

        def decorate(cls: T) -> T:
            if self.base is not None and not issubclass(cls, self.base):
                complete(cls, self.base)
            for name in names or (cls.__name__,):
                present = self._classes.get((scope, name), cls)
                if _place(present) != _place(cls):  # the same place is a module loaded anew
                    modules = f"{present.__module__} and {cls.__module__}"
                    raise ValueError(f"{self.kind} {name!r} is registered twice: {modules}")
                self._classes[scope, name] = cls
            return cls

        return decorate

    @property
    def base(self) -> type | None:
        """The class that says what the registered ones declare."""
        return load(self._base) if self._base else None

    def filled(self, cls: type) -> dict[str, Mark]:
        """Return the constructor's parameters that the builder fills in: those marked in it or in the base's."""
        marked_in_base = filled(self.base) if self.base is not None else {}
        return {**{k: m for k, m in marked_in_base.items() if k in parameters(cls)[0]}, **filled(cls)}

    def further_keys(self, cls: Any) -> dict[str, inspect.Parameter]:
        """Return the keys a section may have beside the constructor's: its codec's, and class counts in its place."""
        accepted = parameters(cls)[0]
        codec_class = getattr(cls, "codec_class", None)
        if self.base is None or codec_class is None or not {"codec", "codecs"} & set(accepted):
            return {}
        counts = {k: parameters(self.base)[0][k] for k, mark in filled(self.base).items() if mark.also_in_config}
        found = {**option_parameters(codec_class), **counts}
        return {key: parameter for key, parameter in found.items() if key not in accepted}

    def section_keys(self, cls: type) -> dict[str, inspect.Parameter]:
        """Return all keys a section of a class may have beside its name."""
        marks = self.filled(cls)
        named = {k: p for k, p in parameters(cls)[0].items() if k not in marks or marks[k].also_in_config}
        return {**named, **self.further_keys(cls)}

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(self.package)
        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            try:
                importlib.import_module(f"{self.package}.{module}")
            except Exception as error:  # a file a user put there may raise anything
                raise cannot_be_imported(f"{self.package.replace('.', '/')}/{module}.py", error) from error
        self._loaded = True

    def names(self, scope: str | None = None) -> list[str]:
        """Return the YAML names that can be used in a scope, sorted."""
        self._load()
        return sorted({name for s, name in self._classes if s in (None, scope)})

    def classes(self) -> list[type]:
        """Return every class that is registered, of whichever scope."""
        self._load()
        return list(dict.fromkeys(self._classes.values()))

    def has_scope(self, scope: str) -> bool:
        """Return whether any class is registered for this scope."""
        self._load()
        return any(s == scope for s, _ in self._classes)

    def find(self, name: str, scope: str | None = None) -> type | None:
        """Return the class of a name, or None when there is none.

        Without a scope, as in an `inference.yml`, that of any scope is found where only one class has the name.
        """
        self._load()
        found = self._classes.get((scope, name)) or self._classes.get((None, name))
        if found is None and scope is None:
            scoped = {cls for (_, known), cls in self._classes.items() if known == name}
            found = scoped.pop() if len(scoped) == 1 else None
        return found

    def get(self, name: str, scope: str | None = None) -> type:
        """Return the class of a name.

        Raises:
            ConfigError: no such class; names the nearest one.
        """
        found = self.find(name, scope)
        if found is None:
            raise ConfigError(self.unknown(name, scope))
        return found

    def name_of(self, cls: type, scope: str | None = None) -> str:
        """Return the first YAML name of a registered class in a scope."""
        return next(name for (s, name), found in self._classes.items() if found is cls and s in (None, scope))

    def unknown(self, name: str, scope: str | None = None) -> str:
        """Return what to tell about a name that a scope lacks: its scopes, a missing decorator, or the nearest name."""
        known = self.names(scope)
        others = sorted(str(other) for other, taken in self._classes if taken == name)
        if others:
            return f"unknown {self.kind} {name!r} where model_type is {scope}; it is for {', '.join(others)}"
        places = (f"{self.package}.", PLUGINS)
        for module in [m for path, m in sorted(sys.modules.items()) if path.startswith(places)]:
            if isinstance(vars(module).get(name), type) and vars(module)[name].__module__ == module.__name__:
                registry = next(variable for variable, value in globals().items() if value is self)
                channels = " and set self.out_channels in its __init__" if registry in GIVE_CHANNELS else ""
                place = module.__file__
                if module.__name__.startswith(places[0]):
                    place = f"{module.__name__.replace('.', '/')}.py"
                return (
                    f"unknown {self.kind} {name!r}: the class in {place} is not registered; write "
                    f"@{registry}.register() above it (from ppocr.registry import {registry}){channels}"
                )
        return f"unknown {self.kind} {name!r}{did_you_mean(name, known)}"

    def build(
        self, spec: Mapping[str, Any], scope: str | None = None, codecs: Codecs | None = None, **filled: Any
    ) -> Any:
        """Build an object from a YAML section.

        Args:
            spec: `{"name": ..., key: value, ...}`.
            scope: see `get`.
            codecs: where its `codec` comes from, and what it hands to parts inside it as `codecs`; made from the
                section alone when not given.
            filled: values the builder knows (channel counts); each is passed only if the constructor has a
                parameter of that name, and wins over the section's own value.

        Raises:
            ConfigError: unknown class or key, or values the constructor cannot do with.
        """
        args = dict(spec)
        name = args.pop("name")
        cls: Any = self.get(name, scope)
        accepted, any_key = parameters(cls)
        further = self.further_keys(cls)
        ignored = getattr(cls, "ignored_keys", ())
        args = {k: v for k, v in args.items() if k not in ignored}
        known = {**accepted, **further}
        for key, value in args.items():
            if key not in known and not any_key:
                raise ConfigError(f"{name}.{key}: unknown key{did_you_mean(key, known)}")
            if key in known and key not in filled:
                try:
                    args[key] = convert(value, known[key].annotation)
                except Mismatch as error:
                    place = ".".join(map(str, (name, key, *error.place)))
                    raise ConfigError(f"{place}: {error.with_value}") from None
        given = dict(args)
        codecs = (codecs or Codecs()).within({key: args.pop(key) for key in further if key in args})
        args.update({k: v for k, v in {"codecs": codecs, **filled}.items() if k in accepted})
        try:
            if "codec" in accepted and cls.codec_class is not None:
                args["codec"] = codecs.get(cls.codec_class)
            return cls(**args)
        except (PpocrError, OSError):
            raise
        except Exception as error:  # a class says in its own words what it cannot do with the values
            raise cannot_be_built(name, given, error) from error


class Unknown(NamedTuple):
    """A name inside a class's values that nothing there is called.

    Args:
        place: keys and indices that lead to it.
        known: what could stand there.
        kind: "class" where it should name a class, else "key".
    """

    place: tuple[str | int, ...]
    known: list[str]
    kind: str = "key"


class Typed(NamedTuple):
    """A value inside a class's values that another class's constructor takes.

    Args:
        place: keys and indices that lead to it.
        value: what stands there.
        parameter: of that constructor.
    """

    place: tuple[str | int, ...]
    value: Any
    parameter: inspect.Parameter


def typed_or_unknown(
    place: tuple[str | int, ...], values: Any, accepted: Mapping[str, inspect.Parameter], extra: Iterable[str] = ()
) -> Iterator[Unknown | Typed]:
    """Yield the keys of a nested section: typed where a constructor has them, else unknown.

    Args:
        place: of the section.
        values: the section; nothing is yielded of what is none.
        accepted: the constructor's parameters.
        extra: keys that something else reads.
    """
    known = [*accepted, *extra]
    for key, value in values.items() if isinstance(values, dict) else ():
        if key in accepted:
            yield Typed((*place, key), value, accepted[key])
        elif key not in known:
            yield Unknown((*place, key), known)


def listed(specs: Any) -> Iterator[tuple[int, str, Any]]:
    """Yield (index, name, value) of a list of named parts, `[{name: value}, ...]`, passing over what is none."""
    for i, spec in enumerate(specs if isinstance(specs, (list, tuple)) else ()):
        for name, value in spec.items() if isinstance(spec, dict) else ():
            yield i, name, value


def unknown_in_list(
    key: str, values: Mapping[str, Any], registry: Registry, names: Iterable[str], extra: Iterable[str] = ()
) -> Iterator[Unknown | Typed]:
    """Yield the names and keys in a list of named parts that are unknown, and the values of the keys that are not.

    Args:
        key: of the list, `[{name: {key: value} or null}, ...]`, in `values`.
        values: the section's.
        registry: where the named classes are found.
        names: those allowed here.
        extra: keys that belong to the list, not to the classes.
    """
    allowed = list(names)
    for i, name, options in listed(values.get(key)):
        if name not in allowed:
            yield Unknown((key, i, name), allowed, "class")
            continue
        cls = registry.get(name)
        more = [*extra, *getattr(cls, "ignored_keys", ())]
        yield from typed_or_unknown((key, i, name), options, registry.section_keys(cls), more)


DATASETS = Registry("data set", "ppocr.data")
SAMPLERS = Registry("sampler", "ppocr.data")
TRANSFORMS = Registry("transform", "ppocr.data.transforms", "ppocr.data.transforms.base:Transform")
ARCHITECTURES = Registry(
    "architecture", "ppocr.modeling.architectures", "ppocr.modeling.architectures.base:Architecture"
)
NETWORK_TRANSFORMS = Registry("network transform", "ppocr.modeling.transforms", "ppocr.modeling.base:NetworkPart")
BACKBONES = Registry("backbone", "ppocr.modeling.backbones", "ppocr.modeling.base:NetworkPart")
NECKS = Registry("neck", "ppocr.modeling.necks", "ppocr.modeling.base:NetworkPart")
HEADS = Registry("head", "ppocr.modeling.heads", "ppocr.modeling.heads.base:Head")
LOSSES = Registry("loss", "ppocr.losses", "ppocr.losses.base:Loss")
POSTPROCESSES = Registry("post-processing", "ppocr.postprocess", "ppocr.postprocess.base:PostProcess")
METRICS = Registry("metric", "ppocr.metrics", "ppocr.metrics.base:Metric")
OPTIMIZERS = Registry("optimizer", "ppocr.optimizer")
SCHEDULES = Registry("learning-rate schedule", "ppocr.optimizer")
GIVE_CHANNELS = ("NETWORK_TRANSFORMS", "BACKBONES", "NECKS")  # parts whose out_channels the next part asks for
