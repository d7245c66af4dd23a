"""An iterator in a thread."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from ppocr.system.background import Background


def drained(background: Background) -> list[int]:
    found = []
    while items := background.take():
        found += [int(item[0]) for item in items]
    return found


def arrays(count):
    return (np.full(10, n) for n in range(count))


def test_items_come_in_order():
    with Background(lambda: arrays(100), 3, 1 << 20) as background:
        assert drained(background) == list(range(100))


def test_no_more_wait_than_are_allowed():
    made = []
    full = threading.Event()

    def items():
        for array in arrays(10):
            made.append(1)
            if len(made) == 4:
                full.set()  # three wait, and one is made
            yield array

    with Background(items, 3, 1 << 20) as background:
        assert full.wait(30)
        assert len(background.take()) == 3 and len(made) >= 4
        drained(background)
    assert len(made) == 10


def test_an_item_larger_than_the_bound_comes_alone():
    with Background(lambda: arrays(4), 3, 1) as background:
        assert len(background.take()) == 1
        assert drained(background) == [1, 2, 3]


def test_an_error_comes_behind_the_last_item():
    def items():
        yield np.zeros(1)
        raise ValueError("broken")

    with Background(items, 3, 1 << 20) as background:
        assert len(background.take()) == 1
        with pytest.raises(ValueError, match="broken"):
            background.take()


def test_leaving_early_ends_the_thread_and_closes_the_iterator():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield np.zeros(1)
        finally:
            closed.set()

    before = threading.active_count()
    with Background(items, 3, 1 << 20) as background:
        background.take()
    assert closed.is_set() and threading.active_count() == before
