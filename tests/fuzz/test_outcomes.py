"""The classification of outcomes itself: a fuzzer that cannot see a failure proves nothing."""

from __future__ import annotations

import os
import time

import pytest

from ppocr.errors import ConfigError, DataError, Problem, SampleError
from tests.fuzz.outcomes import Case, Outcome, Wrong, classify, main, run_apart


def raising(error: BaseException):
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        (lambda: None, Outcome.RAN),
        (raising(DataError("a.txt: no such file", "give another")), Outcome.REFUSED),
        (raising(SampleError("too_large", "1 x 2")), Outcome.REFUSED),
        (raising(ConfigError([Problem("a.yml:1", "Global", "is wrong"), Problem("", "", "more")])), Outcome.REFUSED),
        (raising(DataError("two\nlines")), Outcome.UNCLEAR),
        (raising(DataError("\x1b[2J")), Outcome.UNCLEAR),
        (raising(DataError("")), Outcome.UNCLEAR),
        (raising(DataError("x" * 10_000)), Outcome.UNCLEAR),
        (raising(Wrong("other text")), Outcome.WRONG),
        (raising(KeyError("x")), Outcome.TRACEBACK),
        (raising(MemoryError()), Outcome.TRACEBACK),
        (raising(SystemExit(3)), Outcome.TRACEBACK),
        (lambda: time.sleep(60), Outcome.HANG),
    ],
)
def test_every_outcome_is_distinguished(action, outcome: Outcome) -> None:
    finding = classify(action, seconds=0.2 if outcome is Outcome.HANG else 60)
    assert finding.outcome is outcome, finding


def test_memory_is_seen() -> None:
    for _ in range(2):  # the second as well as the first
        assert classify(lambda: bytearray(os.urandom(1 << 20)) * 300, memory=100 << 20).outcome is Outcome.MEMORY


def check(case: Case) -> None:
    if case.data == "die":
        os._exit(7)
    if case.data == "raise":
        raise KeyError(case.name)


def test_a_process_that_dies_costs_one_case(capsys: pytest.CaptureFixture) -> None:
    cases = [Case("a", "raise"), Case("b", "die"), Case("c")]
    found = [finding for _, finding in run_apart(check, cases)]
    assert [f.outcome for f in found] == [Outcome.TRACEBACK, Outcome.CRASH, Outcome.RAN]
    assert "test_outcomes.py" in found[0].detail and "7" in found[1].detail
    assert main("", lambda count, seed: cases[2:] * count, check, ["--cases", "2"]) == 0
    assert main("", lambda count, seed: cases[:count], check, ["--cases", "1"]) == 1
    assert "traceback: a: KeyError" in capsys.readouterr().out
