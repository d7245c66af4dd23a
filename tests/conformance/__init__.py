"""Reading and comparing the reference numbers in this folder; their rules are those of its data's README."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

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
    actual: np.ndarray, expected: dict[str, Any], *, rtol: float = 1e-3, atol: float = 1e-4, count: int = 32
) -> None:
    """Compare an array with a described tensor: shape, mean, std and samples.

    The bound per value is `rtol*|expected| + atol*max(1, absmax)`.
    """
    assert list(actual.shape) == expected["shape"], (actual.shape, expected["shape"])
    values = np.asarray(actual, np.float64).ravel()
    scale = max(1.0, float(expected.get("absmax", 1.0)))
    finite = values[np.isfinite(values)]
    for key, got in (("mean", finite.mean()), ("std", finite.std())):
        if key in expected:
            assert abs(got - expected[key]) <= rtol * abs(expected[key]) + atol * scale, (key, got, expected[key])
    if "values" in expected:
        want = np.asarray(expected["values"], np.float64).ravel()
    else:
        want = np.asarray([float(v) for v in expected["samples"]])
        values = values[np.random.RandomState(11).randint(0, values.size, len(want) or count)]
    worst = np.abs(values - want) - (rtol * np.abs(want) + atol * scale)
    assert np.all(worst <= 0), f"largest excess {worst.max()} at {worst.argmax()}: {values[worst.argmax()]}"
