"""Two processes over gloo: same weights, one metric, and nobody left when one dies."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ppocr.engine.evaluator import evaluate
from tests.engine.parts import ListLoader, trainer

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def launch(mode, folder, timeout=90):
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"]
    command += ["--log_dir", str(folder / "log"), str(ROOT / "tests/engine/ranks.py"), mode, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PPOCR_THREADS": "1"}
    started = time.monotonic()
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        timeout=timeout,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout, time.monotonic() - started


def nobody_left(folder):
    """Return whether no rank is running any more, zombies counted as running."""
    return not any(Path(f"/proc/{(folder / f'pid.{rank}').read_text()}").exists() for rank in (0, 1))


@pytest.mark.parametrize("mode", ["plain", "accumulate"])
def test_ranks_agree_and_measure_each_sample_once(tmp_path, mode):
    code, output, _ = launch(mode, tmp_path)
    assert code == 0, output
    first, second = (json.loads((tmp_path / f"answer.{rank}.json").read_text()) for rank in (0, 1))
    assert first["sums"] == second["sums"]
    assert first["metrics"] == second["metrics"]
    assert first["used"] == second["used"] == 7
    assert first["saved"] and not second["saved"]


def test_metric_of_two_ranks_is_that_of_one(tmp_path):
    alone = trainer(tmp_path)
    whole = evaluate(alone.task, ListLoader(7, 2, train=False))
    states = []
    for rank in (0, 1):
        evaluate(alone.task, ListLoader(7, 2, rank=rank, size=2, train=False))
        states.append(alone.task.metric.state())
    alone.task.metric.reset()
    alone.task.metric.merge(states)
    assert alone.task.metric.get_metric() == whole.metrics


def test_killed_rank_ends_all(tmp_path):
    code, output, seconds = launch("kill", tmp_path)
    assert code != 0, output
    assert seconds < 75  # sixty, and the time to start
    assert nobody_left(tmp_path)


def test_failing_rank_names_its_cause(tmp_path):
    code, output, _ = launch("fail", tmp_path)
    assert code != 0
    assert "rank 1" in output and "the data of this rank is broken" in output
    assert nobody_left(tmp_path)


def test_signal_to_one_rank_stops_both_after_saving(tmp_path):
    code, output, _ = launch("stop", tmp_path)
    assert code != 0
    ends = [(tmp_path / f"end.{rank}").read_text() for rank in (0, 1)]
    assert all("stopped by a signal at epoch 1, step 3" in end for end in ends), output
    assert nobody_left(tmp_path)


def test_broken_data_of_one_rank_end_both_after_saving(tmp_path):
    code, output, _ = launch("broken data", tmp_path)
    assert code == 1
    ends = [(tmp_path / f"end.{rank}").read_text() for rank in (0, 1)]
    assert all("samples (59.6 %) cannot be used" in end and "list.txt:7" in end for end in ends), output
    assert "saved: ['latest']" in ends[0]
    assert nobody_left(tmp_path)
