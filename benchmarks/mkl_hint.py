#!/usr/bin/env python3
"""Time a matrix product and a training step with and without MKL_DEBUG_CPU_TYPE=5, each in processes of its own."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
VARIABLE = "MKL_DEBUG_CPU_TYPE"


def best_of(action: Callable[[], object], repeats: int) -> float:
    """Return the shortest of several timings, in milliseconds, after two that do not count."""
    times = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return 1000 * min(times[2:])


def measure(repeats: int) -> dict[str, float]:
    """Return milliseconds of a matrix product and of a training step in this process."""
    import paddle

    from ppocr.engine.device import choose_threads
    from ppocr.modeling.backbones.plain_conv_net import PlainConvNet

    paddle.set_device("cpu")
    choose_threads()
    paddle.seed(1)
    square = paddle.randn([1024, 1024])
    network = PlainConvNet(channels=[16, 32, 64, 96])
    optimizer = paddle.optimizer.AdamW(parameters=network.parameters())
    images = paddle.randn([32, 3, 32, 160])

    def step() -> None:
        network(images).mean().backward()
        optimizer.step()
        optimizer.clear_grad()

    cases = {"matmul 1024 x 1024": lambda: paddle.matmul(square, square), "PlainConvNet step, 32 images 32 x 160": step}
    return {name: best_of(action, repeats) for name, action in cases.items()}


def in_a_process(hint: bool, repeats: int) -> dict[str, float]:
    """Return what `measure` finds in a new process, with or without the variable."""
    environment = {**os.environ, VARIABLE: "5"} if hint else {k: v for k, v in os.environ.items() if k != VARIABLE}
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", "--repeats", str(repeats)]
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(found.stdout.splitlines()[-1])


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20, help="timings of each case in each process")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.repeats)))
        return
    runs = [(in_a_process(False, args.repeats), in_a_process(True, args.repeats)) for _ in range(3)]
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}")
    for case in runs[0][0]:
        without, with_hint = (min(run[i][case] for run in runs) for i in (0, 1))
        print(f"{case}: {without:.1f} ms, with the hint {with_hint:.1f} ms, {without / with_hint:.2f} times as fast")


if __name__ == "__main__":
    main()
