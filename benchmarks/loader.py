"""Compare our data workers with `paddle.io.DataLoader` fed by the same batch sampler, and both where something fails.

    python benchmarks/loader.py
    python benchmarks/loader.py --faults

Both draw the same batches of official training lists on drawn data and collate them into the same dicts; every run is a
process of its own, those of the two loaders taking turns. Images a second count from the second batch of an epoch on;
processor time and memory, the proportional set size (PSS), are those of the process and its workers together.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paddle
from data_pipeline import OFFICIAL, machine, open_official, write_samples

from ppocr.data.batches import Batch, make_batch
from ppocr.data.loader import BatchLoader
from ppocr.utils.memory import keep_freed_memory

# official list: drawn samples and how often a label file repeats each
TASKS = {"det": (OFFICIAL[0], 200, 24), "rec": (OFFICIAL[1], 2560, 4)}
WORKERS = (0, 1, 2)
SHORT = 12  # batches of an epoch that is not timed
FAULTS = ("a worker is killed", "all get SIGTERM", "an epoch is left early", "the trainer is killed")
WAIT_SECONDS = 30.0  # for workers to end


class Steps:
    """The batches of an epoch as keys (epoch, step) for `paddle.io.DataLoader`; may begin at any step."""

    def __init__(self, count: int) -> None:
        self.count, self.epoch, self.start = count, 0, 0

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter([[(self.epoch, step)] for step in range(self.start, self.count)])

    def __len__(self) -> int:
        return self.count - self.start


class WholeBatches(paddle.io.Dataset):
    """Draws the batch of a key, in a worker."""

    def __init__(self, loader: BatchLoader) -> None:
        self.dataset, self.sampler = loader.dataset, loader.sampler

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        self.dataset.pipeline.set_epoch(key[0])
        return make_batch(self.dataset, self.sampler, *key)

    def __len__(self) -> int:
        return len(self.sampler)


def as_message(batches: list[Batch]) -> dict[str, Any]:
    """Return a batch as a worker of `paddle.io.DataLoader` hands it over: arrays, and the rest as bytes."""
    (batch,) = batches
    return {"arrays": batch.arrays, "rest": pickle.dumps((batch.lists, batch.drawn, batch.skipped, batch.noted))}


def prepare_worker(_number: int) -> None:
    """Set what our workers set, so that only the handing over differs."""
    cv2.setNumThreads(0)
    keep_freed_memory()


class PaddleLoader:
    """`BatchLoader`'s epochs, made by `paddle.io.DataLoader`."""

    def __init__(self, ours: BatchLoader, workers: int) -> None:
        self.steps = Steps(len(ours))
        self.loader = paddle.io.DataLoader(
            WholeBatches(ours),
            batch_sampler=self.steps,
            collate_fn=as_message,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=prepare_worker,
        )
        if not workers:
            keep_freed_memory()

    def __len__(self) -> int:
        return self.steps.count

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the batches of an epoch as `BatchLoader.epoch` does."""
        self.steps.epoch, self.steps.start = epoch, start_step
        for message in self.loader:
            lists, _, skipped, _ = pickle.loads(message["rest"])
            yield {**message["arrays"], **lists, "problems": skipped}


def write_data(task: str, folder: Path) -> None:
    """Write a task's drawn data."""
    official, count, times = TASKS[task]
    drawn = next(iter(official.samples(count).values())) * times
    write_samples([{**sample, "index": index} for index, sample in enumerate(drawn)], folder)


def open_loader(kind: str, task: str, workers: int, folder: Path) -> Any:
    """Return a loader of a kind ("ours" or "paddle") over the data of a task."""
    ours = open_official(TASKS[task][0], folder)
    ours.num_workers = workers
    return ours if kind == "ours" else PaddleLoader(ours, workers)


