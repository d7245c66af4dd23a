"""tools/pretrained.py: what can be had, an exported model as a starting point, and mistakes in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.from_weights import export_weights
from ppocr.engine.runs import evaluate_weights, train
from ppocr.pretrained.catalogue import ENTRIES
from tests.system.project import Project, make_project, run_tool


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A recogniser trained for a few steps, and its export in `inference`."""
    made = make_project(tmp_path_factory.mktemp("pretrained") / "project")
    train(load_config(made.config, ["Global.epoch_num=8"]))
    weights = f"Global.pretrained_model={made.out}/latest"
    export_weights(load_config(made.config, [weights, f"Global.save_inference_dir={made.folder}/inference"]))
    return made


def test_list_says_what_can_be_had() -> None:
    done = run_tool("pretrained.py", "list")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *(entry.name for entry in ENTRIES)]
    assert all(re.search(r"==\S+ +\d+ MB +Apache-2.0", line) for line in lines[1:])
    assert max(map(len, lines)) <= 120


def test_an_exported_model_becomes_a_starting_point(project: Project, tmp_path: Path) -> None:
    arguments = ["-c", str(project.config), "--images", str(project.folder / "images"), "--out", str(tmp_path)]
    done = run_tool("pretrained.py", "import", str(project.folder / "inference"), *arguments, "--name", "mine")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "mine"
    assert {"best_accuracy.pdparams", "best_accuracy.json", "config.yml"} <= {p.name for p in folder.iterdir()}
    assert re.search(r"all \d+ arrays of .* used, matched by (name|order)", done.stdout)
    assert float(re.search(r"largest difference between .*: (\S+)", done.stdout)[1]) < 1e-5  # type: ignore[index]
    assert f"train from it with tools/train.py -c {folder / 'config.yml'}" in done.stdout
    given = load_config(project.config, [f"Global.checkpoints={project.out}/latest"])
    imported = load_config(folder / "config.yml", [f"Global.checkpoints={folder}/best_accuracy"])
    assert evaluate_weights(imported).metrics == pytest.approx(evaluate_weights(given).metrics, abs=1e-5)


def test_mistakes_are_reported_in_one_line(project: Project, tmp_path: Path) -> None:
    def reported(*arguments: str) -> str:
        done = run_tool("pretrained.py", *arguments)
        assert done.returncode != 0 and "Traceback" not in done.stderr
        return done.stderr

    assert "did you mean PP-OCRv4_mobile_rec?" in reported("get", "PP-OCRv4_moble_rec", "--out", str(tmp_path))
    out = ("-c", str(project.config), "--out", str(tmp_path))
    assert "an exported model is inference.json or inference.pd" in reported(
        "import", str(project.folder / "images"), *out
    )
    other = project.changed("other", r"\[8, 8, 16, 16\]", "[8, 8, 16, 32]")
    assert "is this the configuration of that model?" in reported(
        "import", str(project.folder / "inference"), "-c", str(other), "--out", str(tmp_path)
    )
    assert list(tmp_path.iterdir()) == []
