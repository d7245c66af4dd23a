"""Time what comes after a detector's network: polygons from its map, and their comparison with the labels.

    python benchmarks/postprocess.py

The ratio is to a plain implementation of the same algorithm below, on the same maps in the same run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyclipper
import shapely

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ppocr.metrics.det import DetMetric  # noqa: E402
from ppocr.postprocess import db  # noqa: E402
from ppocr.postprocess.db import DBPostProcess  # noqa: E402
from ppocr.results import Detection  # noqa: E402

SEED = 3
INCUMBENT_MS = 3.5  # for a 960-pixel page with 20 boxes
GOAL_MS = INCUMBENT_MS / 2
METRIC_IMAGES, METRIC_GOAL_S = 500, 2.0
ARGUMENTS: dict[str, Any] = {"thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000, "unclip_ratio": 1.5}


def page_map(boxes: int, height: int = 960, width: int = 736) -> np.ndarray:
    """Return the probability map of a page with slightly turned lines of text, float32 [1, 1, H, W]."""
    rng = np.random.default_rng(SEED)
    probability = np.zeros((height, width), np.float32)
    columns = max(1, boxes // 20)
    rows = -(-boxes // columns)
    for number in range(boxes):
        centre = ((number % columns + 0.5) * width / columns, (number // columns + 0.5) * height / rows)
        size = (width / columns * rng.uniform(0.5, 0.85), height / rows * rng.uniform(0.3, 0.5))
        corners = cv2.boxPoints((centre, size, float(rng.uniform(-3, 3))))
        cv2.fillPoly(probability, [corners.astype(np.int32)], float(rng.uniform(0.75, 0.98)))
    # a network's map is smooth: it comes from a quarter of the size
    small = cv2.resize(probability, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    small += rng.uniform(0, 0.05, small.shape).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height)), 0, 1)[None, None]


def plain_regions(probability: np.ndarray) -> int:
    """Find the boxes of a map one step after the other, with shapely and NumPy where those come to mind first."""
    mask = (probability > ARGUMENTS["thresh"]).astype(np.uint8) * 255
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = 0
    for outline in outlines[: ARGUMENTS["max_candidates"]]:
        corners, side = plain_box(outline)
        if side < 3:
            continue
        low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, np.array(probability.shape[::-1]) - 1)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, np.array(probability.shape[::-1]) - 1)
        inside = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
        cv2.fillPoly(inside, [(corners - low).astype(np.int32)], 1)
        if cv2.mean(probability[low[1] : high[1] + 1, low[0] : high[0] + 1], inside)[0] < ARGUMENTS["box_thresh"]:
            continue
        polygon = shapely.Polygon(corners)
        clipper = pyclipper.PyclipperOffset()
        clipper.AddPath(corners, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        grown = np.array(clipper.Execute(polygon.area * ARGUMENTS["unclip_ratio"] / polygon.length)[0])
        corners, side = plain_box(grown.reshape(-1, 1, 2))
        if side < 5:
            continue
        corners[:, 0] = np.clip(np.round(corners[:, 0] / probability.shape[1] * 1000), 0, 1000)
        corners[:, 1] = np.clip(np.round(corners[:, 1] / probability.shape[0] * 1000), 0, 1000)
        found += 1
    return found


def plain_box(outline: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the corners of the smallest rectangle, sorted, and its shorter side."""
    rectangle = cv2.minAreaRect(outline)
    corners = sorted(cv2.boxPoints(rectangle), key=lambda corner: corner[0])
    left, right = sorted(corners[:2], key=lambda c: c[1]), sorted(corners[2:], key=lambda c: c[1])
    return np.array([left[0], right[0], right[1], left[1]]), min(rectangle[1])