def children() -> list[int]:
    """Return the process ids of this process's children."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in listed]


def tree_pss() -> int:
    """Return the proportional set size of this process and its children, in MB."""
    total = 0
    for pid in (os.getpid(), *children()):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total >> 10


def tree_processor_seconds() -> float:
    """Return the processor time of this process and its children."""
    ticks = 0
    for pid in (os.getpid(), *children()):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def digest(batch: dict[str, Any]) -> float:
    """Return a number that differs where batches do."""
    return float(
        sum(np.asarray(value.numpy(), np.float64).sum() for value in batch.values() if hasattr(value, "numpy"))
    )


def measure(loader: Any, last: int) -> dict[str, float]:
    """Return what a loader takes: epoch 1 for the first batch and the content, 2 for speed, 3 for memory.

    Args:
        loader: of either kind.
        last: step from which epochs 1 and 3 begin, as a resumed run does.
    """
    found = {"content": 0.0}
    started = time.perf_counter()
    for step, batch in enumerate(loader.epoch(1, last)):
        if step == 0:
            found["first 1"] = time.perf_counter() - started
        found["content"] = found["content"] * 1.01 + digest(batch)
    batches = loader.epoch(2)
    started, processor = time.perf_counter(), tree_processor_seconds()
    count = len(next(batches)["image"])
    begun = time.perf_counter()
    rest = sum(len(batch["image"]) for batch in batches)
    found["first 2"], found["rate"] = begun - started, rest / (time.perf_counter() - begun)
    found["processor"] = (tree_processor_seconds() - processor) / (count + rest) * 1e3
    for step, _ in enumerate(loader.epoch(3, last)):
        if step == SHORT // 2:
            found["memory"] = tree_pss()
    return found


def run_child(arguments: Sequence[Any]) -> Any:
    """Run this file in a process of its own and return what it prints."""
    command = [sys.executable, "-W", "ignore", __file__, "--child", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(repeats: int) -> None:
    """Print the table of both loaders."""
    print(machine().replace("one used", "both used"))
    print("\n| task | workers | loader | images/s | processor ms/image | first batch, s | of epoch 2, s | memory, MB |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            (Path(folder) / task).mkdir()
            write_data(task, Path(folder) / task)
            for workers in WORKERS:
                runs: dict[str, list[dict[str, float]]] = {"ours": [], "paddle": []}
                for _ in range(repeats):
                    for kind, found in runs.items():
                        found.append(run_child([kind, task, workers, Path(folder) / task]))
                contents = {run["content"] for found in runs.values() for run in found}
                assert len(contents) == 1, "the two loaders give different batches"
                for kind, found in runs.items():
                    middle = {key: float(np.median([run[key] for run in found])) for key in found[0]}
                    cells = [f"{middle['rate']:.0f}", f"{middle['processor']:.2f}"]
                    cells += [f"{middle['first 1']:.2f}", f"{middle['first 2']:.2f}", f"{middle['memory']:.0f}"]
                    print(f"| {task} | {workers} | {kind} | {' | '.join(cells)} |", flush=True)


def live_through(loader: Any, fault: str) -> str:
    """Let something go wrong in the first epoch of a loader with two workers and return what comes of it."""
    batches = loader.epoch(1)
    for _ in range(3):
        next(batches)
    if fault == FAULTS[3]:
        print(json.dumps(children()), flush=True)
        signal.pause()
    started = time.perf_counter()
    if fault == FAULTS[2]:
        batches = loader.epoch(2)
    else:
        for pid in children()[-1:] if fault == FAULTS[0] else children():
            os.kill(pid, signal.SIGKILL if fault == FAULTS[0] else signal.SIGTERM)
    try:
        count = sum(1 for _ in batches)
    except BaseException as error:
        said = " ".join(str(error).split())[:160]
        return f"{type(error).__name__} after {time.perf_counter() - started:.1f} s: {said}"
    return f"all {count} batches come"


def kill_trainer(command: Sequence[str]) -> str:
    """Kill a training process, not its workers, and return what it leaves behind."""
    before = set(os.listdir("/dev/shm"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as trainer:
        assert trainer.stdout is not None
        workers = json.loads(next(line for line in trainer.stdout if line.startswith("[")))
        trainer.kill()
    started = time.perf_counter()
    while any(running(pid) for pid in workers) and time.perf_counter() < started + WAIT_SECONDS:
        time.sleep(0.1)
    left = [
        Path("/dev/shm", name)
        for name in set(os.listdir("/dev/shm")) - before
        if any(f"_{pid}_" in name for pid in workers)
    ]
    size = sum(path.stat().st_size for path in left) / 1e6
    orphans = [pid for pid in workers if running(pid)]
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    for path in left:
        path.unlink()
    return f"{len(orphans)} workers and {len(left)} files ({size:.0f} MB) in /dev/shm stay behind"


def running(pid: int) -> bool:
    """Return whether a process runs still."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def report_faults() -> None:
    """Print what comes of each fault with each loader."""
    print("| fault | loader | what comes of it |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        write_data("rec", Path(folder))
        for fault in FAULTS:
            for kind in ("ours", "paddle"):
                arguments = [kind, "rec", "2", folder, fault]
                command = [sys.executable, "-W", "ignore", __file__, "--child", *arguments]
                found = kill_trainer(command) if fault == FAULTS[3] else run_child(arguments)
                print(f"| {fault} | {kind} | {found} |", flush=True)


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each loader, of which the median counts")
    parser.add_argument("--faults", action="store_true", help="what comes of killed processes and epochs left early")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        kind, task, workers, folder, *fault = args.child
        loader = open_loader(kind, task, int(workers), Path(folder))
        print(json.dumps(live_through(loader, *fault) if fault else measure(loader, len(loader) - SHORT)))
    elif args.faults:
        report_faults()
    else:
        report(args.repeats)


if __name__ == "__main__":
    main()
