"""Schedules equal the reference numbers and come back exactly after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.errors import ConfigError
from ppocr.optimizer.builder import build_schedule
from tests.conformance import HERE, load

CASES = [c for p in sorted(Path(HERE / "lr").glob("*.json")) for c in load(f"lr/{p.name}")["cases"]]


def build(case: dict):
    return build_schedule(
        {"name": case["name"], **case["args"]}, epochs=case["epochs"], steps_per_epoch=case["step_each_epoch"]
    )


@pytest.mark.parametrize("case", CASES, ids=[f"{c['name']} {c['args']}" for c in CASES])
def test_rates_equal_the_reference(case: dict) -> None:
    schedule = build(case)
    rates = []
    for _ in case["lr"]:
        rates.append(schedule())
        schedule.step()
    assert rates == pytest.approx(case["lr"], rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("case", CASES, ids=[f"{c['name']} {c['args']}" for c in CASES])
def test_restart_goes_on_exactly(case: dict) -> None:
    one, two = build(case), build(case)
    for _ in range(7):
        one.step()
    two.set_state_dict(one.state_dict())
    for _ in range(5):
        assert two() == one()
        one.step(), two.step()


def test_wrong_keys_are_refused() -> None:
    with pytest.raises(ConfigError, match="gama.*did you mean gamma"):
        build_schedule({"name": "Step", "learning_rate": 1.0, "step_size": 1, "gama": 2}, epochs=1, steps_per_epoch=1)
    with pytest.raises(ConfigError, match="2 decay_epochs need 3 values"):
        build_schedule({"name": "Piecewise", "decay_epochs": [1, 2], "values": [1.0]}, epochs=1, steps_per_epoch=1)
    with pytest.raises(ConfigError, match="unknown learning-rate schedule 'Cosin', did you mean Cosine"):
        build_schedule({"name": "Cosin", "learning_rate": 1.0}, epochs=1, steps_per_epoch=1)
