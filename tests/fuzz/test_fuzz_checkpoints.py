"""A fixed share of the fuzzer of checkpoints; `python -m tests.fuzz.fuzz_checkpoints` tries more."""

from __future__ import annotations

import pytest

from tests.fuzz.fuzz_checkpoints import HOSTILE, cases, check, originals
from tests.fuzz.outcomes import Case, Outcome, classify

SHARE = list(cases(36, seed=7))


@pytest.mark.parametrize("case", SHARE, ids=lambda case: case.name.encode("ascii", "backslashreplace").decode())
def test_damaged_checkpoint(case: Case) -> None:
    found = classify(lambda: check(case))
    assert found.outcome.good, found


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_pickle(number: int) -> None:
    files = {**originals()["official"], (".pdparams", ".pdopt", ".states")[number % 3]: HOSTILE[number]}
    found = classify(lambda: check(Case("hostile", (files, False, False))), seconds=20)
    assert found.outcome is Outcome.REFUSED, found


def test_undamaged_checkpoints_are_resumed() -> None:
    for kind, files in originals().items():
        found = classify(lambda files=files, kind=kind: check(Case(kind, (files, False, False))))
        assert found.outcome is Outcome.RAN, found
