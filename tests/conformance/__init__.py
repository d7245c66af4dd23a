"""Reading and comparing the reference numbers in this folder; their rules are those of its data's README."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.conformance.rounding import assert_recorded

HERE = Path(__file__).parent
SEED_TAG = "fixture-seed-1"


def load(relative: str) -> dict[str, Any]:
    """Return one reference file, e.g. "losses/CTCLoss.json"."""
    return json.loads((HERE / relative).read_text(encoding="utf-8"))


def stream(name: str, tag: str = SEED_TAG) -> np.random.RandomState:
    """Return the random stream of a tensor name."""
    return np.random.RandomState(zlib.crc32(f"{tag}:{name}".encode()) & 0xFFFFFFFF)


def fill(name: str, shape: tuple[int, ...], tag: str = SEED_TAG) -> np.ndarray:
    """Return the float64 values the fill rule gives a parameter, before any batch-norm scale."""
    a = stream(name, tag).standard_normal(shape)
    if len(shape) >= 2:
        axes = (0,) if len(shape) == 2 else tuple(range(1, len(shape)))
        fan = int(np.prod([shape[i] for i in axes]))
        if fan > 1:
            a = a - a.mean(axis=axes, keepdims=True)
        return a * np.sqrt(2.0 / fan)
    last = name.rsplit(".", 1)[-1]
    if last == "_variance":
        return np.abs(a) * 0.1 + 1
    if last in ("weight", "scale", "gamma"):
        return 1 + 0.1 * a
    return 0.1 * a


def synth(name: str) -> np.ndarray:
    """Return the synthetic image of a name such as "synth_37x211": uint8 [H, W, 3]."""
    height, width = map(int, name.removeprefix("synth_").split("x"))
    y, x = np.mgrid[:height, :width]
    return np.stack([(3 * x + 5 * y) % 256, (7 * x + y) % 256, (x + 11 * y) % 256], axis=-1).astype(np.uint8)


def assert_described(
    actual: np.ndarray,
    expected: dict[str, Any],
    *,
    rtol: float = 1e-3,
    atol: float = 1e-4,
    moved: Callable[[int], np.ndarray] | None = None,
) -> None:
    """Compare an array with a described tensor: shape, mean, std and samples.

    The bound per value is `rtol*|expected| + atol*max(1, absmax)`; `moved`, which returns the array computed from noisy
    input, raises it for chaotic ones: see `assert_recorded`.
    """
    assert list(actual.shape) == expected["shape"], (actual.shape, expected["shape"])
    recorded = {name: np.asarray(expected[name], np.float64) for name in ("mean", "std") if name in expected}
    samples = expected["values"] if "values" in expected else [float(value) for value in expected["samples"]]
    recorded["values"] = np.asarray(samples, np.float64).ravel()
    picks = None if "values" in expected else len(samples)
    scale = max(1.0, float(expected.get("absmax", 1.0)))
    bounds = {name: rtol * np.abs(values) + atol * scale for name, values in recorded.items()}

    def numbers(array: np.ndarray) -> dict[str, np.ndarray]:
        return {name: value for name, value in _describe(array, picks).items() if name in recorded}

    assert_recorded(numbers(actual), recorded, bounds, moved and (lambda draw: numbers(moved(draw))))


def _describe(array: np.ndarray, picks: int | None) -> dict[str, np.ndarray]:
    values = np.asarray(array, np.float64).ravel()
    finite = values[np.isfinite(values)]
    samples = values if picks is None else values[np.random.RandomState(11).randint(0, values.size, picks)]
    return {"mean": finite.mean(), "std": finite.std(), "values": samples}
