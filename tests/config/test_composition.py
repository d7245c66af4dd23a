"""Configurations on a `_BASE_`: what is merged, what is replaced, where each value stands, and what is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from ppocr.config import loader
from ppocr.config.checker import check
from ppocr.config.loader import load_config, read_document
from ppocr.config.overrides import apply_overrides
from ppocr.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/rec/rec_icdar15_train.yml"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that places are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def composed(**files: str) -> dict[str, Any]:
    """Write files and read c.yml."""
    write(**files)
    return read_document("c.yml").tree


def refused(path: str = "c.yml", *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    reported = str(ConfigError(caught.value.problems)).splitlines()
    assert len(reported) == len(caught.value.problems)
    return reported


@pytest.mark.parametrize(
    ("base", "derived", "expected"),
    [
        ("A: {x: 1, y: 2}", "A: {y: 3, z: 4}", {"A": {"x": 1, "y": 3, "z": 4}}),
        ("A: {x: {k: 1, l: 2}}\nB: 5", "A: {x: {l: 3}}", {"A": {"x": {"k": 1, "l": 3}}, "B": 5}),
        ("A: {x: [1, 2, {k: 1}]}", "A: {x: [{l: 3}]}", {"A": {"x": [{"l": 3}]}}),
        ("A: {x: [1, 2]}", "A: {x: []}", {"A": {"x": []}}),
        ("A: {x: 1}", "A: {x: null}", {"A": {"x": None}}),
        ("A: {x: 1}", "A:", {"A": None}),
        ("A: {x: 1}", "A: {}", {"A": {"x": 1}}),
        ("A: {x: 1}", "A: 5", {"A": 5}),
        ("A: 5", "A: {x: 1}", {"A": {"x": 1}}),
        ("A: [1]", "A: {x: 1}", {"A": {"x": 1}}),
        ("A: {x: 1}", "", {"A": {"x": 1}}),
        ("A: {x: 1}\nB: 1", "C: 2\nA: {y: 1}", {"A": {"x": 1, "y": 1}, "B": 1, "C": 2}),
        ("A: {x: 1, y: {k: 1}}", "A: {_delete_: true, y: {l: 1}}", {"A": {"y": {"l": 1}}}),
        ("A: {x: 1, y: {k: 1}}", "A: {y: {_delete_: true}}", {"A": {"x": 1, "y": {}}}),
        ("A: {x: 1}", "A: {_delete_: false, y: 1}", {"A": {"x": 1, "y": 1}}),
        ("B: 1", "A: {x: {_delete_: true, k: 1}}", {"B": 1, "A": {"x": {"k": 1}}}),
        ("A: &a {x: 1}\nB: {<<: *a, y: 2}", "B: {y: 3}", {"A": {"x": 1}, "B": {"x": 1, "y": 3}}),
        ("A: {x: 010, y: '1'}", "A: {x: 1e-3}", {"A": {"x": 1e-3, "y": "1"}}),
    ],
)
def test_merging(base: str, derived: str, expected: dict[str, Any]) -> None:
    found = composed(b=base, c=f"_BASE_: b.yml\n{derived}\n")
    assert found == expected and list(found) == list(expected)


def test_of_several_bases_the_later_wins_and_the_file_itself_over_all() -> None:
    files = {"a": "A: {x: 1, y: 1, z: 1}", "b": "A: {y: 2, z: 2}"}
    assert composed(**files, c="A: {z: 3}\n_BASE_: [a.yml, b.yml]\n") == {"A": {"x": 1, "y": 2, "z": 3}}


def test_paths_are_those_of_the_file_that_names_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(d__e__c="_BASE_: ../b.yml\n", d__b="_BASE_: f/a.yml\nB: 1\n", d__f__a="A: 1\n")
    assert read_document("d/e/c.yml").tree == {"A": 1, "B": 1}
    monkeypatch.chdir("d/f")
    document = read_document("../e/c.yml")
    assert document.tree == {"A": 1, "B": 1}
    assert document.where(("A",)) == "../f/a.yml:1"
    monkeypatch.setenv("HOME", str(folder))
    write(h="_BASE_: ~/d/f/a.yml\n", i=f"_BASE_: {folder}/d/f/a.yml\n")
    assert read_document("h.yml").tree == read_document("i.yml").tree == {"A": 1}


def test_a_base_that_ships_is_found_from_any_folder(folder: Path) -> None:
    name = "configs/rec/rec_icdar15_train.yml"
    write(mine__c=f"_BASE_: {name}\nGlobal: {{epoch_num: 3}}\n")
    document = read_document("mine/c.yml")
    assert document.where(("Optimizer",)).startswith(f"{name}:")
    assert load_config("mine/c.yml").sha256() == load_config(CONFIG, ["Global.epoch_num=3"]).sha256()
    write(mine__configs__rec__rec_icdar15_train="A: 1\n")  # beside the file that names it
    assert read_document("mine/c.yml").tree == {"A": 1, "Global": {"epoch_num": 3}}


def test_places_name_the_file_a_value_stands_in() -> None:
    write(
        b="A:\n  x: 1\n  l:\n  - 1\n  - 2\nB:\n  k: 1\n  gone: 1\n",
        c="_BASE_: b.yml\nA:\n  y: 2\nB:\n  _delete_: true\n",
    )
    document = read_document("c.yml")
    places = {"A": "c.yml:2", "A.x": "b.yml:2", "A.y": "c.yml:3", "A.l": "b.yml:3", "B": "c.yml:4"}
    assert {key: document.where(tuple(key.split("."))) for key in places} == places
    assert document.where(("A", "l", 1)) == "b.yml:5"
    assert document.where(("B", "gone")) == document.where(("B", "k")) == "c.yml:4"
    assert document.where(("C",)) == "c.yml:1"


def test_problems_name_their_file_once() -> None:
    text = CONFIG.read_text(encoding="utf-8").replace("epoch_num:", "epoch_nmu:")
    write(a=text, b="_BASE_: a.yml\nLoss: {name: CTCLos}\n", c="_BASE_: [a.yml, b.yml]\nGlobal: {seed: x}\n")
    line = next(i for i, one in enumerate(text.splitlines(), 1) if "epoch_nmu" in one)
    assert refused("c.yml", "Train.loader.shuffle=5") == [
        f"a.yml:{line}: Global.epoch_nmu: unknown key, did you mean epoch_num?",
        "c.yml:2: Global.seed: expected an int of at least 0 and at most 4,294,967,295 or null, got a string 'x'",
        "b.yml:2: Loss.name: unknown loss 'CTCLos', did you mean CTCLoss?",
        "-o Train.loader.shuffle: expected true or false, got an int 5",
    ]


def test_overrides_come_after_the_bases() -> None:
    write(b="A: {x: 1, y: [1, 2]}\n", c="_BASE_: b.yml\nA: {x: 2}\n")
    document = read_document("c.yml")
    apply_overrides(document, ["A.x=3", "A.y.1=4"])
    assert document.tree == {"A": {"x": 3, "y": [1, 4]}}
    assert document.where(("A", "y", 1)) == "-o A.y.1" and document.where(("A", "y", 0)) == "b.yml:1"


def test_keys_of_a_class_that_was_replaced_are_reported_and_dropped() -> None:
    write(
        b=f"_BASE_: {CONFIG}\nOptimizer: {{name: Momentum, momentum: 0.8}}\n",
        c="_BASE_: b.yml\nOptimizer: {name: Adam}\n",
    )
    adam = load_config("c.yml")
    kept = {"beta1": 0.9, "beta2": 0.999, "name": "Adam", "regularizer": {"name": "L2", "factor": 0}}
    assert {k: v for k, v in adam.Optimizer.items() if k != "lr"} == kept
    assert "b.yml:2: Optimizer.momentum: is of Momentum, and not used by Adam" in adam.warnings
    momentum = load_config("b.yml")
    assert [line.split(": ", 1)[1] for line in momentum.warnings if "Optimizer" in line] == [
        f"Optimizer.{key}: is of Adam, and not used by Momentum" for key in ("beta1", "beta2")
    ]
    assert momentum.Optimizer["momentum"] == 0.8 and "beta1" not in momentum.Optimizer
    write(d="_BASE_: c.yml\nOptimizer: {name: Momentum, beta1: 0.5}\n")
    assert [line.split(", known")[0] for line in refused("d.yml")] == ["d.yml:2: Optimizer.beta1: unknown key"]
    write(e="_BASE_: c.yml\nOptimizer: {_delete_: true, name: Momentum, momentum: 0.7, lr: {learning_rate: 0.1}}\n")
    assert not [line for line in load_config("e.yml").warnings if "Optimizer" in line]
    over = load_config("b.yml", ["Optimizer.name=Adam", "Optimizer.beta1=0.5"])
    assert over.Optimizer["beta1"] == 0.5 and over.Optimizer["beta2"] == 0.999


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"c": "_BASE_: none.yml\n"}, "c.yml:1: _BASE_: none.yml: the configuration does not exist"),
        ({"c": "A: 1\n_BASE_:\n- b.yml\n- d/none.yml\n", "b": "A: 1\n"}, "c.yml:4: _BASE_: d/none.yml: the conf"),
        ({"c": "_BASE_: b.yml\n", "b": "_BASE_: none.yml\n"}, "b.yml:1: _BASE_: none.yml: the configuration does not"),
        ({"c": "_BASE_: .\n"}, "c.yml:1: _BASE_: .: the configuration is a folder"),
        ({"c": "_BASE_: c.yml\n"}, "c.yml:1: _BASE_: c.yml is its own base: c.yml -> c.yml"),
        ({"c": "_BASE_: d/../c.yml\n"}, "c.yml:1: _BASE_: c.yml is its own base: c.yml -> c.yml"),
        (
            {"c": "_BASE_: d/b.yml\n", "d__b": "\n_BASE_: ../a.yml\n", "a": "_BASE_: [e.yml, d/b.yml]\n", "e": "A: 1"},
            "a.yml:1: _BASE_: d/b.yml is its own base: c.yml -> d/b.yml -> a.yml -> d/b.yml",
        ),
        (
            {"c": "_BASE_: b.yml\n", "b": "- 1\n"},
            "c.yml:1: _BASE_: b.yml: a configuration is a mapping of sec",
        ),
        ({"c": "_BASE_: b.yml\n", "b": ""}, "c.yml:1: _BASE_: b.yml: the file is empty"),
        ({"c": "_BASE_: b.yml\n", "b": "A: 1\nB: [\n"}, "b.yml:3: not valid YAML: "),
        ({"c": "_BASE_: b.yml\n", "b": "A: 1\nA: 2\n"}, "b.yml:2: A: given twice"),
        ({"c": "_BASE_:\n"}, "c.yml:1: _BASE_: expected a file or a list of files, got null"),
        ({"c": "_BASE_: []\n"}, "c.yml:1: _BASE_: expected a file or a list of files, got a list []"),
        ({"c": "_BASE_: 5\n"}, "c.yml:1: _BASE_: expected a file or a list of files, got an int 5"),
        ({"c": "_BASE_: {a: b.yml}\n"}, "c.yml:1: _BASE_: expected a file or a list of files, got a mapping"),
        (
            {"c": "_BASE_: [b.yml, null]\n", "b": "A: 1"},
            "c.yml:1: _BASE_: expected a file or a list of files, got a list",
        ),
        ({"c": "_BASE_: ''\n"}, "c.yml:1: _BASE_: expected a file or a list of files, got a string ''"),
        ({"c": '_BASE_: "a\\0b"\n'}, "c.yml:1: _BASE_: a\\x00b: the configuration does not exist"),
        ({"c": f"_BASE_: {'x' * 300}\n"}, "c.yml:1: _BASE_: "),
        ({"c": "_BASE_: b.yml\nA: {_delete_: 1}\n", "b": "A: 1"}, "c.yml:2: A._delete_: expected true or false, got 1"),
    ],
)
def test_refused(files: dict[str, str], said: str) -> None:
    write(**files)
    (reported,) = refused()
    assert reported.startswith(said)


def test_a_binary_base_is_refused_by_the_line_that_names_it() -> None:
    write(c="A: 1\n_BASE_: b.pdparams\n")
    Path("b.pdparams").write_bytes(b"\x80\x02}q\x00.")
    (reported,) = refused()
    assert reported.startswith("c.yml:2: _BASE_: b.pdparams: not a text file: byte 0 is not UTF-8")


def test_a_link_to_the_file_itself_is_its_own_base() -> None:
    write(c="_BASE_: b.yml\n")
    os.symlink("c.yml", "b.yml")
    assert refused() == ["c.yml:1: _BASE_: b.yml is its own base: c.yml -> b.yml"]


def test_more_files_than_anybody_writes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "MAX_FILES", 3)
    write(a="A: 1\n", b="_BASE_: [a.yml, a.yml]\n", c="_BASE_: [b.yml, b.yml]\n")
    assert refused() == ["c.yml:1: _BASE_: more than 3 bases"]


@pytest.mark.parametrize("key", ["_base_", "_Base_", "_BASE", "BASE"])
def test_a_misspelt_base_gets_a_suggestion(key: str) -> None:
    write(b=CONFIG.read_text(encoding="utf-8"), c=f"{key}: b.yml\n")
    assert f"c.yml:1: {key}: unknown key, did you mean _BASE_?" in refused()


def test_keys_of_composition_are_understood_nowhere_else() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    write(c=text.replace("Loss:\n", "Loss:\n  _delete_: true\n").replace("Metric:\n", "Metric:\n  _BASE_: b.yml\n"))
    assert [re.sub(r":\d+", "", line.split(", ")[0]) for line in refused()] == [
        "c.yml: Loss._delete_: unknown key",
        "c.yml: Metric._BASE_: unknown key",
    ]


def test_copy_of_what_was_resolved_needs_no_base() -> None:
    write(b=f"_BASE_: {CONFIG}\nGlobal: {{epoch_num: 7}}\n", c="_BASE_: b.yml\nTrain: {loader: {num_workers: 0}}\n")
    config = load_config("c.yml", ["Global.seed=5"])
    Path("b.yml").unlink()
    config.dump("copy.yml")
    assert load_config("copy.yml").to_dict() == config.to_dict()
    assert "_BASE_" not in Path("copy.yml").read_text(encoding="utf-8")
    assert check(read_document("copy.yml")).Global.epoch_num == 7


def test_example_of_the_page_on_configurations(folder: Path) -> None:
    page = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"## Bases.*?```yaml\n(.*?)```", page, re.DOTALL)
    write(c=example)
    (folder / "my_dict.txt").write_text("a\nb\n", encoding="utf-8")
    config = load_config("c.yml")
    assert config.Architecture["Backbone"] == {"name": "PPHGNet_small"}
    assert config.Architecture["Head"]["name"] == "MultiHead" and config.Global.character_dict_path == "my_dict.txt"
    assert config.warnings == load_config("configs/rec/PP-OCRv4/PP-OCRv4_mobile_rec.yml").warnings
