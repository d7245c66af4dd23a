"""Mistakes on purpose: what is done wrong, what must be reported, and the project they happen in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ppocr import cli
from tests.system.project import Project

BEST = "Global.checkpoints={p}/out/best_accuracy"


def train(cfg) -> None:
    from ppocr.engine.runs import train as run

    run(cfg)


def evaluate(cfg) -> None:
    from ppocr.engine.runs import evaluate_weights as run

    run(cfg)


def infer(cfg) -> None:
    from ppocr.deploy.from_weights import infer as run

    run(cfg)


def export(cfg) -> None:
    from ppocr.deploy.from_weights import export_weights as run

    run(cfg)


@dataclass
class Mistake:
    """A mistake, and what is reported.

    Args:
        name: of the case.
        command: what is run.
        says: parts the message must have.
        options: `-o` overrides; {p} is the project folder.
        prepare: changes files in the project; may return another configuration to use.
        code: expected exit code.
        starts: whether training begins before the mistake shows; where not, the output folder stays as it is.
    """

    name: str
    command: Callable
    says: tuple[str, ...]
    options: tuple[str, ...] = ()
    prepare: Callable[[Project], Path | None] | None = None
    code: int = 1
    starts: bool = False


def write(relative: str, data: bytes) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        (project.folder / relative).write_bytes(data)

    return change


def config(data: bytes) -> Callable[[Project], Path]:
    def change(project: Project) -> Path:
        path = project.folder / "other.yml"
        path.write_bytes(data)
        return path

    return change


def edit(pattern: str, replacement: str) -> Callable[[Project], Path]:
    return lambda project: project.changed("edited", pattern, replacement)


def damage(suffix: str, how: Callable[[bytes], bytes]) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        for path in project.out.glob(f"*{suffix}"):
            path.write_bytes(how(path.read_bytes()))

    return change


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def whole_set(row: Callable[[int], str]) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        for name in ("train.txt", "test.txt"):
            (project.folder / name).write_text("".join(row(i) for i in range(8)), encoding="utf-8")

    return change


def copy_of(trained: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a copy of a project in `folder`, which becomes the working directory."""
    project = Project(folder / "p", folder / "p" / "config.yml")
    shutil.copytree(trained.folder, project.folder)
    # a copy at the same relative place: the configuration names the folder
    text = project.config.read_text(encoding="utf-8").replace(str(trained.folder), str(project.folder))
    project.config.write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    return project


def reported_in_one_line(
    mistake: Mistake, trained: Project, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """Make a mistake in a copy of a project, check what is reported, and return the copy."""
    project = copy_of(trained, tmp_path, monkeypatch)
    path = (mistake.prepare(project) if mistake.prepare else None) or project.config
    options = [option.format(p=project.folder) for option in mistake.options]
    before = {path: path.read_bytes() for path in project.out.rglob("*") if path.is_file()}
    capfd.readouterr()
    code = cli.main(mistake.command, "", ["-c", str(path), *(["-o", *options] if options else [])])
    shown = capfd.readouterr().err
    assert code == mistake.code, shown
    reported = [line for line in shown.splitlines() if line.startswith(("error:", "hint:"))]
    for part in mistake.says:
        assert any(part in line for line in reported), f"{part!r} is not in:\n{shown}"
    assert "Traceback" not in shown
    assert sum(line.startswith("error:") for line in reported) <= 3
    assert not (tmp_path / "payload_ran").exists()
    if not mistake.starts:
        assert {path: path.read_bytes() for path in project.out.rglob("*") if path.is_file()} == before
    return project
