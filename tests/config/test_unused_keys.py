"""Every key of the typed sections is used somewhere in the code, or declared unused and reported so."""

from __future__ import annotations

import ast
import dataclasses

import pytest

from ppocr import registry
from ppocr.build import build_postprocess, build_task
from ppocr.codecs.context import Codecs, option_parameters
from ppocr.config.loader import load_config
from ppocr.config.sections import FULFILLED, UNUSED, GlobalSection, LoaderSection
from ppocr.engine.device import _DEVICES
from ppocr.errors import ConfigError
from tests.system.project import ROOT

TEXTS = {"bool": "true", "str": "x", "list": "[5]"}  # by how the type begins
CONFIG = ROOT / "configs" / "rec" / "rec_icdar15_train.yml"


def attributes() -> set[str]:
    """Return every name the code reads as an attribute, outside the file that declares the sections."""
    found: set[str] = set()
    for path in [*(ROOT / "ppocr").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]:
        if path.name != "sections.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
            # getattr(options, "drop_last", False)
            calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "getattr"]
            found |= {c.args[1].value for c in calls if isinstance(c.args[1], ast.Constant)}
    return found


def taken_over() -> set[str]:
    """Return the keys of `Global` that registered classes take over."""
    found: set[str] = set()
    for kind in [r for r in vars(registry).values() if isinstance(r, registry.Registry)]:
        kind.names()
        for cls in kind._classes.values():
            found |= set(getattr(cls, "from_global", ()))
            codec_class = getattr(cls, "codec_class", None)
            found |= set() if codec_class is None else set(option_parameters(codec_class))
    return found


def test_every_key_is_used_or_declared_unused() -> None:
    used = attributes() | taken_over() | {key for key, _ in _DEVICES}
    keys = {field.name for section in (GlobalSection, LoaderSection) for field in dataclasses.fields(section)}
    unused = {key for key in keys if key not in used}
    assert unused - set(UNUSED) - set(FULFILLED) == set(), "accepted, unused, and no warning says so"
    assert set(UNUSED) <= keys and set(FULFILLED) <= keys


@pytest.mark.parametrize("key", sorted(UNUSED))
def test_an_unused_key_that_asks_for_something_is_reported(key: str) -> None:
    section = LoaderSection if key == "num_sections" else GlobalSection
    place = "Train.loader" if section is LoaderSection else "Global"
    kind = str({f.name: f.type for f in dataclasses.fields(section)}[key]).split("[", 1)[1]  # behind its mark
    text = (
        "true"
        if kind.startswith("bool")
        else "x"
        if kind.startswith("str")
        else "[5]"
        if kind.startswith("list")
        else "5"
    )
    config = load_config(CONFIG, [f"{place}.{key}={text}"])
    assert [w for w in config.warnings if f"{place}.{key}: accepted, and unused: {UNUSED[key]}" in w]


def test_what_is_fulfilled_anyway_is_not_reported() -> None:
    config = load_config(CONFIG, ["Global.distributed=true", "Global.infer_mode=false", "Global.debug=false"])
    assert not [w for w in config.warnings if "unused" in w]


def test_symbols_are_removed_where_global_says_so() -> None:
    config = load_config(CONFIG, ["PostProcess.name=SARLabelDecode", "Global.rm_symbol=true"])
    with pytest.raises(ConfigError, match="SARLabelDecode"):  # the head is CTC's
        build_task(config, "eval")
    assert build_postprocess(config, Codecs()).rm_symbol is True
