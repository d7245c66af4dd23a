"""Recognition metric: reference numbers, the numbers beyond them, and merging over processes."""

from __future__ import annotations

import pytest

from ppocr.metrics.rec import RecMetric
from ppocr.results import Recognition
from tests.conformance import load

CASES = load("metrics/RecMetric.json")["cases"]


def feed(metric: RecMetric, case: dict) -> None:
    metric([Recognition(*p) for p in case["preds"]], {"text": [label for label, _ in case["labels"]]})


@pytest.mark.parametrize("case", CASES, ids=[f"{i} {c['case']} {c['args']}" for i, c in enumerate(CASES)])
def test_scores_equal_the_reference(case: dict) -> None:
    metric = RecMetric(**case["args"])
    parts = [case]
    if "order" in case:
        parts = [next(c for c in CASES if c["case"] == n and c["args"] == case["args"]) for n in case["order"]]
    for part in parts:
        feed(metric, part)
    got = metric.get_metric()
    for name, value in case["result"]["final"].items():
        assert got[name] == pytest.approx(value, abs=1e-6), name
    metric.reset()
    for name, value in case["result"].get("after_reset", {}).items():
        assert metric.get_metric()[name] == pytest.approx(value, abs=1e-6)


def test_error_rates_and_spaces() -> None:
    metric = RecMetric()
    metric([Recognition("ab cd", 1.0), Recognition("xy", 1.0)], {"text": ["abcd", "xz"]})
    got = metric.get_metric()
    assert got["acc_with_space"] == pytest.approx(0, abs=1e-4)
    assert got["acc_without_space"] == got["acc"] == pytest.approx(0.5, abs=1e-4)
    assert got["cer"] == pytest.approx(2 / 6)
    assert got["wer"] == pytest.approx(3 / 2)


def test_merged_processes_score_like_one() -> None:
    whole, parts = RecMetric(), [RecMetric(), RecMetric()]
    pairs = [("a b", "ab"), ("hello", "hallo"), ("x", "x"), ("", "y"), ("好", "好")]
    for i, (predicted, label) in enumerate(pairs):
        for metric in (whole, parts[i % 2]):
            metric([Recognition(predicted, 0.5)], {"text": [label]})
    merged = RecMetric()
    merged.merge([p.state() for p in parts])
    assert merged.get_metric() == whole.get_metric()
