from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppocr.data import loader as loader_module
from ppocr.data import workers as workers_module
from ppocr.data.lmdb_writer import write_lmdb
from ppocr.data.transforms.base import Pipeline
from ppocr.errors import ConfigError, DataError
from tests.data.helpers import Decode, Fail, loader_of, make_images, section

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader_module, "sensible_workers", lambda asked, mode: asked)


def plain(batch: dict[str, Any]) -> dict[str, Any]:
    return {k: v.numpy() if hasattr(v, "numpy") else v for k, v in batch.items()}


def run(loader: Any, epoch: int = 1, start: int = 0) -> list[dict[str, Any]]:
    return [plain(batch) for batch in loader.epoch(epoch, start)]


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a.keys() == b.keys()
        for key in a:
            same = np.array_equal(a[key], b[key]) and getattr(a[key], "dtype", 0) == getattr(b[key], "dtype", 0)
            assert same, key


@pytest.mark.parametrize("shared", [True, False])
def test_batches_do_not_depend_on_workers(tmp_path: Path, shared: bool) -> None:
    make_images(tmp_path, 22)
    reference = loader_of(tmp_path)
    epochs = {e: run(reference, e) for e in (1, 2)}
    first = epochs[1][0]
    assert first["image"].shape == (4, 3, 8, 16) and first["image"].dtype == np.float32
    assert first["index"].dtype == np.int64 and first["text"] == [f"label {i}" for i in first["index"]]
    assert first["label"].dtype == np.int64 and first["problems"] == [] and first["epoch"].tolist() == [1] * 4
    assert sorted(i for b in epochs[1] for i in b["index"]) == list(range(22)) and len(epochs[1][-1]["index"]) == 2
    for workers in (1, 2):
        loader = loader_of(tmp_path, num_workers=workers, use_shared_memory=shared)
        for epoch in (1, 2):
            assert_same(run(loader, epoch), epochs[epoch])
        pids = [p.pid for p in loader._pool.processes]
        assert (loader._pool._slots is not None) == shared
        assert_same(run(loader, 1, start=3), epochs[1][3:])
        assert pids == [p.pid for p in loader._pool.processes], "workers stay"
        loader.close()


def test_an_epoch_left_early_does_not_disturb_the_next(tmp_path: Path) -> None:
    make_images(tmp_path, 40)
    loader = loader_of(tmp_path, num_workers=2)
    for _ in zip(range(3), loader.epoch(1)):
        pass
    assert_same(run(loader, 2), run(loader_of(tmp_path), 2))
    loader.close()


def test_tensors_outlive_the_memory_they_came_through(tmp_path: Path) -> None:
    make_images(tmp_path, 40)
    loader = loader_of(tmp_path, num_workers=1)
    kept = list(loader.epoch(1))
    loader.close()
    assert_same([plain(b) for b in kept], run(loader_of(tmp_path), 1))


def test_lmdb_in_training_and_evaluation_at_once(tmp_path: Path) -> None:
    """One folder in both sections, with and without workers: LMDB opens it once per process only."""
    write_lmdb(str(make_images(tmp_path, 10)), str(tmp_path), str(tmp_path / "lmdb"))
    both = section(tmp_path, num_workers=2)
    both.dataset = {"name": "LMDBDataSet", "data_dir": str(tmp_path / "lmdb"), "transforms": []}
    pipeline = Pipeline([Decode()])
    train = loader_module.build_loader(both, pipeline, mode="train", seed=1)
    both.loader.num_workers = 0
    held_out = loader_module.build_loader(both, pipeline, mode="eval", seed=0)
    for _ in range(2):
        assert len(run(held_out)) == 3
        assert sorted(t for b in run(train) for t in b["text"]) == sorted(f"label {i}" for i in range(10))
    train.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_bad_samples_in_training_and_evaluation(tmp_path: Path, workers: int) -> None:
    path = make_images(tmp_path, 10)
    (tmp_path / "word 3.png").write_bytes(b"")
    (tmp_path / "word 7.png").unlink()
    path.write_text(path.read_text() + "\nno tab")
    train = loader_of(tmp_path, num_workers=workers, max_bad_ratio=1.0)
    batches = run(train)
    assert [len(b["index"]) for b in batches] == [4, 4, 3]
    report = train.report
    assert report.skipped == {"empty_file": 1, "missing_file": 1, "no_tab": 1}
    assert report.drawn == 11 and report.used == 8
    assert sorted(p.where for b in batches for p in b["problems"]) == sorted(f"{path}:{n}" for n in (4, 8, 11))
    held_out = loader_of(tmp_path, "eval", num_workers=workers, max_bad_ratio=1.0, shuffle=False)
    batches = run(held_out)
    assert [b["index"].tolist() for b in batches] == [[0, 1, 2], [4, 5, 6], [8, 9]]
    assert held_out.report.skipped == report.skipped and held_out.report.used == 8
    run(held_out)
    assert held_out.report.drawn == 11, "each epoch counts anew"
    train.close()
    held_out.close()


