"""Checking a configuration: every key against a dataclass or a constructor's signature, all problems at once."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from ppocr.config.loader import Document, KeyPath, dotted, kind_of
from ppocr.config.schema import SECTIONS, Config
from ppocr.config.sections import CHOICES, UNREAD, DataSection, GlobalSection, LoaderSection
from ppocr.config.types import Mismatch, convert
from ppocr.errors import ConfigError, Problem
from ppocr.registry import (
    BACKBONES,
    DATASETS,
    HEADS,
    LOSSES,
    METRICS,
    NECKS,
    NETWORK_TRANSFORMS,
    OPTIMIZERS,
    POSTPROCESSES,
    SAMPLERS,
    SCHEDULES,
    TRANSFORMS,
    Registry,
    did_you_mean,
    parameters,
)

# Constructor parameters that the builder fills in, by kind of class; a configuration cannot set them.
FILLED = {
    DATASETS: ("pipeline", "mode", "seed"),
    SAMPLERS: ("order", "line_ratios", "train", "seed", "rank", "world_size"),
    BACKBONES: ("in_channels",),
    NECKS: ("in_channels",),
    HEADS: ("in_channels",),
    NETWORK_TRANSFORMS: ("in_channels",),
    SCHEDULES: ("epochs", "steps_per_epoch"),
}
MODEL_TYPES = ("cls", "det", "e2e", "kie", "rec", "sr", "table")
COUNTED = {HEADS: ("out_channels", "out_channels_list")}  # filled in too, but official configurations also give it
ARCHITECTURE_KEYS = {
    "model_type": "str",
    "algorithm": "str | None",
    "name": "str | None",
    "in_channels": "int",
    "return_all_feats": "bool",
}
ARCHITECTURE_PARTS = {"Transform": NETWORK_TRANSFORMS, "Backbone": BACKBONES, "Neck": NECKS, "Head": HEADS}
# Keys of Optimizer that `ppocr.optimizer.build_optimizer` reads beside the class's own.
OPTIMIZER_KEYS = {
    "lr": "dict",
    "regularizer": "dict | None",
    "clip_norm": "float | None",
    "clip_norm_global": "float | None",
    "group_lr": "bool",
    "training_step": "str",
}
SCHEDULE_IGNORED = ("epochs", "step_each_epoch")  # the run's own numbers are used
REGULARIZER_KEYS = {"name": "str", "factor": "float"}


def check(document: Document) -> Config:
    """Check a document and return the typed configuration.

    Raises:
        ConfigError: with every problem found; `Problem.kind` is "class" for unknown classes.
    """
    return Checker(document).run()


class Checker:
    """Collects the problems of one document.

    Args:
        document: what was read.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.tree = document.tree
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        asked = self.tree.get("Global")
        self.strict = not (isinstance(asked, dict) and asked.get("strict") is False)
        architecture = self.tree.get("Architecture")
        scope = architecture.get("model_type") if isinstance(architecture, dict) else None
        self.scope: str | None = scope if isinstance(scope, str) else None

    def run(self) -> Config:
        known = (*SECTIONS, "profiler_options")
        for name in self.tree:
            if name not in known:
                self.unknown_key((name,), known)
        self.shared = self.dataclass(("Global",), GlobalSection, self.section("Global", needed=True))
        self.check_global(self.shared)
        values = {
            "Global": self.shared,
            "Optimizer": self.optimizer(),
            "Architecture": self.architecture(),
            "Loss": self.named(("Loss",), LOSSES),
            "PostProcess": self.named(("PostProcess",), POSTPROCESSES),
            "Metric": self.named(("Metric",), METRICS),
            "Train": self.data("Train"),
            "Eval": self.data("Eval", needed=True),
        }
        if self.problems:
            raise ConfigError(self.problems)
        return Config(**values, warnings=self.warnings, document=self.document)

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

    def unread(self, path: KeyPath) -> None:
        self.warn(path, "accepted, and read by nothing")

    def warn(self, path: KeyPath, text: str) -> None:
        self.warnings.append(str(Problem(self.document.where(path), dotted(path), text)))

    def section(self, name: str, needed: bool = False) -> dict[str, Any]:
        value = self.tree.get(name)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.add((name,), f"expected a section, got {kind_of(value)}")
        elif needed:
            self.add((name,), "the section is missing")
        return {}

    def value(self, path: KeyPath, value: Any, annotation: Any) -> Any:
        try:
            return convert(value, annotation, self.document.raw.get(path))
        except Mismatch as error:
            self.add(path, f"{error}, got {kind_of(value)} {_shortened(value)}", "type")
            return value

    def dataclass(self, path: KeyPath, cls: type, values: Mapping[str, Any]) -> Any:
        fields = {f.name: f for f in dataclasses.fields(cls)}
        found = {}
        for key, value in values.items():
            if key not in fields:
                self.unknown_key((*path, key), fields)
                continue
            default = getattr(cls, key, None)
            if value is None and default is not None:
                continue  # an official key left empty means its default
            if value is None and fields[key].default_factory is not dataclasses.MISSING:
                continue
            found[key] = self.value((*path, key), value, fields[key].type)
        return cls(**found)

    def check_global(self, section: GlobalSection) -> None:
        for key, choices in CHOICES.items():
            value = getattr(section, key)
            if isinstance(value, str) and value not in choices:
                self.add(("Global", key), f"{value!r} is none of {', '.join(choices)}{did_you_mean(value, choices)}")
        for key in ("epoch_num", "accumulate_steps"):
            value = getattr(section, key)
            if isinstance(value, int) and value < 1:
                self.add(("Global", key), f"expected at least 1, got {value}")
        step = section.eval_batch_step
        if isinstance(step, list) and len(step) != 2:
            self.add(("Global", "eval_batch_step"), f"expected a number of steps or [start, every], got {step}")
        for key in UNREAD:
            if getattr(section, key) != getattr(GlobalSection, key):
                self.unread(("Global", key))

    def named(
        self, path: KeyPath, registry: Registry, values: Any = None, extra: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Check a section that names a class; see `arguments`."""
        values = self.section(str(path[0]), needed=True) if values is None else values
        if not isinstance(values, dict):
            self.add(path, f"expected a section with a name, got {kind_of(values)}")
            return {}
        if not values and len(path) == 1:
            return {}
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
        self, path: KeyPath, registry: Registry, name: str, values: Mapping[str, Any], extra: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """Check the keys of a class's section against its constructor.

        Args:
            path: of the section.
            registry: where the class is found.
            name: of the class.
            values: without the name.
            extra: keys the builder reads itself, with their types.
        """
        cls = registry.find(name, self.scope)
        if cls is None:
            self.add(
                (*path, "name") if (*path, "name") in self.document.places else path,
                registry.unknown(name, self.scope),
                "class",
            )
            return dict(values)
        accepted, any_key = parameters(cls)
        ignored = getattr(cls, "ignored_keys", ())
        filled = FILLED.get(registry, ())
        hints: dict[str, Any] = {k: p.annotation for k, p in accepted.items() if k not in filled}
        hints.update(extra)
        found = {}
        for key, value in values.items():
            here = (*path, key)
            if key in ignored:
                self.unread(here)
            elif key in hints:
                annotation = hints[key]
                checked = annotation is not inspect.Parameter.empty
                parameter = accepted.get(key)
                if not checked or (value is None and parameter is not None and parameter.default is None):
                    found[key] = value
                else:
                    found[key] = self.value(here, value, annotation)
            elif any_key and key not in filled:
                found[key] = value
            else:
                self.unknown_key(here, [*hints, *ignored])
        inside = getattr(cls, "unknown_inside", None)  # for values that have keys of their own
        for below, known, kind in inside(values) if inside else ():
            self.unknown_key((*path, *below), known, kind)
        given = {k for k in getattr(cls, "from_global", ()) if getattr(self.shared, k, None) is not None}
        given |= {*values, *filled, *COUNTED.get(registry, ()), *getattr(cls, "none_without_global", ())}
        self.required(path, accepted, given)
        return found

    def required(self, path: KeyPath, accepted: Mapping[str, inspect.Parameter], given: set[str]) -> None:
        for key, parameter in accepted.items():
            if parameter.default is inspect.Parameter.empty and key not in given:
                self.add((*path, key), "the key is missing, and has no default", "key")

    def optimizer(self) -> dict[str, Any]:
        path: KeyPath = ("Optimizer",)
        values = self.section("Optimizer", needed=self.tree.get("Train") is not None)
        if not values:
            return {}
        name = values.get("name")
        if not isinstance(name, str):
            self.nameless(path, values, OPTIMIZERS.kind)
            return dict(values)
        rest = {k: v for k, v in values.items() if k != "name"}
        found = {"name": name, **self.arguments(path, OPTIMIZERS, name, rest, OPTIMIZER_KEYS)}
        if isinstance(values.get("lr"), dict):
            lr = values["lr"]
            rate = {k: v for k, v in lr.items() if k != "name" and k not in SCHEDULE_IGNORED}
            rate["name"] = lr.get("name", "Const")
            extra = {"name": "str", **dict.fromkeys(SCHEDULE_IGNORED, "int")}
            found["lr"] = self.named((*path, "lr"), SCHEDULES, rate, extra)
        elif "lr" not in values:
            self.add((*path, "lr"), "the key is missing, and has no default", "key")
        if isinstance(values.get("regularizer"), dict):
            here = (*path, "regularizer")
            found["regularizer"] = dict(values["regularizer"])
            for key, value in values["regularizer"].items():
                if key not in REGULARIZER_KEYS:
                    self.unknown_key((*here, key), REGULARIZER_KEYS)
                    del found["regularizer"][key]
                else:
                    found["regularizer"][key] = self.value((*here, key), value, REGULARIZER_KEYS[key])
            kind = values["regularizer"].get("name")
            if kind not in ("L1", "L2"):
                self.add((*here, "name"), f"unknown regularizer {kind!r}, known: L1, L2", "class")
        return found

    def architecture(self) -> dict[str, Any]:
        path: KeyPath = ("Architecture",)
        values = self.section("Architecture", needed=True)
        if "Models" in values:
            kind = values.get("name", "Models")
            self.add(path, f"unknown architecture {kind!r}: networks of several models", "class")
            return dict(values)
        found: dict[str, Any] = {}
        for key, value in values.items():
            if key in ARCHITECTURE_PARTS:
                parts = ARCHITECTURE_PARTS[key]
                found[key] = None if value is None else self.named((*path, key), parts, value)
            elif key in ARCHITECTURE_KEYS:
                found[key] = self.value((*path, key), value, ARCHITECTURE_KEYS[key])
            else:
                self.unknown_key((*path, key), [*ARCHITECTURE_KEYS, *ARCHITECTURE_PARTS])
        model_type = found.get("model_type")
        if values and "model_type" not in values:
            self.add((*path, "model_type"), f"the key is missing: one of {', '.join(MODEL_TYPES)}", "key")
        elif isinstance(model_type, str) and model_type not in MODEL_TYPES and not BACKBONES.has_scope(model_type):
            near = did_you_mean(model_type, MODEL_TYPES) or f", known: {', '.join(MODEL_TYPES)}"
            self.add((*path, "model_type"), f"unknown model type {model_type!r}{near}")
        return found

    def data(self, name: str, needed: bool = False) -> DataSection | None:
        values = self.section(name, needed)
        if not values:
            return None
        for key in values:
            if key not in ("dataset", "loader", "sampler"):
                self.unknown_key((name, key), ("dataset", "loader", "sampler"))
        dataset = values.get("dataset")
        if not isinstance(dataset, dict) or not dataset:
            self.add((name, "dataset"), "expected a section" if dataset else "the section is missing")
            dataset = {}
        path = (name, "dataset")
        rest = {k: v for k, v in dataset.items() if k != "transforms"}
        checked = self.named(path, DATASETS, rest, {"transforms": "list"}) if dataset else {}
        if dataset:
            checked["transforms"] = self.transforms((*path, "transforms"), dataset.get("transforms"))
        loader = values.get("loader")
        if loader is not None and not isinstance(loader, dict):
            self.add((name, "loader"), f"expected a section, got {kind_of(loader)}")
            loader = None
        section = self.dataclass((name, "loader"), LoaderSection, loader or {})
        size = section.batch_size_per_card
        if isinstance(size, int) and size < 1:
            self.add((name, "loader", "batch_size_per_card"), f"expected at least 1, got {size}")
        sampler = values.get("sampler")
        if sampler is not None:
            sampler = self.named((name, "sampler"), SAMPLERS, sampler) or None
        return DataSection(checked, section, sampler)

    def transforms(self, path: KeyPath, values: Any) -> list[dict[str, Any]]:
        if not isinstance(values, list):
            self.add(path, "the list of transforms is missing" if values is None else "expected a list of transforms")
            return []
        found = []
        for i, item in enumerate(values):
            here = (*path, i)
            if isinstance(item, str):
                item = {item: None}
            if not isinstance(item, dict) or len(item) != 1:
                self.add(here, "expected one transform, written `- Name:` with its keys below it")
                continue
            name, arguments = next(iter(item.items()))
            if arguments is not None and not isinstance(arguments, dict):
                self.add((*here, name), f"expected the transform's keys, got {kind_of(arguments)}")
                continue
            checked = self.arguments((*here, name), TRANSFORMS, name, arguments or {})
            found.append({name: checked or None})
        return found


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
