"""Checking a configuration: every key against a dataclass or a constructor's signature, all problems at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ppocr.config.checking import SectionChecker
from ppocr.config.document import BASE, Document, KeyPath
from ppocr.config.schema import SECTIONS, Config
from ppocr.config.sections import (
    RUN_KEYS,
    ArchitectureSection,
    DataSection,
    GlobalSection,
    InnerArchitectureSection,
    LoaderSection,
    OptimizerSection,
    RegularizerSection,
    ScheduleSection,
    TransformsSection,
)
from ppocr.config.types import is_sensible
from ppocr.errors import ConfigError
from ppocr.failures import inside, kind_of, located
from ppocr.plugins import import_plugins
from ppocr.registry import (
    ARCHITECTURES,
    BACKBONES,
    DATASETS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    POSTPROCESSES,
    SAMPLERS,
    SCHEDULES,
    TRANSFORMS,
    parameters,
)
from ppocr.suggestions import did_you_mean

NOT_HERE = "docs/not_supported.md lists what of PaddleOCR does not run here yet"
MODEL_TYPES = ("cls", "det", "e2e", "kie", "rec", "sr", "table")


def check(document: Document) -> Config:
    """Check a document and return the typed configuration.

    Raises:
        ConfigError: with every problem found; `Problem.kind` is "class" for unknown classes.
    """
    return Checker(document).run()


class Checker(SectionChecker):
    """Checks the sections of a whole configuration.

    Args:
        document: what was read.
    """

    def run(self) -> Config:
        known = (*SECTIONS, "profiler_options", BASE)
        for name in self.tree:
            if name not in known:
                self.unknown_key((name,), known)
        self.shared = GlobalSection(**self.keys(("Global",), GlobalSection, self.section("Global", needed=True)))
        if not self.problems:
            with located(lambda _: self.document.where(("Global", "plugins"))), inside("Global.plugins"):
                import_plugins(self.shared.plugins or ())
        self.check_global(self.shared)
        values = {
            "Global": self.shared,
            "Optimizer": self.optimizer(),
            "Architecture": self.network(("Architecture",), self.section("Architecture", needed=True)),
            "Loss": self.named(("Loss",), LOSSES),
            "PostProcess": self.named(("PostProcess",), POSTPROCESSES),
            "Metric": self.named(("Metric",), METRICS),
            "Train": self.data("Train"),
            "Eval": self.data("Eval", needed=True),
        }
        self.untyped_numbers(self.tree, ())
        if self.problems:
            unknown = any(problem.kind == "class" for problem in self.problems)
            raise ConfigError(self.problems, NOT_HERE if unknown else "")
        return Config(**values, warnings=self.warnings, document=self.document)

    def untyped_numbers(self, value: Any, path: KeyPath) -> None:
        """Refuse what is not finite, or far too large, where no type says what may stand there."""
        if path in self.judged:
            return
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in items:
            self.untyped_numbers(child, (*path, key))
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not is_sensible(value):
            what = "a number that is not so large" if math.isfinite(value) else "a finite number"
            self.add(path, f"expected {what}, got {value}", "type")

    def check_global(self, section: GlobalSection) -> None:
        step = section.eval_batch_step
        if isinstance(step, list) and len(step) != 2:
            self.add(("Global", "eval_batch_step"), f"expected a number of steps or [start, every], got {step}")
        named = (section.character_dict_path, self.section("PostProcess").get("character_dict_path"))
        if section.use_space_char and not any(named):
            self.warn(
                ("Global", "use_space_char"),
                "of no effect without Global.character_dict_path: the characters are digits and lower-case letters",
            )
        self.unused_values(("Global",), section)

    def optimizer(self) -> dict[str, Any]:
        path: KeyPath = ("Optimizer",)
        values = self.section("Optimizer", needed=bool(self.tree.get("Train")))
        found = self.named(path, OPTIMIZERS, values, OptimizerSection)
        if isinstance(lr := found.get("lr"), dict):
            rate = {"name": "Const", **{k: v for k, v in lr.items() if k not in RUN_KEYS}}
            found["lr"] = self.named((*path, "lr"), SCHEDULES, rate, ScheduleSection)
        if isinstance(regularizer := found.get("regularizer"), dict):
            found["regularizer"] = self.keys((*path, "regularizer"), RegularizerSection, regularizer)
        return found

    def network(self, path: KeyPath, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check the section of a network, and those of the networks inside it."""
        name = values.get("name") or "BaseModel"
        cls: Any = ARCHITECTURES.find(name) if isinstance(name, str) else None
        if cls is None:
            self.add((*path, "name"), ARCHITECTURES.unknown(str(name)), "class")
            return dict(values)
        own, _ = parameters(ArchitectureSection if len(path) == 1 else InnerArchitectureSection)
        outer, asked = self.scope, values.get("model_type")
        self.scope = asked if isinstance(asked, str) else outer
        found: dict[str, Any] = {}
        for key, value in values.items():
            here = (*path, key)
            if key in cls.part_sections:
                found[key] = None if value is None else self.named(here, cls.part_sections[key], value)
            elif key in cls.model_sections:
                found[key] = self.networks(here, value)
            elif key in own:
                found[key] = self.value(here, value, own[key].annotation)
            else:
                self.unknown_key(here, [*own, *cls.part_sections, *cls.model_sections])
        self.scope = outer
        model_type = found.get("model_type")
        if values and "model_type" not in values and len(path) == 1:
            self.add((*path, "model_type"), f"the key is missing: one of {', '.join(MODEL_TYPES)}", "key")
        elif isinstance(model_type, str) and model_type not in MODEL_TYPES:
            kinds = (*cls.part_sections.values(), BACKBONES, LOSSES, POSTPROCESSES, METRICS)
            if not any(registry.has_scope(model_type) for registry in kinds):
                hint = f"; for one of your own: @HEADS.register(scope={model_type!r}) above a class of yours"
                near = did_you_mean(model_type, MODEL_TYPES) or f", known: {', '.join(MODEL_TYPES)}{hint}"
                self.add((*path, "model_type"), f"unknown model type {model_type!r}{near}")
        return found

    def networks(self, path: KeyPath, values: Any) -> dict[str, Any]:
        """Check the sections of networks by name."""
        if not isinstance(values, dict) or not values:
            self.add(path, f"expected the sections of networks by name, got {kind_of(values)}")
            return {}
        found = {}
        for name, section in values.items():
            if isinstance(section, dict):
                found[name] = self.network((*path, name), section)
            else:
                self.add((*path, name), f"expected the section of a network, got {kind_of(section)}")
        return found

    def data(self, name: str, needed: bool = False) -> DataSection | None:
        values = self.section(name, needed=needed)
        if not values:
            return None
        known, _ = parameters(DataSection)
        for key in values:
            if key not in known:
                self.unknown_key((name, key), known)
        path, dataset = (name, "dataset"), values.get("dataset")
        checked: dict[str, Any] = {}
        if isinstance(dataset, dict) and dataset:
            rest = {k: v for k, v in dataset.items() if k != "transforms"}
            checked = self.named(path, DATASETS, rest, TransformsSection)
            checked["transforms"] = self.transforms((*path, "transforms"), dataset.get("transforms"))
        else:
            self.add(path, "expected a section" if dataset else "the section is missing")
        loader = self.section(name, "loader")
        section = LoaderSection(**self.keys((name, "loader"), LoaderSection, loader))
        self.unused_values((name, "loader"), section)
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
            name, arguments = self.transform(here, item)
            if not name:
                continue
            checked = self.arguments((*here, name), TRANSFORMS, name, arguments)
            found.append({name: checked or None})
        return found

    def transform(self, path: KeyPath, item: Any) -> tuple[str, dict[str, Any]]:
        """Return the name and the keys of one transform; an item that is none has the name ""."""
        item = {item: None} if isinstance(item, str) else item
        if not isinstance(item, dict) or len(item) != 1:
            self.add(path, "expected one transform, written `- Name:` with its keys below it")
            return "", {}
        name, arguments = next(iter(item.items()))
        if arguments is not None and not isinstance(arguments, dict):
            self.add((*path, name), f"expected the transform's keys, got {kind_of(arguments)}")
            return "", {}
        return name, arguments or {}
