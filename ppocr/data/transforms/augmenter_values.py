"""What the arguments of an augmenter may be: numbers, ranges to sample from, and what only imgaug understands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Sampler = Callable[[np.random.Generator], float]


class NotNative(ValueError):
    """An argument that the OpenCV version of an augmenter does not take, or nobody does: imgaug decides."""


def number(value: Any) -> bool:
    """Return whether a YAML value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(value: Any) -> bool:
    """Return whether a YAML value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def sampler(value: Any, *, discrete: bool = False, low: float = -np.inf, high: float = np.inf) -> Sampler:
    """Return what samples a parameter: itself, or uniformly from a range [low, high].

    Args:
        value: a number, or a list of two.
        discrete: sample whole numbers, both ends included.
        low: least value allowed.
        high: largest value allowed.

    Raises:
        NotNative: it is neither, or out of bounds.
    """
    ends = [value, value] if number(value) else value
    if not isinstance(ends, (list, tuple)) or len(ends) != 2 or not all(map(number, ends)):
        raise NotNative(f"{value!r} is neither a number nor two")
    if discrete and not all(map(whole, ends)):
        raise NotNative(f"{value!r} must be whole numbers")
    first, last = min(ends), max(ends)
    if first < low or last > high:
        raise NotNative(f"{value!r} is not between {low:g} and {high:g}")
    if first == last:
        return partial(_fixed, first)
    return partial(_whole_between if discrete else _between, first, last)


def chance(value: Any) -> Sampler:
    """Return what samples 1 with a probability and else 0; raises NotNative when it is none."""
    if isinstance(value, bool):
        return partial(_fixed, float(value))
    if not number(value) or not 0 <= value <= 1:
        raise NotNative(f"{value!r} is not a probability")
    return partial(_likely, value)


# no closures: where data workers are not forked, a pipeline is pickled
def _fixed(value: float, rng: np.random.Generator) -> float:
    return value


def _between(low: float, high: float, rng: np.random.Generator) -> float:
    return float(rng.uniform(low, high))


def _whole_between(low: int, high: int, rng: np.random.Generator) -> int:
    return int(rng.integers(low, high, endpoint=True))


def _likely(probability: float, rng: np.random.Generator) -> float:
    return float(rng.random() < probability)
