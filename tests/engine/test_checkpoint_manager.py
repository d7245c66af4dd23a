"""Starting a run from files: which checkpoint wins, what is refused, and that a resumed run equals one on disk."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from ppocr.engine.checkpoint_files import checkpoint_exists
from ppocr.engine.checkpoint_manager import CheckpointManager
from ppocr.engine.start import find_start, start_optimizer, start_weights
from ppocr.engine.trainer_state import restore_trainer
from ppocr.errors import CheckpointError, PpocrError
from tests.engine.parts import trainer


def settings(checkpoints=None, pretrained_model=None):
    return SimpleNamespace(checkpoints=checkpoints, pretrained_model=pretrained_model)


def train(folder, epochs, start=None, **changed):
    made = trainer(folder, epoch_num=epochs, **changed)
    made.checkpoints = CheckpointManager(folder, keep_last=2)
    if start:
        checkpoint, how = find_start(settings(checkpoints=str(start)))
        start_weights(made.task, checkpoint, how)
        start_optimizer(made.optimizer, made.scheduler, made.task.model, checkpoint, changed.get("resume_lr", "keep"))
        restore_trainer(made, checkpoint.states)
    made.fit()
    return made


def hashes(folder):
    return [hashlib.sha256((folder / f"latest{end}").read_bytes()).hexdigest() for end in (".pdparams", ".pdopt")]


def test_resumed_from_disk_is_the_same_bytes(tmp_path):
    train(tmp_path / "whole", 4)
    train(tmp_path / "first", 2)
    train(tmp_path / "second", 4, start=tmp_path / "first/latest")
    assert hashes(tmp_path / "whole") == hashes(tmp_path / "second")
    train(tmp_path / "other", 4, seed=9)
    assert hashes(tmp_path / "whole")[0] != hashes(tmp_path / "other")[0]


def test_numbered_checkpoints_are_pruned(tmp_path):
    train(tmp_path, 4, save_epoch_step=1)
    names = sorted(p.name for p in tmp_path.glob("iter_epoch_*.pdparams"))
    assert names == ["iter_epoch_3.pdparams", "iter_epoch_4.pdparams"]


def test_weights_that_are_not_finite_are_never_written(tmp_path):
    made = train(tmp_path, 1)
    before = hashes(tmp_path)
    made.task.model.fc.weight.set_value(np.full((8, 5), np.nan, "float32"))
    with pytest.raises(PpocrError, match="fc.weight"):
        made.save("latest")
    assert hashes(tmp_path) == before


def test_checkpoints_win_over_pretrained(tmp_path):
    train(tmp_path / "a", 1)
    train(tmp_path / "b", 1)
    found, how = find_start(settings(str(tmp_path / "a/latest"), str(tmp_path / "b/latest")))
    assert how == "resume" and found.prefix == tmp_path / "a/latest" and found.optimizer


def test_missing_checkpoint_falls_back_to_pretrained_with_a_warning(tmp_path, caplog, monkeypatch):
    from ppocr.engine.log import get_logger

    monkeypatch.setattr(get_logger(), "propagate", True)
    train(tmp_path, 1)
    with caplog.at_level("WARNING", "ppocr"):
        found, how = find_start(settings(str(tmp_path / "nothing"), str(tmp_path / "latest")))
    assert how == "weights" and found.optimizer is None and "nothing" in caplog.text
    assert not checkpoint_exists(tmp_path / "nothing") and checkpoint_exists(tmp_path / "latest.pdparams")


def test_missing_checkpoint_lists_what_is_there(tmp_path):
    train(tmp_path, 1)
    for chosen in (settings(str(tmp_path / "lastest")), settings(None, str(tmp_path / "lastest"))):
        with pytest.raises(CheckpointError, match="lastest.*latest"):
            find_start(chosen)


def test_damaged_checkpoint_is_not_passed_over_for_pretrained(tmp_path):
    train(tmp_path / "a", 1, eval_batch_step=0)
    train(tmp_path / "b", 1)
    for end in (".pdparams", ".pdopt", ".states"):
        for file in (tmp_path / "a").glob(f"*{end}"):
            file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(CheckpointError):
        find_start(settings(str(tmp_path / "a/latest"), str(tmp_path / "b/latest")))


def test_checkpoint_of_another_network_is_refused(tmp_path):
    train(tmp_path, 1)
    checkpoint, how = find_start(settings(str(tmp_path / "latest")))
    checkpoint.params["fc.weight"] = np.zeros((8, 6), "float32")
    with pytest.raises(CheckpointError, match="fc.weight"):
        start_weights(trainer(tmp_path).task, checkpoint, how)


def test_weights_without_optimizer_cannot_be_resumed(tmp_path):
    train(tmp_path, 1)
    (tmp_path / "latest.pdopt").unlink()
    (tmp_path / "latest.json").unlink()
    with pytest.raises(CheckpointError, match="pretrained_model"):
        find_start(settings(str(tmp_path / "latest")))


@pytest.mark.parametrize(("resume_lr", "expected"), [("keep", 0.005), ("override", 0.5)])
def test_learning_rate_kept_or_overridden(tmp_path, resume_lr, expected):
    train(tmp_path, 1)  # five steps: 0.05 has become 0.005
    checkpoint, _ = find_start(settings(str(tmp_path / "latest")))
    made = trainer(tmp_path)
    made.scheduler.base_lr = made.scheduler.last_lr = 5.0
    start_optimizer(made.optimizer, made.scheduler, made.task.model, checkpoint, resume_lr)
    assert made.optimizer.get_lr() == pytest.approx(expected)
    assert made.scheduler.last_epoch == 5
