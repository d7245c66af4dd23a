"""Registries: scopes, duplicate names, suggestions, and building from a section."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from ppocr.errors import ConfigError
from ppocr.registry import Registry, parameters
from ppocr.suggestions import did_you_mean


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """Return a registry over a new folder of one module."""
    folder = tmp_path / "parts_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "first.py").write_text("LOADED = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("part", "parts_for_test")
    for name in [n for n in sys.modules if n.startswith("parts_for_test")]:
        del sys.modules[name]


class Part:
    ignored_keys = ("old",)

    def __init__(self, size: int, depth: int = 2) -> None:
        self.size, self.depth = size, depth


class Open:
    def __init__(self, size: int = 1, **kwargs) -> None:
        self.kwargs = kwargs


class Bare:
    pass


def test_folder_is_imported_on_first_look_up(registry):
    assert "parts_for_test.first" not in sys.modules
    assert registry.names() == []
    assert "parts_for_test.first" in sys.modules


def test_scope_first_then_classes_without_one(registry):
    registry.register("P", scope="rec")(Part)
    registry.register("P", "Q")(Open)
    assert registry.get("P", "rec") is Part
    assert registry.get("P", "det") is registry.get("P") is registry.get("Q", "rec") is Open
    assert registry.names("rec") == ["P", "Q"]
    assert registry.has_scope("rec") and not registry.has_scope("det")


def test_without_a_scope_the_only_class_of_a_name_is_found(registry):
    registry.register("P", scope="rec")(Part)
    assert registry.find("P") is Part and registry.find("P", "det") is None
    registry.register("P", scope="det")(Open)
    assert registry.find("P") is None


def test_name_of_the_class_is_the_default(registry):
    registry.register()(Part)
    assert registry.names() == ["Part"]


def test_duplicate_name_is_refused(registry):
    registry.register("P")(Part)
    registry.register("P")(Part)
    with pytest.raises(ValueError, match="'P' is registered twice: tests.test_registry and tests.test_registry"):
        registry.register("P")(Open)


def test_same_class_name_in_another_module_is_a_duplicate_too(registry):
    registry.register("P")(Part)
    other = type("Part", (), {"__module__": "elsewhere", "__qualname__": Part.__qualname__})
    with pytest.raises(ValueError, match="tests.test_registry and elsewhere"):
        registry.register("P")(other)
    anew = type("Part", (), {"__module__": Part.__module__, "__qualname__": Part.__qualname__})
    registry.register("P")(anew)
    assert registry.get("P") is anew


def test_unknown_name(registry):
    registry.register("Backbone")(Part)
    with pytest.raises(ConfigError, match="unknown part 'Backbonne', did you mean Backbone?"):
        registry.get("Backbonne")
    assert registry.find("Backbonne") is None


def test_build(registry):
    registry.register()(Part)
    part = registry.build({"name": "Part", "depth": 3, "old": 1, "size": 1}, size=5, unused=7)
    assert (part.size, part.depth) == (5, 3)
    with pytest.raises(ConfigError, match="Part.dept: unknown key, did you mean depth?"):
        registry.build({"name": "Part", "size": 1, "dept": 3})


def test_build_with_open_keywords_and_without_any(registry):
    registry.register()(Open)
    registry.register()(Bare)
    assert registry.build({"name": "Open", "more": 1}).kwargs == {"more": 1}
    assert isinstance(registry.build({"name": "Bare"}, size=1), Bare)
    with pytest.raises(ConfigError, match="Bare.size: unknown key"):
        registry.build({"name": "Bare", "size": 1})


def test_parameters():
    assert list(parameters(Part)[0]) == ["size", "depth"]
    assert (list(parameters(Open)[0]), parameters(Open)[1]) == (["size"], True)
    assert parameters(Bare) == ({}, False)


@pytest.mark.parametrize(
    ("name", "choices", "near"),
    [
        ("epoch_nmu", ["epoch_num", "eval_num"], "epoch_num"),
        ("use_pgu", ["use_xpu", "use_gpu"], "use_gpu"),
        ("bet1a", ["beta2", "beta1"], "beta1"),
        ("use_qpu", ["use_gpu", "use_xpu"], "use_gpu"),
        ("batchsize", ["batch_size", "size"], "batch_size"),
        ("adam", ["Adam", "AdamW"], "Adam"),
        ("ctchead", ["CTCHead", "AttentionHead"], "CTCHead"),
        ("zzz", ["epoch_num"], ""),
        ("x", [], ""),
        ("", ["a"], ""),
    ],
)
def test_did_you_mean(name, choices, near):
    expected = f", did you mean {near}?" if near else ""
    assert did_you_mean(name, choices) == expected
    assert did_you_mean(name, iter(choices)) == expected


def test_registering_imports_nothing_heavy():
    code = "import sys, ppocr.registry; print([m for m in ('paddle', 'numpy', 'cv2') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
