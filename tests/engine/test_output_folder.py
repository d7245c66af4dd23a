"""R15: a run never destroys another's files, and writes nothing before it can start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ppocr.engine import output_folder
from ppocr.engine.checkpoint import find_checkpoint, save_checkpoint
from ppocr.engine.folder_lock import hold_folder, refuse_in_use
from ppocr.engine.log import log_into, set_up_logging
from ppocr.engine.output_folder import check_folder, prepare_folder, recover_folder
from ppocr.errors import PpocrError
from tests.engine.parts import contents, exit_code_in_fork
from tests.system.project import ROOT, Project, make_project, run_tool

KEPT = ["inference/inference.json", "rec/latest.pdparams", "notes.txt", "predicts.txt", "latest.onnx", "my_latest.json"]


def save(folder: Path, name: str, step: int) -> None:
    arrays = {"w": np.full(7, step, np.float32)}
    save_checkpoint(folder / name, arrays, {"w_moment1_0": arrays["w"]}, {"step": step}, {"step": step, "epoch": 1})


def other_run(folder: Path) -> dict[str, bytes]:
    """Write what a run leaves, and things that are not a run's; return the run's."""
    for name, step in (("latest", 9), ("best_accuracy", 6), ("iter_epoch_1", 5)):
        save(folder, name, step)
    (folder / "config.yml").write_text("Global: {}\n")
    (folder / "train.log").write_text("one\n")
    (folder / "iter_epoch_2.pdopt.tmp").write_bytes(b"half a")
    mine = contents(folder)
    for name in KEPT:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return mine


def test_another_runs_files_are_moved_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(output_folder, "get_logger", lambda: SimpleNamespace(warning=lines.append))
    mine = other_run(tmp_path)
    prepare_folder(tmp_path, None)
    (line,) = lines
    assert f"{len(mine)} files moved to {tmp_path}/previous-1" in line and "Global.overwrite" in line
    assert contents(tmp_path / "previous-1") == mine
    assert sorted(contents(tmp_path)) == sorted([*KEPT, *(f"previous-1/{name}" for name in mine)])
    assert find_checkpoint(tmp_path / "previous-1/latest").states["step"] == 9
    prepare_folder(tmp_path, None)  # nothing there: nothing to say
    assert lines == [line]
    (tmp_path / "previous-7").mkdir()
    save(tmp_path, "latest", 1)
    prepare_folder(tmp_path, None)
    assert find_checkpoint(tmp_path / "previous-8/latest").states["step"] == 1
    assert contents(tmp_path / "previous-1") == mine


def test_overwrite_drops_them(tmp_path: Path) -> None:
    other_run(tmp_path)
    prepare_folder(tmp_path, None, overwrite=True)
    assert sorted(contents(tmp_path)) == sorted(KEPT) and not list(tmp_path.glob("previous-*"))


def test_a_run_resumed_in_its_folder_finds_its_files(tmp_path: Path) -> None:
    mine = other_run(tmp_path)
    prepare_folder(tmp_path, find_checkpoint(tmp_path / "latest"), overwrite=True)
    del mine["iter_epoch_2.pdopt.tmp"]  # what a kill left
    assert {name: data for name, data in contents(tmp_path).items() if name not in KEPT} == mine
    elsewhere = tmp_path / "new"
    other_run(elsewhere)
    prepare_folder(elsewhere, find_checkpoint(tmp_path / "latest"))  # from another folder: those here are another run's
    assert (elsewhere / "previous-1/latest.json").exists() and not (elsewhere / "latest.json").exists()


def test_going_back_keeps_what_came_after(tmp_path: Path) -> None:
    """Resumed from an earlier checkpoint, a run would replace the later ones one by one."""
    mine = other_run(tmp_path)
    prepare_folder(tmp_path, find_checkpoint(tmp_path / "iter_epoch_1"))
    later = [name for name in mine if name.startswith(("latest", "best_accuracy"))]
    assert contents(tmp_path / "previous-1") == {name: mine[name] for name in later}
    assert (tmp_path / "config.yml").exists() and (tmp_path / "train.log").exists()
    assert find_checkpoint(tmp_path / "iter_epoch_1").states["step"] == 5


def test_a_best_saved_just_before_a_kill_stays(tmp_path: Path) -> None:
    save(tmp_path, "latest", 5)
    save(tmp_path, "best_accuracy", 6)
    prepare_folder(tmp_path, find_checkpoint(tmp_path / "latest"))
    assert not list(tmp_path.glob("previous-*")) and (tmp_path / "best_accuracy.json").exists()


def killed_at(point: int) -> None:
    """End this process before or after its n-th rename, folder made or removed."""
    count = 0

    def around(function: Callable) -> Callable:
        def wrapped(*args, **kwargs):
            nonlocal count
            for action in (lambda: None, lambda: function(*args, **kwargs)):
                action()
                count += 1
                if count == point:
                    os._exit(9)

        return wrapped

    for name in ("replace", "mkdir", "rmdir"):
        setattr(os, name, around(getattr(os, name)))


def every_kill(tmp_path: Path) -> None:
    for point in range(1, 200):
        folder = tmp_path / str(point)
        mine = other_run(folder)

        def move(point: int = point, folder: Path = folder) -> None:
            killed_at(point)
            prepare_folder(folder, None)

        code = exit_code_in_fork(move)
        assert code in (0, 9)
        everywhere = contents(folder)
        assert sorted(data for name, data in everywhere.items() if name not in KEPT) == sorted(mine.values())
        whole = (folder / "previous-1").exists()

        def recover(point: int = point, folder: Path = folder) -> None:
            killed_at(point % 5)  # killed as well
            recover_folder(folder)

        exit_code_in_fork(recover)
        recover_folder(folder)
        assert {n: d for n, d in contents(folder).items() if n not in KEPT} == (
            {f"previous-1/{name}": data for name, data in mine.items()} if whole else mine
        ), point
        prepare_folder(folder, None)
        assert contents(folder / "previous-1") == mine
        assert sorted(p.name for p in folder.glob("previous-*")) == ["previous-1"]
        if code == 0:
            break
    assert code == 0 and point > 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, which this system lacks")
def test_a_kill_in_the_middle_of_moving_loses_nothing(tmp_path: Path) -> None:
    # a process of its own: it forks, which one with paddle's threads should not
    command = [sys.executable, "-m", "tests.engine.test_output_folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_move_that_fails_is_undone(tmp_path: Path, monkeypatch) -> None:
    other_run(tmp_path)
    before = contents(tmp_path)
    replace, count = os.replace, 0

    def full(source: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PpocrError, match="save_model_dir.*No space left"):
        prepare_folder(tmp_path, None)
    assert contents(tmp_path) == before and not list(tmp_path.glob("previous-*"))


def test_output_folder_is_checked_without_a_trace(tmp_path: Path) -> None:
    assert check_folder(tmp_path / "a b/ö") == tmp_path / "a b/ö"
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    for bad in ("file", "file/sub"):
        with pytest.raises(PpocrError, match="save_model_dir"):
            check_folder(tmp_path / bad)
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(PpocrError, match="save_model_dir"):
            check_folder(tmp_path / "closed")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    refuse_in_use(tmp_path)  # nothing there
    script = "import sys; from tests.engine.test_output_folder import hold; hold(sys.argv[1])"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(PpocrError, match="another run is writing"):
            recover_folder(tmp_path)
        process.kill()
    recover_folder(tmp_path)


def hold(folder: str) -> None:
    """Hold a folder until killed."""
    set_up_logging()
    hold_folder(log_into(Path(folder)).stream)
    print("held", flush=True)
    sys.stdin.read()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("folders") / "project")


def train(project: Project, *options: str) -> subprocess.CompletedProcess:
    return run_tool("train.py", "-c", str(project.config), *(["-o", *options] if options else []))


@pytest.mark.slow
def test_two_runs_into_one_folder(project: Project) -> None:
    """And weights named inside the folder are read before they are moved."""
    assert train(project).returncode == 0
    first = contents(project.out)
    start = f"Global.pretrained_model={project.out}/best_accuracy"
    second = train(project, start, "Optimizer.lr.learning_rate=0.001")
    assert second.returncode == 0, second.stderr
    assert "100.0% of the network loaded" in second.stdout
    assert len(re.findall(r"files moved to .*previous-1", second.stdout)) == 1
    assert contents(project.out / "previous-1") == first
    log = (project.out / "train.log").read_text(encoding="utf-8")
    assert "device: cpu" in log and "files moved to" in log and log.count("training is done") == 1
    third = train(project, "Global.overwrite=true")
    assert third.returncode == 0 and "files removed" in third.stdout
    assert sorted(p.name for p in project.out.glob("previous-*")) == ["previous-1"]
    assert contents(project.out / "previous-1") == first


RANK_1_FAILS = """
import os, sys
from ppocr import cli
from ppocr.engine import runs
from ppocr.errors import PpocrError

