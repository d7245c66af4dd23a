"""Shipped configurations: they pass, a typo in any key is caught with its place and a hint, a dump loads back equal."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ppocr.config.checker import check
from ppocr.config.document import Document, KeyPath
from ppocr.config.loader import load_config, read_document
from ppocr.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2] / "configs"
CONFIGS = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.rglob("[!_]*.y*ml"))


def keys(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of every key of a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        if isinstance(value, dict):
            yield (*path, key)
        yield from keys(child, (*path, key))


def typo(word: str, drawn: random.Random) -> str:
    """Return a word with two neighbours exchanged, a letter left out, doubled or replaced."""
    while True:
        at = drawn.randrange(max(1, len(word) - 1))
        kind = drawn.randrange(4) if len(word) > 3 else 2
        wrong = (
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + "q" + word[at + 1 :],
        )[kind]
        if wrong != word:
            return wrong


def with_typo(document: Document, path: KeyPath, wrong: str) -> Document:
    """Return the document with one key renamed, its place and those below it kept."""
    tree = copy.deepcopy(document.tree)
    parent: Any = tree
    for part in path[:-1]:
        parent = parent[part]
    renamed = {(wrong if k == path[-1] else k): v for k, v in parent.items()}
    parent.clear()
    parent.update(renamed)
    size = len(path)
    places = {
        (*path[:-1], wrong, *place[size:]) if place[:size] == path else place: where
        for place, where in document.places.items()
    }
    return Document(tree, places)


@pytest.mark.parametrize("name", CONFIGS)
def test_passes_without_a_warning_about_keys(name):
    assert not [line for line in load_config(ROOT / name).warnings if "unknown" in line]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_key_with_a_typo(name):
    document = read_document(ROOT / name)
    drawn = random.Random(name)
    count = 0
    for path in keys(document.tree):
        if path[:2] == ("Architecture", "Models") and len(path) == 3:
            continue  # names of models are free; a loss misses the predictions of one that is misspelt
        right = path[-1]
        wrong = typo(right, drawn)
        with pytest.raises(ConfigError) as caught:
            check(with_typo(document, path, wrong))
        reported = [str(p) for p in caught.value.problems]
        line = next((line for line in reported if f"did you mean {right}?" in line), "")
        assert line.startswith(f"{document.where(path)}: "), (wrong, reported)
        count += 1
    assert count > 60


def test_unknown_keys_are_warnings_when_not_strict(tmp_path):
    text = (ROOT / "rec/rec_icdar15_train.yml").read_text(encoding="utf-8")
    path = tmp_path / "c.yml"
    path.write_text(text.replace("epoch_num:", "epoch_nmu:").replace("beta1:", "beta_1:"), encoding="utf-8")
    with pytest.raises(ConfigError):
        load_config(path)
    config = load_config(path, ["Global.strict=false"])
    assert config.Global.epoch_num == 1
    assert config.Optimizer.get("beta_1") is None
    assert [line.split(": ")[1] for line in config.warnings] == ["Global.epoch_nmu", "Optimizer.beta_1"]
    assert all("did you mean" in line and line.startswith(f"{path}:") for line in config.warnings)


@pytest.mark.parametrize("name", CONFIGS)
def test_dump_loads_back_equal(name, tmp_path):
    config = load_config(
        ROOT / name, ["Global.max_bad_ratio=1e-05", "Global.model_name='1e3'", "Global.infer_img=0123"]
    )
    path = tmp_path / "config.yml"
    config.dump(path)
    again = load_config(path)
    assert again.to_dict() == config.to_dict()
    assert again.sha256() == config.sha256()
    assert again.Global.max_bad_ratio == 1e-05
    assert (again.Global.model_name, again.Global.infer_img) == ("1e3", "0123")
    assert again.warnings == [line.replace(str(ROOT / name), str(path)) for line in again.warnings]
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == config.to_dict()
    assert [p.name for p in tmp_path.iterdir()] == ["config.yml"]


def test_hash_does_not_depend_on_the_order_of_keys(tmp_path):
    def turned(value: Any) -> Any:
        return {k: turned(v) for k, v in reversed(list(value.items()))} if isinstance(value, dict) else value

    source = ROOT / "rec/rec_icdar15_train.yml"
    path = tmp_path / "c.yml"
    path.write_text(yaml.safe_dump(turned(read_document(source).tree), sort_keys=False), encoding="utf-8")
    assert load_config(path).sha256() == load_config(source).sha256()
    assert load_config(path, ["Global.seed=1"]).sha256() != load_config(source).sha256()
