"""R2: a process killed at any write, fsync, rename or removal of a save leaves the old checkpoint or the new one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ppocr.engine import checkpoint_files
from ppocr.engine.checkpoint import find_checkpoint, save_checkpoint
from ppocr.errors import CheckpointError
from tests.engine.parts import exit_code_in_fork

ROOT = Path(__file__).resolve().parents[2]
PLAIN = ["latest.json", "latest.pdopt", "latest.pdparams", "latest.states"]


def save(folder: Path, step: int, name: str = "latest") -> None:
    arrays = {"w": np.full((20, 30), step, np.float32), "b": np.full(30, step, np.float32)}
    moments = {"w_moment1_0": np.full((20, 30), step, np.float32), "LR_Scheduler": {"last_epoch": step}}
    save_checkpoint(folder / name, arrays, moments, {"step": step, "rng": np.arange(step)}, {"step": step, "epoch": 1})


def step_of(folder: Path) -> int:
    """Return the step of the checkpoint found, having checked that all its parts are of that step."""
    found = find_checkpoint(folder / "latest")
    step = found.manifest["step"]
    assert found.states["step"] == step and len(found.states["rng"]) == step
    assert np.all(found.params["w"] == step) and np.all(found.params["b"] == step)
    assert np.all(found.optimizer["w_moment1_0"] == step) and found.optimizer["LR_Scheduler"] == {"last_epoch": step}
    return step


class Points:
    """Counts the points at which a save can be killed, and kills this process at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.count, self.kill_at = 0, kill_at
        self.events: list[tuple[str, str]] = []
        os.fsync = self.around(os.fsync, "fsync")
        os.replace = self.around(os.replace, "replace")
        os.unlink = self.around(os.unlink, "unlink")
        Path.unlink = self.around(Path.unlink, "unlink")
        whole = checkpoint_files.HashedFile.write

        def write(file: checkpoint_files.HashedFile, data: bytes) -> int:
            view = memoryview(data).cast("B")
            self.pass_by("write")
            if self.count + 1 == self.kill_at:  # killed half-way through
                file.file.write(view[: len(view) // 2])
                file.file.flush()
            self.pass_by("half a write")
            return whole(file, data)

        checkpoint_files.HashedFile.write = write

    def pass_by(self, what: str, detail: object = "") -> None:
        self.count += 1
        self.events.append((what, str(detail)))
        if self.count == self.kill_at:
            os._exit(9)

    def around(self, function, what: str):
        def wrapped(*args, **kwargs):
            self.pass_by("before " + what, args[0])
            result = function(*args, **kwargs)
            self.pass_by("after " + what, args[0])
            return result

        return wrapped


def killed_save(folder: Path, step: int, kill_at: int) -> bool:
    """Save in a forked process that dies at a point; return whether it came so far."""

    def action() -> None:
        Points(kill_at)
        save(folder, step)

    code = exit_code_in_fork(action)
    assert code in (0, 9), code
    return code == 9


def every_point(folder: Path, prepare, check) -> int:
    """Kill a save of step 2 at each of its points in turn; return how many there are."""
    point = 1
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        prepare(folder)
        if not killed_save(folder, 2, point):
            return point - 1
        check(folder, point)
        point += 1


def finish(folder: Path) -> None:
    """A later save must work and leave the four plain names only."""
    save(folder, 5)
    assert step_of(folder) == 5
    assert sorted(p.name for p in folder.iterdir()) == PLAIN


def overwrite(folder: Path) -> None:
    steps = set()

    def check(folder: Path, point: int) -> None:
        first = step_of(folder)
        steps.add(first)
        if point % 3 == 0:  # and the save after it is killed as well
            shutil.copytree(folder, folder.with_name("copy"))
            for second in range(1, 60, 7):
                shutil.rmtree(folder)
                shutil.copytree(folder.with_name("copy"), folder)
                killed_save(folder, 3, second)
                assert step_of(folder) in (first, 3), (point, second)
            shutil.rmtree(folder.with_name("copy"))
        finish(folder)

    points = every_point(folder, lambda f: save(f, 1), check)
    assert points > 30 and steps == {1, 2}, (points, steps)


def first_save(folder: Path) -> None:
    def check(folder: Path, point: int) -> None:
        try:
            assert step_of(folder) == 2
        except CheckpointError as error:
            assert "does not exist" in str(error)
        finish(folder)

    every_point(folder, lambda f: None, check)


def over_official(folder: Path) -> None:
    """Files without a manifest stay as they were, or give way to the new checkpoint whole."""

    def prepare(folder: Path) -> None:
        save(folder, 1)
        (folder / "latest.json").unlink()

    def check(folder: Path, point: int) -> None:
        found = find_checkpoint(folder / "latest")
        step = found.states["step"]
        assert step in (1, 2) and (found.manifest is None) == (step == 1)
        assert np.all(found.params["w"] == step) and np.all(found.optimizer["w_moment1_0"] == step)
        finish(folder)

    every_point(folder, prepare, check)


def durable_order(folder: Path) -> None:
    """Nothing is renamed before it is synced, and the manifest comes last."""
    folder.mkdir(parents=True)
    save(folder, 1)
    points = Points(0)
    save(folder, 2)
    kinds = [(what, Path(name).name) for what, name in points.events]
    renames = [name for what, name in kinds if what == "before replace"]
    assert renames[-1] == "latest.json.tmp" and len(renames) == 4
    first = kinds.index(("before replace", renames[0]))
    assert sum(what == "after fsync" for what, _ in kinds[:first]) == 6  # four files, the folder twice
    assert kinds[-1][0] == "after fsync"


def endless(folder: Path) -> None:
    step = 1
    while True:
        save(folder, step)
        step += 1


SCENARIOS = {f.__name__: f for f in (overwrite, first_save, over_official, durable_order, endless)}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, which this system lacks")


def command(name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.engine.test_kill", name, str(folder)]


@needs_fork
@pytest.mark.parametrize("name", ["overwrite", "first_save", "over_official", "durable_order"])
def test_killed_at_every_point(name: str, tmp_path: Path) -> None:
    # a process of its own: it forks, which one with paddle's threads should not
    done = subprocess.run(command(name, tmp_path / "out"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_at_random_times(tmp_path: Path) -> None:
    save(tmp_path, 1)
    least = 1
    for round_number in range(4):
        process = subprocess.Popen(command("endless", tmp_path), cwd=ROOT)
        before = (tmp_path / "latest.json").stat().st_mtime_ns
        for _ in range(1500):
            if (tmp_path / "latest.json").exists() and (tmp_path / "latest.json").stat().st_mtime_ns != before:
                break
            time.sleep(0.02)
        time.sleep(random.Random(round_number).uniform(0, 0.05))
        process.kill()
        process.wait()
        assert step_of(tmp_path) >= least
    finish(tmp_path)


def test_read_while_it_is_being_replaced(tmp_path: Path) -> None:
    save(tmp_path, 1)
    process = subprocess.Popen(command("endless", tmp_path), cwd=ROOT)
    try:
        steps = [0]
        while len(set(steps)) <= 60:  # ends when the writer has made 60 steps: no number of reads decides
            assert process.poll() is None, "the writer ended by itself"
            steps.append(step_of(tmp_path))
            assert steps[-1] >= steps[-2] or steps[-1] == 1  # the writer starts at 1 again
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](Path(sys.argv[2]))