def fail(*args):
    raise PpocrError("the data of this rank is missing")

if os.environ["PADDLE_TRAINER_ID"] == "1":
    runs.data_loader = fail
sys.exit(cli.main(runs.train, ""))
"""


def launch(script: Path, project: Project, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"]
    command += ["--log_dir", str(project.folder / "log"), str(script), "-c", str(project.config)]
    command += ["-o", "Train.loader.batch_size_per_card=2", *options]
    environment = {**os.environ, "PPOCR_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, timeout=120, text=True, capture_output=True, env=environment)


@pytest.mark.slow
def test_two_processes_move_once_and_only_when_both_can_start(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other_run(out)
    before = contents(out)
    (tmp_path / "fails.py").write_text(RANK_1_FAILS)
    failed = launch(tmp_path / "fails.py", project, f"Global.save_model_dir={out}")
    assert failed.returncode != 0 and "the data of this rank is missing" in failed.stdout + failed.stderr
    assert contents(out) == before
    done = launch(ROOT / "tools/train.py", project, f"Global.save_model_dir={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(out / "previous-1") == {name: data for name, data in before.items() if name not in KEPT}
    assert sorted(p.name for p in out.glob("previous-*")) == ["previous-1"]
    assert (out / "best_accuracy.json").exists()


if __name__ == "__main__":
    every_kill(Path(sys.argv[1]))
