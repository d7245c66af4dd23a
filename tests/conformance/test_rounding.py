"""The bound of a recorded number is its own, unless noise in the input moves the number further."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance.rounding import DRAWS, GAIN, NOISE, assert_recorded, noisy

X = np.linspace(0.2, 0.8, 64).astype(np.float32)
BOUND = 1e-4


def compare(function, recorded: np.ndarray, **options) -> None:
    """Compare a function of X with recorded values, under a bound; noise in X shows how it is conditioned."""
    bounds = {"y": np.full(recorded.shape, BOUND)}
    assert_recorded(
        {"y": function(X)}, {"y": recorded}, bounds, lambda draw: {"y": function(noisy(X, draw))}, **options
    )


def test_noise_is_relative_and_another_in_each_draw() -> None:
    change = noisy(X.astype(np.float64), 0) / X - 1
    assert 0.5 * NOISE < change.std() < 2 * NOISE
    assert noisy(X, 0).dtype == np.float32 and not np.array_equal(noisy(X, 0), noisy(X, 1))


def test_a_well_conditioned_number_keeps_its_bound() -> None:
    compare(np.sin, np.sin(X) + 0.9 * BOUND)
    recorded = np.sin(X)
    recorded[3] += 1.1 * BOUND
    with pytest.raises(AssertionError, match="y: .* instead of .*, at 3; bound 0.0001, with noise 0.0001"):
        compare(np.sin, recorded)


def test_a_chaotic_number_may_move_as_far_as_noise_moves_it() -> None:
    def steep(x: np.ndarray) -> np.ndarray:
        return 1000 * x.astype(np.float64)

    recorded = steep(noisy(X, DRAWS))
    moved = np.abs(steep(X) - recorded).max()
    assert moved > BOUND
    compare(steep, recorded)
    with pytest.raises(AssertionError, match="instead of"):
        compare(steep, steep(X) + 2 * GAIN * moved)


def test_noise_is_measured_only_where_a_bound_is_missed() -> None:
    calls = []

    def counted(x: np.ndarray) -> np.ndarray:
        calls.append(x)
        return x

    compare(counted, X)
    assert len(calls) == 1
    with pytest.raises(AssertionError):
        compare(counted, X + 1)
    assert len(calls) == 2 + DRAWS


def test_without_a_way_to_measure_there_is_the_bound_alone() -> None:
    with pytest.raises(AssertionError, match="bound 0.0001, with noise 0.0001"):
        assert_recorded({"y": X}, {"y": X + 1}, {"y": np.full(X.shape, BOUND)})
    with pytest.raises(AssertionError, match="with noise"):
        assert_recorded({"y": X}, {"y": X * np.nan}, {"y": np.full(X.shape, BOUND)})


def test_steps_before_chaos_keep_their_bound() -> None:
    """Each value is a step; noise shows from the sixth on, and stays."""

    def losses(x: np.ndarray) -> np.ndarray:
        return 1 + 0.01 * np.array([0, 0, 0, 0, 0, 1, 0, 2.0]) * np.abs(x - X).max() / NOISE

    late, early = np.ones(8), np.ones(8)
    late[6], early[2] = 1.01, 1.01
    compare(losses, late, spread=np.maximum.accumulate)
    with pytest.raises(AssertionError, match="at 2; bound 0.0001, with noise 0.0001"):
        compare(losses, early, spread=np.maximum.accumulate)
