"""Resuming under a configuration that has changed: the schedule that holds, and what is reported."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from ppocr.config.loader import load_config
from ppocr.engine import resume
from ppocr.engine.checkpoint import Checkpoint, find_checkpoint
from ppocr.engine.resume import LINES, differences, plan_schedule, tell_differences
from ppocr.engine.runs import train
from ppocr.errors import CheckpointError
from tests.system.project import Project, make_project

EPOCHS = 4
STEPS = 2  # an epoch has


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run of four epochs along a cosine."""
    project = make_project(tmp_path_factory.mktemp("resume") / "project")
    run(project, project.out)
    return project


def run(project: Project, out: Path, *options: str) -> dict[int, str]:
    """Train and return the learning rate of each step as logged."""
    common = [f"Global.save_model_dir={out}", f"Global.epoch_num={EPOCHS}", "Eval.loader.batch_size_per_card=8"]
    train(load_config(project.config, [*common, "Global.overwrite=true", *options]))
    lines = re.findall(r"global_step (\d+) .* lr (\S+)", (out / "train.log").read_text(encoding="utf-8"))
    return {int(step): rate for step, rate in lines}


def reported(out: Path) -> list[str]:
    return re.findall(r"WARNING: (.*)", (out / "train.log").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rates(project: Project) -> dict[int, str]:
    lines = (project.out / "train.log").read_text(encoding="utf-8")
    found = {int(step): rate for step, rate in re.findall(r"global_step (\d+) .* lr (\S+)", lines)}
    assert len(set(found.values())) == EPOCHS * STEPS
    return found


def later(rates: dict[int, str]) -> dict[int, str]:
    """Return the rates of the second half, resumed from the end of the second epoch."""
    return {step: rate for step, rate in rates.items() if step > 2 * STEPS}


def test_keep_goes_on_along_the_checkpoints_schedule(project: Project, rates: dict[int, str], tmp_path: Path) -> None:
    """Not for one step only, and not until the next resume only."""
    start = f"Global.checkpoints={project.out}/iter_epoch_2"
    higher = "Optimizer.lr={name: Linear, learning_rate: 0.5}"
    assert run(project, tmp_path / "a", start, higher) == later(rates)
    assert any(
        line.startswith("the learning rate follows the schedule of the checkpoint") for line in reported(tmp_path / "a")
    )
    again = run(project, tmp_path / "b", f"Global.checkpoints={tmp_path}/a/iter_epoch_3", higher)
    assert again == {step: rate for step, rate in rates.items() if step > 3 * STEPS}
    whole = run(project, tmp_path / "c", higher)
    assert run(project, tmp_path / "d", start, higher, "Global.resume_lr=override") == later(whole)
    assert not any("follows the schedule" in line for line in reported(tmp_path / "d"))


def test_an_unchanged_run_has_nothing_to_tell(project: Project, rates: dict[int, str], tmp_path: Path) -> None:
    options = [f"Global.checkpoints={project.out}/iter_epoch_2"]
    assert run(project, tmp_path, *options) == later(rates)
    assert [line.partition(":")[0] for line in reported(tmp_path)] == ["Global.save_model_dir"]


def test_a_longer_run_holds_the_last_rate_and_says_so(project: Project, rates: dict[int, str], tmp_path: Path) -> None:
    options = [f"Global.checkpoints={project.out}/latest", f"Global.epoch_num={EPOCHS + 1}"]
    assert run(project, tmp_path / "a", *options) == {9: rates[8], 10: rates[8]}
    (line,) = [line for line in reported(tmp_path / "a") if "last rate holds" in line]
    assert "over 4 epochs" in line and "epoch 5" in line and "Global.resume_lr=override" in line
    whole = run(project, tmp_path / "b", options[1])
    found = run(project, tmp_path / "c", *options, "Global.resume_lr=override")
    assert found == {step: whole[step] for step in (9, 10)}


@pytest.mark.parametrize("resume_lr", ["keep", "override"])
def test_another_batch_size_keeps_the_place_in_the_schedule(
    project: Project, rates: dict[int, str], tmp_path: Path, resume_lr: str
) -> None:
    options = ["Train.loader.batch_size_per_card=2", f"Global.resume_lr={resume_lr}"]
    found = run(project, tmp_path, f"Global.checkpoints={project.out}/iter_epoch_2", *options)
    assert [found[step] for step in (5, 7)] == [rates[step] for step in (5, 6)]  # half an epoch is two steps now
    assert any("an epoch has 4 steps, 2 when" in line for line in reported(tmp_path))


def test_each_key_that_differs_is_reported(project: Project, tmp_path: Path) -> None:
    options = ["Optimizer.beta1=0.8", "Train.dataset.transforms.1.RecAug={tia_prob: 0.1}", "Global.seed=5"]
    run(project, tmp_path, f"Global.checkpoints={project.out}/iter_epoch_3", *options)
    lines = reported(tmp_path)
    for part in (
        "Global.seed: 5 here, 3 in the checkpoint's configuration",
        "Optimizer.beta1: 0.8 here, 'not set' in",
        "Train.dataset.transforms.1.RecAug: {'tia_prob': 0.1} here, None in",
    ):
        assert any(line.startswith(part) for line in lines), (part, lines)


def checkpoint(manifest: dict | None) -> Checkpoint:
    return Checkpoint(Path("x/latest"), {}, {}, {}, manifest)


def test_differences_are_bounded_and_official_ones_unknown(project: Project, monkeypatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(resume, "get_logger", lambda: SimpleNamespace(warning=lines.append))
    cfg = load_config(project.config)
    same = {"config_sha256": "0", "config": json.loads(json.dumps(cfg.to_dict()))}
    many = {**same, "config": {**same["config"], "Loss": {f"key{i}": i for i in range(3 * LINES)}}}
    for manifest, count in ((None, 0), (same, 0), ({"config_sha256": "0"}, 1), (many, LINES + 1)):
        lines.clear()
        tell_differences(cfg, checkpoint(manifest))
        assert len(lines) == count, lines
    del same["config"]["Global"]["overwrite"]  # as of a version without the key, which had its default
    lines.clear()
    tell_differences(cfg, checkpoint(same))
    assert not lines


def test_differences_name_the_keys() -> None:
    old = {"a": 1, "b": [{"c": 1}, 2], "d": [1], "e": {"f": 1}, "g": 1}
    new = {"a": 1, "b": [{"c": 3}, 2], "d": [1, 2], "e": 5, "h": None}
    assert list(differences(old, new)) == [
        ("b.0.c", 1, 3),
        ("d", [1], [1, 2]),
        ("e", {"f": 1}, 5),
        ("h", "not set", None),
        ("g", 1, "not set"),
    ]


@pytest.mark.parametrize(
    "schedule",
    [
        [],
        {"lr": {"name": "Cosine"}, "epochs": 2, "steps_per_epoch": 2},
        {"lr": {"name": ["Cosine"], "learning_rate": 1}, "epochs": 2, "steps_per_epoch": 2},
        {"lr": {"learning_rate": "fast"}, "epochs": 2, "steps_per_epoch": 2},
        {"lr": {"learning_rate": float("nan")}, "epochs": 2, "steps_per_epoch": 2},
        {"lr": {"learning_rate": 1}, "epochs": 0, "steps_per_epoch": 2},
        {"lr": {"learning_rate": 1}, "epochs": 2, "steps_per_epoch": "2"},
        {"lr": {"learning_rate": 1}, "epochs": 2},
    ],
)
def test_a_schedule_that_cannot_be_used_is_refused(schedule) -> None:
    cfg = SimpleNamespace(Global=SimpleNamespace(epoch_num=2, resume_lr="keep"), Optimizer={"lr": {"learning_rate": 1}})
    with pytest.raises(CheckpointError, match="latest.json: the schedule in it cannot be used.*resume_lr=override"):
        plan_schedule(cfg, 2, checkpoint({"schedule": schedule}))
    assert plan_schedule(cfg, 2, checkpoint(None)).lr == {"learning_rate": 1}  # an official one does not say


def test_the_manifest_holds_configuration_and_schedule(project: Project) -> None:
    manifest = find_checkpoint(project.out / "latest").manifest
    assert manifest["config"]["Global"]["epoch_num"] == EPOCHS
    assert manifest["schedule"] == {
        "lr": {"name": "Cosine", "learning_rate": 0.002},
        "epochs": EPOCHS,
        "steps_per_epoch": STEPS,
    }
