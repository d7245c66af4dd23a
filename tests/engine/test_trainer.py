"""The loop: cadence, accumulation, best weights, exact resume, NaN, signals."""

import math
import os
import signal

import numpy as np
import paddle
import pytest

from ppocr.engine.log import get_logger
from ppocr.engine.loss_monitor import NonFiniteLoss
from ppocr.engine.progress import TIMES
from ppocr.engine.stop import Stopped
from ppocr.engine.trainer import Best
from ppocr.errors import DataError
from tests.engine.parts import Accuracy, BrokenLoader, ListLoader, resume, trainer


@pytest.fixture
def lines():
    """Log lines without times."""
    import logging

    kept = []
    handler = logging.Handler()
    handler.emit = lambda record: kept.append(record.getMessage().split(TIMES)[0])
    get_logger().addHandler(handler)
    get_logger().setLevel(logging.INFO)
    yield kept
    get_logger().removeHandler(handler)


def weights(made):
    return {k: v.numpy() for k, v in made.task.model.state_dict().items()}


def same(a, b):
    return all(np.array_equal(a[k], b[k]) for k in a)


class StopAt(ListLoader):
    """Sends this process a signal before a batch of an epoch."""

    def __init__(self, at, signum=signal.SIGTERM, **kwargs):
        super().__init__(**kwargs)
        self.at, self.signum = at, signum

    def epoch(self, epoch, start_step=0):
        for i, batch in enumerate(super().epoch(epoch, start_step), start_step):
            if (epoch, i) == self.at:
                os.kill(os.getpid(), self.signum)
            yield batch


@pytest.mark.parametrize("accumulate", [1, 2])
def test_interrupted_equals_uninterrupted(tmp_path, lines, accumulate):
    common = {"epoch_num": 3, "accumulate_steps": accumulate, "eval_batch_step": [0, 2]}
    whole = trainer(tmp_path, **common)
    whole.fit()
    expected, lines[:] = list(lines), []

    first = trainer(tmp_path, loader=StopAt((2, 2), seed=3), **common)
    with pytest.raises(Stopped) as stopped:
        first.fit()
    assert stopped.value.exit_code == 143
    second = resume(trainer(tmp_path, **common), first.checkpoints.saved["latest"])
    assert second.position.epoch == 2 and second.position.step_in_epoch > 0
    second.fit()

    assert same(weights(whole), weights(second))
    assert lines == expected
    a, b = whole.optimizer.state_dict(), second.optimizer.state_dict()
    assert all(np.array_equal(a[k].numpy(), b[k].numpy()) for k in a if k != "LR_Scheduler")
    assert a["LR_Scheduler"] == b["LR_Scheduler"]
    assert whole.best == second.best

    other = trainer(tmp_path, seed=4, **common)
    other.fit()
    assert not same(weights(whole), weights(other))


@pytest.mark.parametrize("at", [2, 4])
def test_too_many_broken_samples_end_the_run_after_saving(tmp_path, at):
    common = {"seed": 3, "save_epoch_step": 0}
    whole = trainer(tmp_path, **common)
    whole.fit()
    first = trainer(tmp_path, loader=BrokenLoader(at, seed=3), **common)
    with pytest.raises(DataError) as ended:
        first.fit()
    assert "list.txt:7" in ended.value.message
    assert f"Global.checkpoints={tmp_path}/latest" in ended.value.hint and "max_bad_ratio=0.63" in ended.value.hint
    second = resume(trainer(tmp_path, **common), first.checkpoints.saved["latest"])
    assert second.position.global_step == at + 1
    second.fit()
    assert same(weights(whole), weights(second))


class FailsAt(ListLoader):
    def epoch(self, epoch, start_step=0):
        for step, batch in enumerate(super().epoch(epoch, start_step), start=start_step):
            if step == 3:
                raise DataError("no usable sample in 20 attempts", "check data_dir")
            yield batch


def test_a_loader_that_fails_costs_no_step(tmp_path):
    made = trainer(tmp_path, loader=FailsAt(seed=3))
    with pytest.raises(DataError, match="no usable sample in 20 attempts") as ended:
        made.fit()
    assert ended.value.hint == f"check data_dir; go on with -o Global.checkpoints={tmp_path}/latest"
    assert made.checkpoints.names == ["latest"] and made.checkpoints.saved["latest"][2]["position"]["global_step"] == 3


