"""The shipped configurations, resolved, say what the reference ones of the same name say."""

from pathlib import Path

import pytest

from ppocr.config.loader import load_config, read_document
from tests.conformance import HERE, load

CONFIGS = Path(__file__).parent.parent / "configs"
FILES = {p.relative_to(CONFIGS).with_suffix("").as_posix(): p for p in sorted(CONFIGS.rglob("[!_]*.y*ml"))}
NAMES = list(FILES)
REFERENCES = sorted(
    p.relative_to(HERE / "configs").with_suffix("").as_posix() for p in (HERE / "configs").rglob("*.json")
)


def as_numbers(value):
    """Return the value with numeric strings as numbers: YAML 1.1 readers took 3e-5 for a string."""
    if isinstance(value, dict):
        return {key: as_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_numbers(item) for item in value]
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def missing(reference, ours, where=""):
    """Return the places where a reference of which parts are known only is not contained in ours, in its order."""
    if isinstance(reference, dict) and isinstance(ours, dict):
        absent = [f"{where}.{key}" for key in reference if key not in ours]
        pairs = [(f"{where}.{key}", reference[key], ours[key]) for key in reference if key in ours]
        return absent + [place for key, one, other in pairs for place in missing(one, other, key)]
    if isinstance(reference, list) and any(isinstance(item, dict) for item in reference):
        rest = iter(ours)
        return [f"{where}: {item}" for item in reference if all(missing(item, other) for other in rest)]
    return [] if reference == ours else [f"{where}: {reference} {ours}"]


@pytest.mark.parametrize("name", [name for name in REFERENCES if name in NAMES])
def test_values_equal_reference(name):
    ours = as_numbers(read_document(FILES[name]).tree)
    for spec in ours["Eval"]["dataset"]["transforms"]:
        if isinstance(spec.get("DetResizeForTest"), dict) and spec["DetResizeForTest"].pop("deployment_resize", None):
            spec["DetResizeForTest"] = spec["DetResizeForTest"] or None  # upstream: its export command knows it
    reference = as_numbers(load(f"configs/{name}.json"))
    if "Train" in reference:
        assert ours == reference
    else:  # of PP-OCRv6 no more is known
        assert missing(reference, ours) == []


def test_keys_keep_the_order_of_the_reference():
    for name in set(REFERENCES) & set(NAMES):
        reference = list(load(f"configs/{name}.json"))
        ours = list(read_document(FILES[name]).tree)
        assert [key for key in ours if key in reference or "Train" in reference] == reference


@pytest.mark.parametrize("name", NAMES)
def test_schema_accepts(name):
    assert load_config(FILES[name]).Architecture["model_type"] == name.split("/")[0]


def test_readme_has_one_row_per_config():
    lines = (CONFIGS / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert sorted(rows) == sorted(path.relative_to(CONFIGS).as_posix() for path in FILES.values())
