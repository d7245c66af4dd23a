"""The classifier's metric equals the reference and merges over processes."""

from __future__ import annotations

import pytest

from ppocr.metrics.cls import ClsMetric
from ppocr.results import Classification
from tests.conformance import load


@pytest.mark.parametrize("case", load("metrics/ClsMetric.json")["cases"], ids=lambda case: case["case"])
def test_score_equals_the_reference(case: dict) -> None:
    metric = ClsMetric(main_indicator="acc")
    metric([Classification(*p) for p in case["preds"]], {"text": [label for label, _ in case["labels"]]})
    expected = case["result"].get("final", case["result"])
    assert metric.get_metric() == pytest.approx(expected, abs=1e-6)
    metric.reset()
    assert metric.get_metric() == {"acc": 0}


def test_merged_processes_score_like_one() -> None:
    whole, parts = ClsMetric(), [ClsMetric(), ClsMetric()]
    for i, (predicted, label) in enumerate([("0", "0"), ("180", "0"), ("180", "180")]):
        for metric in (whole, parts[i % 2]):
            metric([Classification(predicted, 0.9)], {"text": [label]})
    merged = ClsMetric()
    merged.merge([part.state() for part in parts])
    assert merged.get_metric() == whole.get_metric()