def best_ms(action: Callable[[], Any], repeats: int) -> float:
    """Return the milliseconds of the best of several runs."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def time_regions(repeats: int) -> None:
    """Print the table of post-processing."""
    print("| map | boxes | ms | plain ms | times faster |\n|---|---:|---:|---:|---:|")
    for boxes in (0, 20, 200):
        maps = page_map(boxes)
        batch = {"shape": np.array([[1000, 1000, 1.0, 1.0]])}
        process = DBPostProcess(**ARGUMENTS)
        found = len(process({"maps": maps}, batch)[0])
        ours = best_ms(partial(process, {"maps": maps}, batch), repeats)
        plain = best_ms(partial(plain_regions, maps[0, 0]), repeats)
        goal = f" (goal {GOAL_MS}, incumbent {INCUMBENT_MS})" if boxes == 20 else ""
        print(f"| 960 x 736, {boxes} lines | {found} | {ours:.2f}{goal} | {plain:.2f} | {plain / ours:.1f} |")
    maps = page_map(20)
    variants: tuple[tuple[str, dict[str, Any]], ...] = (
        ("poly", {"box_type": "poly"}),
        ("slow score", {"score_mode": "slow"}),
    )
    for name, more in variants:
        process = DBPostProcess(**ARGUMENTS, **more)
        ours = best_ms(partial(process, {"maps": maps}), repeats)
        print(f"| 960 x 736, 20 lines, {name} | {len(process({'maps': maps})[0])} | {ours:.2f} | | |")


def time_stages(repeats: int) -> None:
    """Print where the time of a page of 20 lines goes; the clocks themselves add to it."""
    spent: dict[str, float] = {}

    def clocked(name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            start = time.perf_counter()
            try:
                return action(*args)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - start

        return run

    maps = page_map(20)
    process = DBPostProcess(**ARGUMENTS)
    mean_inside = db.mean_inside
    best: dict[str, float] = {}
    process._expand = clocked("expand (pyclipper)", process._expand)  # type: ignore[method-assign]
    process._box = clocked("box", process._box)  # type: ignore[method-assign]
    whole = clocked("whole", process)
    db.mean_inside = clocked("score", mean_inside)
    try:
        for _ in range(repeats):
            spent.clear()
            whole({"maps": maps})
            best = min(best or spent, spent, key=lambda s: s["whole"]).copy()
    finally:
        db.mean_inside = mean_inside
    best["rectangles"] = best.pop("box") - best["score"] - best["expand (pyclipper)"]
    best["binarise, outlines"] = best["whole"] - best["rectangles"] - best["score"] - best["expand (pyclipper)"]
    print("\n| stage, 20 lines | ms |\n|---|---:|")
    for name in ("binarise, outlines", "rectangles", "score", "expand (pyclipper)", "whole"):
        print(f"| {name} | {best[name] * 1e3:.2f} |")


def time_metric() -> None:
    """Print how long comparing many images takes."""
    rng = np.random.default_rng(SEED)
    results, polys = [], []
    for _ in range(METRIC_IMAGES):
        corner = rng.uniform(0, 1000, (30, 1, 2))
        size = rng.uniform((60, 15), (200, 40), (30, 2))
        offsets = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])[None] * size[:, None]
        labelled = corner + offsets
        results.append(Detection(list(labelled + rng.normal(0, 3, labelled.shape)), np.ones(30, np.float32)))
        polys.append(labelled.astype(np.float32))
    batch = {"polys": polys, "ignore_tags": [rng.random(30) < 0.1 for _ in polys]}
    metric = DetMetric()
    start = time.perf_counter()
    metric(results, batch)
    seconds = time.perf_counter() - start
    print(
        f"\nDetMetric, {METRIC_IMAGES} images with 30 labelled and 30 detected boxes: {seconds:.2f} s "
        f"(goal {METRIC_GOAL_S:g} s), hmean {metric.get_metric()['hmean']:.3f}"
    )


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=100, help="runs, of which the best counts")
    args = parser.parse_args()
    time_regions(args.repeats)
    time_stages(args.repeats)
    time_metric()


if __name__ == "__main__":
    main()
