#!/usr/bin/env python3
"""Start time and memory of a label file of ten million lines, held by a main process and four data workers.

Anonymous memory is what the kernel calls Pss_Anon: private pages, those shared after a fork counted once over the tree;
"summed" counts those again in every process.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr.data.samplers import BatchSampler, EpochOrder  # noqa: E402
from ppocr.data.simple_dataset import SimpleDataSet  # noqa: E402
from ppocr.data.transforms.base import Pipeline, Sample, Transform  # noqa: E402
from ppocr.data.workers import WorkerPool  # noqa: E402


class TextOnly(Transform):
    """Leave the image out, so that the benchmark reads lines and not pictures."""

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        return {"length": len(sample["text"]), "text": sample["text"], "index": sample["index"]}


class OneImageDataSet(SimpleDataSet):
    """Lines of a label file, all with the same (absent) image."""

    def read(self, index: int, choice: int) -> Sample:
        """Return the label of a line."""
        file, line = self.locate(index)
        path, label = self._split(self.files[file].line(line))
        return {"image": path, "text": label, "label": label}


def write_labels(folder: Path, lines: int) -> Path:
    """Write a label file; line i is `images/part_###/img_#########.jpg`, tab, a label of 1 to 12 letters."""
    path = folder / "labels.txt"
    (folder / "images" / "part_000").mkdir(parents=True)
    (folder / "images" / "part_000" / "img_000000000.jpg").write_bytes(b"x")
    at_once = 100_000
    with open(path, "w", encoding="utf-8") as file:
        for first in range(0, lines, at_once):
            part = f"{first // at_once:03d}"
            numbers = range(first, min(lines, first + at_once))
            file.write(
                "".join(f"images/part_{part}/img_{i:09d}.jpg\tlabelofaline"[: 40 + i % 12] + "\n" for i in numbers)
            )
    return path


def anonymous_bytes(pids: list[int], field: str = "Pss_Anon:") -> int:
    """Return the anonymous memory of some processes together."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(field):
                total += int(line.split()[1]) * 1024
    return total


def measure(folder: Path, lines: int, workers: int, batches: int) -> dict[str, float]:
    """Return seconds, megabytes and lines per second of an index that main and workers read from."""
    path = write_labels(folder, lines)
    before = anonymous_bytes([os.getpid()])
    started = time.perf_counter()
    dataset = OneImageDataSet(str(folder), str(path), pipeline=Pipeline([TextOnly()]))
    sampler = BatchSampler(EpochOrder(dataset.sizes, seed=1), 256, drop_last=True)
    first = sampler.batch(1, 0)
    opened = time.perf_counter() - started
    assert len(dataset) == lines and len(first) == 256
    alone = anonymous_bytes([os.getpid()])
    pool = WorkerPool(dataset, sampler, workers, None)
    started = time.perf_counter()
    seen = sum(pool.batches(1, 0, min(batches, len(sampler)), lambda batch: batch.drawn))
    rate = seen / (time.perf_counter() - started)
    pids = [os.getpid(), *[p.pid for p in pool.processes]]
    tree, summed = anonymous_bytes(pids), anonymous_bytes(pids, "Anonymous:")
    pool.close()
    mega = 1 << 20
    return {
        "file MB": path.stat().st_size / mega,
        "start s": opened,
        "main before MB": before / mega,
        "main after MB": alone / mega,
        "tree MB": tree / mega,
        "tree summed MB": summed / mega,
        "lines/s": rate,
    }


def main() -> None:
    """Measure a small file, for what Python itself takes, and the large one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--batches", type=int, default=400, help="batches of 256 lines read after the start")
    parser.add_argument("--paddle", action="store_true", help="load paddle first, as a training run does")
    args = parser.parse_args()
    if args.paddle:
        import paddle

        paddle.to_tensor([0.0])
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, NumPy {np.__version__}"
    )
    results = {}
    for lines in (1000, args.lines):
        with tempfile.TemporaryDirectory() as folder:
            results[lines] = measure(Path(folder), lines, args.workers, args.batches)
    small, large = results[1000], results[args.lines]
    for key in large:
        print(f"{key:16s} {small[key]:12.2f} (1,000 lines) {large[key]:12.2f} ({args.lines:,} lines)")
    print(
        f"{large['tree MB'] - small['tree MB']:.1f} MB of anonymous memory in the tree are due to the index (bound 400)"
    )
    print(f"start {large['start s']:.2f} s (bound 15)")
    if large["tree MB"] - small["tree MB"] > 400 or large["start s"] > 15:
        sys.exit("a bound is exceeded")


if __name__ == "__main__":
    main()