def test_resume_at_another_batch_size_keeps_the_place_in_the_epoch(tmp_path):
    first = trainer(tmp_path, loader=StopAt((1, 3), seed=3))
    with pytest.raises(Stopped):
        first.fit()
    assert first.position.batches == 4  # eight images
    second = trainer(tmp_path, loader=ListLoader(10, 4, seed=3))
    resume(second, first.checkpoints.saved["latest"])
    assert second.position.batches == 2 and second.position.global_step == 4


def test_accumulated_steps_equal_larger_batches(tmp_path):
    made = []
    for batch, accumulate in ((2, 2), (4, 1)):
        one = trainer(tmp_path, loader=ListLoader(8, batch, seed=3), accumulate_steps=accumulate, epoch_num=2)
        one.task.model.drop.p = 0.0
        one.fit()
        made.append(one)
    assert made[0].position.global_step == made[1].position.global_step == 4
    for a, b in zip(weights(made[0]).values(), weights(made[1]).values()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ({"eval_batch_step": 4}, [4, 8, 10]),
        ({"eval_batch_step": [3, 2]}, [5, 7, 9, 10]),
        ({"eval_batch_epoch": 1}, [5, 10]),
        ({"eval_batch_step": [0, 1000]}, [10]),
    ],
)
def test_evaluation_cadence(tmp_path, changed, steps):
    made = trainer(tmp_path, **changed)
    seen = []
    made._report = lambda found: seen.append(made.position.global_step)
    made.fit()
    assert seen == steps


def test_checkpoints_written(tmp_path):
    made = trainer(tmp_path, epoch_num=4, save_epoch_step=2, eval_batch_epoch=2)
    made.fit()
    names = made.checkpoints.names
    assert [n for n in names if n.startswith("iter")] == ["iter_epoch_2", "iter_epoch_4"]
    assert names.count("best_accuracy") >= 1
    assert made.checkpoints.saved["latest"][2]["position"]["epoch"] == 5


def test_best_is_strict_and_finite():
    best = Best()
    assert not best.beaten_by(math.nan) and not best.beaten_by(math.inf)
    assert best.beaten_by(0.0)
    assert not Best(0.5).beaten_by(0.5)


def test_metric_during_training_is_logged(tmp_path, lines):
    trainer(tmp_path, epoch_num=1, cal_metric_during_train=True, print_batch_step=2).fit()
    steps = [line for line in lines if "global_step" in line]
    assert len(steps) == 2 and all(" acc " in line and " lr " in line for line in steps)


def test_nan_stops_and_names_the_samples(tmp_path):
    made = trainer(tmp_path, epoch_num=2, save_epoch_step=1)
    made.task.loss.poison = 8
    with pytest.raises(NonFiniteLoss) as error:
        made.fit()
    text = str(error.value)
    assert "epoch 2, step 3 (global step 8)" in text and "list.txt:" in text and "learning_rate" in text
    assert error.value.exit_code == 1
    assert all(np.isfinite(v).all() for v in made.checkpoints.saved["latest"][0].values())


def test_sigint_exits_130(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    made = trainer(tmp_path, loader=StopAt((1, 1), signal.SIGINT, seed=3))
    with pytest.raises(Stopped) as stopped:
        made.fit()
    assert stopped.value.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_evaluation_changes_nothing_in_training(tmp_path):
    often, never = trainer(tmp_path, eval_batch_step=1), trainer(tmp_path)
    often.fit()
    never.loaders.eval = None
    never.fit()
    assert same(weights(often), weights(never))


def test_schedule_moves_once_a_step(tmp_path):
    made = trainer(tmp_path, epoch_num=2, accumulate_steps=2)
    made.fit()
    assert made.scheduler.last_epoch == made.position.global_step == 6


def test_mixed_precision_settings_run(tmp_path):
    made = trainer(tmp_path, epoch_num=1, use_amp=True, amp_dtype="bfloat16", scale_loss=1024.0)
    plain = trainer(tmp_path, epoch_num=1)
    made.fit()
    plain.fit()
    for a, b in zip(weights(made).values(), weights(plain).values()):
        np.testing.assert_allclose(a, b, atol=0.05)


def test_metric_states_merge():
    metric = Accuracy()
    metric.merge([{"right": 1, "all": 2}, {"right": 2, "all": 2}])
    assert metric.get_metric() == {"acc": 0.75}
    assert paddle.get_device() == "cpu"