def test_a_batch_of_bad_samples_is_empty_in_evaluation(tmp_path: Path) -> None:
    make_images(tmp_path, 8)
    for i in range(4):
        (tmp_path / f"word {i}.png").write_bytes(b"x")
    batches = run(loader_of(tmp_path, "eval", shuffle=False, max_bad_ratio=1.0))
    assert [len(b["index"]) for b in batches] == [0, 4] and len(batches[0]["problems"]) == 4


def test_too_many_bad_samples_end_the_run_with_their_causes(tmp_path: Path) -> None:
    make_images(tmp_path, 30)
    (tmp_path / "word 5.png").unlink()
    with pytest.raises(DataError, match=r"1 of 30 samples \(3.3 %\).*max_bad_ratio 1 %.*labels.txt:6: missing_file"):
        run(loader_of(tmp_path))
    assert len(run(loader_of(tmp_path, max_bad_ratio=0.05))) == 8


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failing_transform_is_reported_with_file_and_line(tmp_path: Path, workers: int) -> None:
    path = make_images(tmp_path, 12)
    path.write_text(path.read_text().replace("label 6", "crash"))
    loader = loader_of(tmp_path, transforms=[Fail(), Decode()], num_workers=workers, shuffle=False)
    with pytest.raises(DataError, match=rf"{path}:7: failed: ZeroDivisionError: division by zero \(helpers.py:"):
        run(loader)
    loader.close()
    all_wrong = tmp_path / "all wrong.txt"
    all_wrong.write_text(re.sub("label .*|crash", "crash", path.read_text()))
    loader = loader_of(tmp_path, label_file=[str(all_wrong)], transforms=[Fail(), Decode()], num_workers=workers)
    with pytest.raises(DataError, match=f"{all_wrong}:7: failed: ZeroDivisionError") as caught:  # nothing to go on with
        run(loader)
    assert isinstance(caught.value.__cause__, ZeroDivisionError), "for --debug"
    loader.close()


def test_images_of_different_shape_are_an_error_naming_both(tmp_path: Path) -> None:
    class Widen(Decode):
        def __call__(self, sample: Any, rng: Any = None) -> Any:
            sample = super().__call__(sample)
            sample["image"] = sample["image"][:, :, : 8 + sample["index"]]
            return sample

    path = make_images(tmp_path, 4)
    message = rf"'image' cannot be stacked .*\[3, 8, 8\] float32 from {path}:1, \[3, 8, 9\] float32 from {path}:2"
    with pytest.raises(DataError, match=message):
        run(loader_of(tmp_path, transforms=[Widen()], shuffle=False))


def test_a_killed_worker_is_an_error_and_no_hang(tmp_path: Path) -> None:
    make_images(tmp_path, 80)
    loader = loader_of(tmp_path, num_workers=2)
    batches = loader.epoch(1)
    next(batches)
    os.kill(loader._pool.processes[1].pid, signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(DataError, match="killed by signal 9.*memory ran out"):
        list(batches)
    assert time.monotonic() - started < 30
    loader.close()


@pytest.mark.parametrize("late", [False, True])
def test_workers_leave_ending_to_their_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """A scheduler sends SIGTERM to all processes; the parent then still saves, so batches must go on.

    A worker that has not begun yet when the signal comes goes on as well.
    """
    work = workers_module._work

    def begins_late(*arguments: object) -> None:
        if multiprocessing.current_process().name == "ppocr-data-1":
            time.sleep(1)
        work(*arguments)

    if late:
        monkeypatch.setattr(workers_module, "_work", begins_late)
    make_images(tmp_path, 40)
    loader = loader_of(tmp_path, num_workers=2)
    batches = loader.epoch(1)
    taken = [plain(next(batches))]
    for process in loader._pool.processes:
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGINT)
    assert_same(taken + [plain(b) for b in batches], run(loader_of(tmp_path)))
    processes = list(loader._pool.processes)
    loader.close()
    assert not any(p.is_alive() for p in processes)


