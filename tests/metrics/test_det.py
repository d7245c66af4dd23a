"""Detection scores equal the reference, add up over processes, and explain themselves when they are nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ppocr.metrics.det import DetMetric, compare
from ppocr.results import Detection
from tests.conformance import load

CASES = load("metrics/DetMetric.json")["cases"]
SINGLE = {case["case"]: case for case in CASES if "detections" in case}
BOX = [[10, 10], [50, 10], [50, 30], [10, 30]]


def as_batch(*cases: dict[str, Any]) -> tuple[list[Detection], dict[str, Any]]:
    results = [Detection([np.array(p) for p in c["detections"]], np.ones(len(c["detections"]))) for c in cases]
    polys = [np.array(c["ground_truth"], np.float32).reshape(len(c["ground_truth"]), -1, 2) if c["ground_truth"] else
             np.zeros((0, 4, 2), np.float32) for c in cases]  # fmt: skip
    return results, {"polys": polys, "ignore_tags": [np.array(c["ignore"], bool) for c in cases]}


@pytest.mark.parametrize("name", SINGLE)
def test_counts_and_scores_equal_the_reference(name: str) -> None:
    metric = DetMetric()
    metric(*as_batch(SINGLE[name]))
    found, image, final = metric.get_metric(), SINGLE[name]["result"]["image"], SINGLE[name]["result"]["final"]
    assert [found["instances"], found["detections"], found["matched"]] == [
        image[k] for k in ("gtCare", "detCare", "detMatched")
    ]
    assert {k: found[k] for k in final} == pytest.approx(final)


def test_images_add_up_as_in_the_reference_however_they_are_shared() -> None:
    whole = next(case for case in CASES if "order" in case)
    chosen = [SINGLE[name] for name in whole["order"]]
    together = DetMetric()
    together(*as_batch(*chosen))
    assert {k: together.get_metric()[k] for k in whole["result"]} == pytest.approx(whole["result"])
    states = []
    for rank in range(3):
        share = DetMetric()
        share(*as_batch(*chosen[rank::3]))
        states.append(share.state())
    merged = DetMetric()
    merged(*as_batch(chosen[0]))  # what was counted before is replaced
    merged.merge(states)
    assert merged.get_metric() == together.get_metric() and merged.state() == together.state()


def test_corners_repeated_to_fill_up_do_not_matter() -> None:
    padded = {"detections": [BOX], "ground_truth": [[*BOX, BOX[-1], BOX[-1]]], "ignore": [False]}
    metric = DetMetric()
    metric(*as_batch(padded))
    assert metric.get_metric()["hmean"] == 1


def test_a_score_of_nothing_says_why() -> None:
    metric = DetMetric()
    assert metric.remarks() == []
    metric(*as_batch({"detections": [BOX], "ground_truth": [BOX], "ignore": [True]}))
    assert metric.remarks() == ["every text instance is '###': there is nothing for hmean to measure"]
    metric.reset()
    metric(*as_batch({"detections": [BOX], "ground_truth": [], "ignore": []}))
    assert "no image has a text instance" in metric.remarks()[0]
    metric.reset()
    metric(
        [Detection([], np.zeros(0), 0.21)], as_batch({"detections": [], "ground_truth": [BOX], "ignore": [False]})[1]
    )
    assert "the highest probability is 0.21" in metric.remarks()[0]


def test_degenerate_regions_are_passed_over() -> None:
    line = [[10, 10], [50, 10], [50, 10], [10, 10]]
    metric = DetMetric()
    metric(*as_batch({"detections": [line, [[1, 1], [2, 2]], BOX], "ground_truth": [line, BOX], "ignore": [False] * 2}))
    assert [metric.get_metric()[k] for k in ("instances", "detections", "matched")] == [1, 1, 1]


def test_maps_of_nan_are_not_called_maps_of_zero() -> None:
    empty, labels = (
        Detection([], np.zeros(0)),
        as_batch({"detections": [], "ground_truth": [BOX], "ignore": [False]})[1],
    )
    metric = DetMetric()
    metric([empty], labels)
    assert metric.remarks() == ["nothing was detected: no map has a highest probability, as when its values are NaN"]
    metric([Detection([], np.zeros(0), 0.4)], labels)
    assert "the highest probability is 0.4" in metric.remarks()[0]


def test_labels_of_nan_do_not_count() -> None:
    nowhere = [[float("nan"), 10], *BOX[1:]]
    metric = DetMetric()
    metric(*as_batch({"detections": [BOX], "ground_truth": [nowhere, BOX], "ignore": [False] * 2}))
    assert [metric.get_metric()[k] for k in ("instances", "detections", "matched")] == [1, 1, 1]


@pytest.mark.parametrize(("covered", "dropped"), [(0.49, False), (0.5, False), (0.51, True), (0.9, True)])
def test_a_detection_is_ignored_where_more_than_half_of_it_lies_on_an_ignored_region(
    covered: float, dropped: bool
) -> None:
    ignored = np.array([[0, 0], [100, 0], [100, 50], [0, 50]])
    left = 100 - 100 * covered
    found = ignored + [left, 0]
    counts = compare([found], [ignored], np.array([True]))
    assert (counts["instances"], counts["detections"], counts["matched"]) == (0, 0 if dropped else 1, 0)
