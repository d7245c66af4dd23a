"""A fixed share of the changed configurations: each runs, or is refused in a clear line."""

from __future__ import annotations

from tests.fuzz.fuzz_configs import MEMORY, cases, check
from tests.fuzz.outcomes import run_apart

COUNT = 40


def test_changed_configurations_run_or_are_refused_in_a_clear_line() -> None:
    found = list(run_apart(check, cases(COUNT, seed=7), memory=MEMORY))
    bad = [f"{case.name}: {finding.outcome.value}: {finding.detail}" for case, finding in found]
    assert not [line for line, (_, finding) in zip(bad, found) if not finding.outcome.good]
    assert sum(finding.outcome.value == "ran" for _, finding in found) >= COUNT // 8
