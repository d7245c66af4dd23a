"""What users get wrong when they resume a run ends in one clear line, and changes nothing in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ppocr.engine.checkpoint_files import _digest
from tests.mistakes import Mistake, reported_in_one_line, train, write
from tests.system.project import Project

LATEST = "Global.checkpoints={p}/out/latest"


def manifest(change: Callable[[dict], object]) -> Callable[[Project], None]:
    """Return what changes a manifest as somebody might who knows its checksum."""

    def prepare(project: Project) -> None:
        path = project.out / "latest.json"
        found = json.loads(path.read_text(encoding="utf-8"))
        change(found)
        found["checksum"] = _digest(found)
        path.write_text(json.dumps(found), encoding="utf-8")

    return prepare


def moved(project: Project) -> None:
    """A second run took the folder, and has saved nothing yet."""
    (project.out / "previous-1").mkdir()
    for path in [p for p in project.out.iterdir() if p.is_file()]:
        path.rename(project.out / "previous-1" / path.name)


MISTAKES = [
    Mistake(
        "reordered dictionary",
        train,
        (
            "out/latest: was trained with another dictionary of the same size: its class 1 stands for '0', here ",
            "start from its weights with Global.pretrained_model, which matches them by character",
        ),
        (LATEST,),
        prepare=write("dict.txt", b"".join(b"%d\n" % digit for digit in range(9, -1, -1))),
    ),
    Mistake("larger dictionary", train, ("does not fit the network",), (LATEST, "Global.use_space_char=true")),
    Mistake(
        "moved away", train, ("latest.pdparams does not exist", "previous-1 holds best_"), (LATEST,), prepare=moved
    ),
    Mistake(
        "schedule of the manifest",
        train,
        ("latest.json: the schedule in it cannot be used", "resume_lr=override"),
        (LATEST,),
        prepare=manifest(lambda found: found["schedule"].update(epochs="many")),
    ),
    Mistake(
        "unknown way to resume",
        train,
        ("Global.resume_lr", "'keep' or 'override'"),
        ("Global.resume_lr=restart",),
        code=2,
    ),
    Mistake("folder below a file", train, ("cannot write", "not a folder"), ("Global.save_model_dir={p}/dict.txt/a",)),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_mistake_when_resuming(
    mistake: Mistake, trained: Project, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch)
