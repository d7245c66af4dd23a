"""What the documents say of the tree is so."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from ppocr.config.sections import UNUSED
from ppocr.declarations import Declared, declarations
from ppocr.pretrained.catalogue import ENTRIES
from tests.conformance import HERE

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "configs/README.md"])


def test_page_of_what_is_not_supported_names_every_official_configuration_that_does_not_ship() -> None:
    def names(folder: Path, *endings: str) -> set[str]:
        found = (path for path in folder.rglob("*") if path.suffix in endings)
        return {path.relative_to(folder).with_suffix("").as_posix() for path in found}

    official, ours = names(HERE / "configs", ".json"), names(ROOT / "configs", ".yml", ".yaml")
    text = (ROOT / "docs/not_supported.md").read_text(encoding="utf-8")
    listed = re.findall(r"`((?:det|rec|cls|e2e|sr|table)/[^`]+)`", text)
    assert sorted(listed) == sorted(official - ours)
    assert "the twelve models the package index carries" in text and len(ENTRIES) == 12
    assert f"Of the {len(official)} official configurations {len(official & ours)} ship here" in text


def test_page_of_the_configuration_names_the_unused_keys() -> None:
    text = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"Official keys that change nothing here[^:]*:\n([^\n]*)\.\n", text)
    assert re.findall(r"`(\w+)`", listed) == sorted(UNUSED)


def bases() -> dict[str, set[str]]:
    """Return what each base class of parts declares itself, by its name."""
    found = {"Declared": set(declarations(Declared))}
    for path in (ROOT / "ppocr").rglob("base.py"):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for cls in vars(module).values():
            if isinstance(cls, type) and issubclass(cls, Declared) and cls.__module__ == module.__name__:
                parents = [base for base in cls.__bases__ if issubclass(base, Declared)]
                found[cls.__name__] = set(declarations(cls)).difference(*map(declarations, parents))
    return found


def test_page_of_the_architecture_lists_every_declaration() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### `(\w+)`.*?\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
    listed = {
        name: set(re.findall(r"`(\w+)(?:\(\))?`", " ".join(re.findall(r"^\|(.*?)\|", rows, re.MULTILINE))))
        for name, rows in sections
    }
    assert listed == bases()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_scripts_and_configurations_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"\b((?:tools|ppocr|configs|benchmarks)/[\w./+-]+\.(?:py|yml|yaml))\b", text)
    assert [name for name in named if not re.search(r"/my[._]", name) and not (ROOT / name).exists()] == []
