"""The shipped configurations say what the reference ones of the same name say."""

from pathlib import Path

import pytest

from ppocr.config.loader import load_config, read_document
from tests.conformance import HERE, load

CONFIGS = Path(__file__).parent.parent / "configs"
NAMES = sorted(p.relative_to(CONFIGS).with_suffix("").as_posix() for p in CONFIGS.rglob("*.yml"))
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


@pytest.mark.parametrize("name", [name for name in REFERENCES if name in NAMES])
def test_values_equal_reference(name):
    ours = read_document(CONFIGS / f"{name}.yml").tree
    assert as_numbers(ours) == as_numbers(load(f"configs/{name}.json"))


def test_keys_keep_the_order_of_the_reference():
    for name in set(REFERENCES) & set(NAMES):
        assert list(read_document(CONFIGS / f"{name}.yml").tree) == list(load(f"configs/{name}.json"))


@pytest.mark.parametrize("name", NAMES)
def test_schema_accepts(name):
    assert load_config(CONFIGS / f"{name}.yml").Architecture["model_type"] == name.split("/")[0]


def test_readme_has_one_row_per_config():
    lines = (CONFIGS / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert sorted(rows) == [f"{name}.yml" for name in NAMES]
