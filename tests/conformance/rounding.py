"""Comparing numbers with recorded ones, within what rounding can do to them.

Processors add in different orders, so float32 results differ by about 1e-7 at every layer. Most recorded numbers move
by as little, and are held to their own bound everywhere. A few are chaotic: 1e-6 of noise in the input of a deformable
network moves its maps by 0.4. What such noise does to each of those is measured, and a few times as much is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

NOISE = 1e-6  # relative, in the input
DRAWS = 4
GAIN = 4.0  # times what noise does: rounding acts in every layer, noise in the first alone

Numbers = Mapping[str, np.ndarray]


def noisy(values: np.ndarray, draw: int) -> np.ndarray:
    """Return a copy of an input with relative noise, of the same type."""
    noise = NOISE * np.random.RandomState(draw).standard_normal(values.shape)
    return (values * (1 + noise)).astype(values.dtype)


def assert_recorded(
    found: Numbers,
    recorded: Numbers,
    bounds: Numbers,
    moved: Callable[[int], Numbers] | None = None,
    spread: Callable[[np.ndarray], np.ndarray] = np.max,
    draws: int = DRAWS,
    gain: float = GAIN,
) -> None:
    """Compare numbers with recorded ones; where a bound is missed, with what noise of the input does to that number.

    Args:
        found: by name, what was computed here.
        recorded: the same, as recorded.
        bounds: the largest difference of well-conditioned numbers; it is never lowered, and raised by noise alone.
        moved: returns the same numbers from the input with `noisy` of a draw; it runs only where a bound is missed.
        spread: what the movements of the values under one name say of each: the largest of them counts for all, or
            `np.maximum.accumulate` for steps, of which each starts from the last one.
        draws: how often noise is tried.
        gain: times what noise does, the largest of the draws, that is allowed.
    """
    assert set(found) == set(recorded) == set(bounds), set(found) ^ set(recorded)
    off = {name: np.abs(np.asarray(found[name], np.float64) - recorded[name]) for name in found}
    missed = [name for name in off if not np.all(off[name] <= bounds[name])]
    noise = [moved(draw) for draw in range(draws)] if missed and moved else []
    for name in missed:
        response = [spread(np.abs(np.asarray(moving[name], np.float64) - found[name])) for moving in noise]
        allowed = np.maximum(bounds[name], gain * np.max(response, axis=0)) if noise else bounds[name]
        worst = np.argmax(off[name] - allowed)
        assert np.all(off[name] <= allowed), (
            f"{name}: {np.ravel(found[name])[worst]} instead of {np.ravel(recorded[name])[worst]}, at {worst}; bound "
            f"{np.ravel(bounds[name])[min(worst, np.size(bounds[name]) - 1)]}, with noise "
            f"{np.ravel(allowed)[min(worst, np.size(allowed) - 1)]}"
        )
