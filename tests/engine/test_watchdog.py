"""The beats of other ranks: a healthy one is never taken for dead however long a run is, a silent one is noticed."""

from __future__ import annotations

import threading

import pytest
from paddle.base import core

from ppocr.engine.watchdog import BEAT_SECONDS, SILENT_BEATS, Watchdog, _free_port

OTHER = 1


@pytest.fixture
def watchdog() -> Watchdog:
    """Rank 0 of two, whose thread is not started: the test beats."""
    made = Watchdog.__new__(Watchdog)
    made.rank, made.size = 0, 2
    made._store = core.TCPStore("127.0.0.1", _free_port(), True, 1, 10)
    made._lock = threading.Lock()
    made._seen = {rank: (0, 0) for rank in made._watched()}
    return made


def other_beats(watchdog: Watchdog) -> None:
    watchdog._store.add(f"beat{OTHER}", 1)


def test_a_rank_that_beats_is_never_silent(watchdog: Watchdog) -> None:
    for _ in range(3 * SILENT_BEATS):
        other_beats(watchdog)
        assert watchdog._beat() == ""
    assert watchdog._seen == {OTHER: (3 * SILENT_BEATS, 0)}


def test_beats_that_come_late_start_the_count_anew(watchdog: Watchdog) -> None:
    for _ in range(4):
        for _ in range(SILENT_BEATS - 1):
            assert watchdog._beat() == ""
        other_beats(watchdog)
        assert watchdog._beat() == ""


def test_a_rank_is_silent_after_so_many_own_beats(watchdog: Watchdog) -> None:
    other_beats(watchdog)
    reported = [watchdog._beat() for _ in range(SILENT_BEATS + 1)]
    assert reported[:-1] == [""] * SILENT_BEATS  # the first of them saw a beat
    assert reported[-1].startswith(f"rank {OTHER} has been silent for {SILENT_BEATS * BEAT_SECONDS:.0f} s")
    assert watchdog._store.add("beat0", 0) == SILENT_BEATS + 1


def test_a_rank_that_never_beat_is_noticed_too(watchdog: Watchdog) -> None:
    reported = [watchdog._beat() for _ in range(SILENT_BEATS)]
    assert reported[:-1] == [""] * (SILENT_BEATS - 1) and reported[-1]


def test_the_cause_a_rank_reported_is_shown(watchdog: Watchdog) -> None:
    watchdog._store.set("cause", "rank 1: its disk is full")
    watchdog._store.add("failed", 1)
    assert watchdog._beat() == "rank 1: its disk is full"


def test_who_watches_whom(watchdog: Watchdog) -> None:
    watchdog.size = 4
    assert watchdog._watched() == [1, 2, 3]
    watchdog.rank = 2
    assert watchdog._watched() == [0]
