"""A dictionary can grow, shrink or be re-ordered: what the head learned follows the characters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ppocr.build import build_task
from ppocr.config.loader import load_config
from ppocr.engine.runs import classes_of, train
from ppocr.engine.start import find_start, start_weights
from tests.system.project import Project, make_project


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("finetune") / "project")
    train(load_config(project.config))
    return project


def head(task) -> dict[str, np.ndarray]:
    """Return weight column and bias of each class by its character."""
    weight, bias = task.model.head.fc.weight.numpy(), task.model.head.fc.bias.numpy()
    return {c: np.append(weight[:, i], bias[i]) for i, c in enumerate(task.classes)}


def start(project: Project, weights: str, *overrides: str):
    cfg = load_config(project.config, [f"Global.pretrained_model={weights}", *overrides])
    task = build_task(cfg, "train")
    fresh = head(task)
    found, how = find_start(cfg.Global)
    start_weights(task, found, how, classes_of(cfg.Global.pretrained_dict_path, task))
    return task, fresh


def test_grown_dictionary_keeps_what_was_learned(trained: Project, tmp_path: Path) -> None:
    cfg = load_config(trained.config, [f"Global.pretrained_model={trained.out}/latest"])
    task = build_task(cfg, "eval")
    start_weights(task, *find_start(cfg.Global))
    learned = head(task)
    grown = tmp_path / "grown.txt"
    grown.write_text("".join(f"{c}\n" for c in "x9876543210yz"), encoding="utf-8")
    task, fresh = start(trained, f"{trained.out}/latest", f"Global.character_dict_path={grown}")
    now = head(task)
    assert set(now) == {"blank", *"x9876543210yz"}
    for c in now:
        np.testing.assert_array_equal(now[c], learned[c] if c in learned else fresh[c], err_msg=c)
    assert not np.array_equal(fresh["7"], learned["7"])


def test_old_dictionary_can_be_named_for_files_that_do_not_say(trained: Project, tmp_path: Path) -> None:
    params = (trained.out / "latest.pdparams").read_bytes()
    (tmp_path / "official.pdparams").write_bytes(params)
    short = tmp_path / "short.txt"
    short.write_text("".join(f"{c}\n" for c in "13579"), encoding="utf-8")
    named = f"Global.pretrained_dict_path={trained.folder}/dict.txt"
    task, _ = start(trained, f"{tmp_path}/official", f"Global.character_dict_path={short}", named)
    named, _ = start(trained, f"{trained.out}/latest", f"Global.character_dict_path={short}")
    for c, row in head(task).items():
        np.testing.assert_array_equal(row, head(named)[c])


def test_manifest_says_which_characters(trained: Project) -> None:
    manifest = json.loads((trained.out / "latest.json").read_text(encoding="utf-8"))
    assert manifest["characters"] == ["blank", *"0123456789"]
