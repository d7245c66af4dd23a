"""R16: a run killed at any write of an epoch's end and resumed leaves what the uninterrupted run leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import paddle
import pytest

from ppocr.engine.checkpoint_manager import CheckpointManager
from ppocr.engine.output_folder import prepare_folder, recover_folder
from ppocr.engine.start import find_start, start_optimizer, start_weights
from ppocr.engine.trainer import Trainer
from ppocr.engine.trainer_state import restore_trainer
from tests.engine.parts import Accuracy, contents, exit_code_in_fork, trainer
from tests.engine.test_kill import ROOT, Points, needs_fork

EPOCHS = 3
STEP = {EPOCHS - 1: 25, EPOCHS: 7}  # of the writes and syncs; renames and removals of periodic ones are all tried


class BetterEachTime(Accuracy):
    """Grows with every evaluation, so that each epoch's end writes `best_accuracy` too."""

    def get_metric(self) -> dict:
        return {"acc": float(BetterEachTime.trainer.position.global_step)}

    trainer: Trainer


def make(folder: Path) -> Trainer:
    made = trainer(folder, epoch_num=EPOCHS, save_epoch_step=1, eval_batch_epoch=1)
    made.task.metric = BetterEachTime()
    BetterEachTime.trainer = made
    made.checkpoints = CheckpointManager(folder, keep_last=1)
    return made


def go_on(folder: Path) -> None:
    """Resume as the command does."""
    made = make(folder)
    recover_folder(folder)
    start, how = find_start(SimpleNamespace(checkpoints=str(folder / "latest"), pretrained_model=None))
    assert start is not None
    start_weights(made.task, start, how)
    start_optimizer(made.optimizer, made.scheduler, made.task.model, start, "keep")
    restore_trainer(made, start.states)
    assert prepare_folder(folder, start)
    made.restore_periodic()
    made.fit()


def killed_in_the_end_of(epoch: int, folder: Path, kill_at: int) -> Points:
    """Train, and die at a point of an epoch's end; return the points if there are fewer."""
    made, whole, points = make(folder), Trainer.end_epoch, []

    def end_epoch(self: Trainer) -> None:
        if self.position.epoch == epoch:
            points.append(Points(kill_at))
        whole(self)

    made.end_epoch = end_epoch.__get__(made)
    made.fit()
    return points[0]


def every_kill(base: Path, epoch: int) -> None:
    def count() -> None:
        events = killed_in_the_end_of(epoch, base / "whole", 0).events
        (base / "events").write_text("\n".join(f"{what}\t{Path(name).name}" for what, name in events))

    assert exit_code_in_fork(count) == 0
    expected = contents(base / "whole")
    assert sorted({name.partition(".")[0] for name in expected}) == ["best_accuracy", f"iter_epoch_{EPOCHS}", "latest"]
    events = (base / "events").read_text().splitlines()
    assert any("iter_epoch" in e for e in events) and any("before unlink\titer_epoch" in e for e in events)
    tried = [
        n for n, e in enumerate(events, 1) if n % STEP[epoch] == 0 or "replace" in e or "after unlink\titer_epoch" in e
    ]
    for point in tried:
        folder = base / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        assert exit_code_in_fork(lambda point=point, folder=folder: killed_in_the_end_of(epoch, folder, point)) == 9
        assert exit_code_in_fork(lambda folder=folder: go_on(folder)) == 0, (point, events[point - 1])
        found = contents(folder)
        assert sorted(found) == sorted(expected), (point, events[point - 1])
        assert found == expected, (point, events[point - 1])


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("epoch", [EPOCHS - 1, EPOCHS])
def test_killed_at_every_write_of_an_epochs_end(epoch: int, tmp_path: Path) -> None:
    # a process of its own: it forks, and computes in the forked ones only
    command = [sys.executable, "-m", "tests.engine.test_kill_epoch", str(tmp_path), str(epoch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    paddle.set_device("cpu")
    every_kill(Path(sys.argv[1]), int(sys.argv[2]))
