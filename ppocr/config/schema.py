"""A checked configuration."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ppocr.config.document import Document
from ppocr.config.sections import DataSection, GlobalSection
from ppocr.config.yaml_reader import read_numbers_as_yaml_1_2
from ppocr.utils.atomic import write_file

SECTIONS = ("Global", "Optimizer", "Architecture", "Loss", "PostProcess", "Metric", "Train", "Eval")


@dataclass
class Config:
    """A checked configuration.

    Args:
        Global: typed.
        Optimizer: checked, as in YAML; so are the four after it.
        Train: None where a configuration only evaluates.
        warnings: keys that are accepted and unused.
        document: what was read, for the place of a key.
    """

    Global: GlobalSection
    Optimizer: dict[str, Any]
    Architecture: dict[str, Any]
    Loss: dict[str, Any]
    PostProcess: dict[str, Any]
    Metric: dict[str, Any]
    Train: DataSection | None
    Eval: DataSection
    warnings: list[str] = field(default_factory=list)
    document: Document = field(default_factory=lambda: Document({}), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain containers, defaults filled in."""
        values = {name: getattr(self, name) for name in SECTIONS}
        plain = {
            name: dataclasses.asdict(value) if isinstance(value, (GlobalSection, DataSection)) else copy.deepcopy(value)
            for name, value in values.items()
            if value is not None
        }
        for name in ("Train", "Eval"):
            if name in plain and plain[name]["sampler"] is None:
                del plain[name]["sampler"]
        return plain

    def to_yaml(self) -> str:
        """Return the resolved configuration as YAML that loads back equal: bases merged, overrides and defaults in."""
        return yaml.dump(self.to_dict(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

    def dump(self, path: str | Path) -> None:
        """Write the resolved configuration as YAML, whole or not at all.

        Raises:
            PpocrError: the folder cannot be written.
        """
        write_file(Path(path), self.to_yaml().encode("utf-8"))

    def where(self, key: str) -> str:
        """Return "file:line" of a dotted key, or of the section it would be in."""
        return self.document.where(tuple(int(p) if p.isdigit() else p for p in key.split(".")))

    def sha256(self) -> str:
        """Return a hash of the values, whatever their order in the file."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode("utf-8")).hexdigest()


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and quotes the texts that our loader, or one of YAML 1.1, would take for numbers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


read_numbers_as_yaml_1_2(_Dumper)