def test_dev_shm_is_used_where_it_is_large_enough(tmp_path: Path) -> None:
    if not os.path.isdir("/dev/shm") or workers_module.free_shared_bytes() < 1 << 24:
        pytest.skip("/dev/shm is small here")
    make_images(tmp_path, 8)
    loader = loader_of(tmp_path, num_workers=1)
    run(loader)
    assert loader._pool._slots.in_dev_shm
    assert not [name for name in os.listdir("/dev/shm") if name.startswith("ppocr-")]
    loader.close()


def test_a_small_dev_shm_falls_back_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_images(tmp_path, 20)
    monkeypatch.setattr(workers_module, "free_shared_bytes", lambda: 1 << 16)
    monkeypatch.setattr(logging.getLogger("ppocr"), "propagate", True)
    loader = loader_of(tmp_path, num_workers=2)
    assert_same(run(loader), run(loader_of(tmp_path)))
    assert not loader._pool._slots.in_dev_shm
    # pytest listens at a logger that does not pass messages on, and at the root: the same record may come twice
    records = {id(r): r.getMessage() for r in caplog.records if "shared memory" in r.getMessage()}
    said = list(records.values())
    assert len(said) == 1 and "/dev/shm" in said[0] and "--shm-size" in said[0]
    loader.close()


def test_a_batch_larger_than_its_slot_still_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_images(tmp_path, 20)
    monkeypatch.setattr(loader_module.BatchLoader, "_batch_bytes", lambda self, epoch, step: 100)
    monkeypatch.setattr(workers_module.mmap, "PAGESIZE", 64)
    loader = loader_of(tmp_path, num_workers=2)
    assert_same(run(loader), run(loader_of(tmp_path)))
    loader.close()


def test_spawned_workers_make_the_same_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_images(tmp_path, 12)
    monkeypatch.setattr(workers_module, "_FORKS", False)
    loader = loader_of(tmp_path, num_workers=1)
    assert_same(run(loader), run(loader_of(tmp_path)))
    loader.close()


SCRIPT = """
import sys
from pathlib import Path
from tests.data.helpers import loader_of
if __name__ == "__main__":
    loader = loader_of(Path(sys.argv[1]), num_workers=2)
    batches = loader.epoch(1)
    next(batches)
    print(*[p.pid for p in loader._pool.processes], flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_no_process_stays_behind(tmp_path: Path, how: str) -> None:
    make_images(tmp_path, 40)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), "wait" if how == "kill" else "go"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2
    if how == "kill":
        process.kill()
    process.wait(30)
    process.stdin.close()
    process.stdout.close()
    deadline = time.monotonic() + 20
    while any(_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_running(pid) for pid in pids)


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_more_workers_than_processors_are_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    assert [loader_module.sensible_workers(n, "train") for n in (0, 1, 8)] == [0, 1, 2]


def test_ranks_share_an_epoch(tmp_path: Path) -> None:
    make_images(tmp_path, 11)
    seen: list[int] = []
    for rank in range(3):
        loader = loader_of(tmp_path, "eval", rank=rank, world_size=3, shuffle=False)
        seen += [i for batch in run(loader) for i in batch["index"].tolist()]
    assert sorted(seen) == list(range(11))


def test_wrong_sections_are_refused(tmp_path: Path) -> None:
    make_images(tmp_path, 3)
    with pytest.raises(DataError, match="3 samples, fewer than one batch of 4"):
        loader_of(tmp_path, drop_last=True)
    wrong = section(tmp_path)
    wrong.dataset["data_dirr"] = "x"
    with pytest.raises(ConfigError, match="data_dirr"):
        loader_module.build_loader(wrong, Pipeline([]), mode="train", seed=0)
    wrong = section(tmp_path)
    wrong.sampler = {"name": "Other"}
    with pytest.raises(ConfigError, match="Other"):
        loader_module.build_loader(wrong, Pipeline([]), mode="train", seed=0)
    with pytest.raises(ConfigError, match="DyMaskCollator"):
        loader_module.build_loader(section(tmp_path, collate_fn="DyMaskCollator"), Pipeline([]), mode="train", seed=0)
