from __future__ import annotations

import json

import pytest

from ppocr.data.problems import DataReport, SampleProblem
from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.det_labels import DetLabelEncode
from ppocr.errors import DataError


def some_report() -> DataReport:
    report = DataReport()
    report.add(
        4,
        [
            SampleProblem("missing_file", "a.txt:1", "x.png"),
            SampleProblem("too_long", "a.txt:2", "31 characters; Global.max_text_length is 25, needs 31"),
        ],
        [SampleProblem("out_of_dictionary", "a.txt:3", "éé中")],
    )
    return report


def test_counts_add_up_and_labels_are_not_broken_samples() -> None:
    report = some_report()
    assert (report.drawn, report.used, report.bad) == (4, 2, 1)
    assert report.characters == {"é": 2, "中": 1}


def test_summary_names_counts_characters_and_the_longest() -> None:
    assert some_report().summary_lines() == [
        "data: 2 of 4 samples used as they are; skipped: missing_file 1, too_long 1",
        "data: missing_file 1: first a.txt:1: missing_file: x.png",
        "data: 1 labels hold 2 characters outside the dictionary: 'é' 2, '中' 1; first at a.txt:3",
        "data: too_long 1: the longest 31 characters; Global.max_text_length is 25, needs 31; first at a.txt:2",
    ]
    assert DataReport().summary_lines() == []


def test_reports_merge_over_ranks() -> None:
    other = DataReport()
    other.add(
        3, [SampleProblem("too_long", "a.txt:9", "40 characters"), SampleProblem("missing_file", "a.txt:8", "y.png")]
    )
    states = json.loads(json.dumps([some_report().state(), other.state()]))
    both = DataReport().merge(states)
    assert both.drawn == 7 and both.used == 3 and both.skipped == {"too_long": 2, "missing_file": 2}
    assert both.needed["too_long"] == "40 characters"
    assert [p.where for p in both.examples["missing_file"]] == ["a.txt:1", "a.txt:8"]
    assert isinstance(both.examples["missing_file"][0], SampleProblem)


def test_examples_are_bounded() -> None:
    report = DataReport()
    for n in range(50):
        report.add(1, [SampleProblem("missing_file", f"a.txt:{n}", "x")])
    assert report.skipped["missing_file"] == 50 and len(report.examples["missing_file"]) == 5
    report.merge([report.state()])
    assert len(report.examples["missing_file"]) == 5


def test_the_run_ends_above_the_ratio_only() -> None:
    report = DataReport()
    report.add(990)
    report.add(10, [SampleProblem("missing_file", f"a.txt:{n}", "x") for n in range(10)])
    report.check(0.01)
    report.add(1, [SampleProblem("undecodable", "a.txt:99", "a line\nend")])
    report.check(0.01, minimum=2000)
    with pytest.raises(DataError, match=r"11 of 1001 samples \(1.1 %\)") as caught:
        report.check(0.01)
    message = str(caught.value)
    assert "a.txt:0" in message and "undecodable" in message and "a.txt:9:" not in message
    assert "\n" not in message and "max_bad_ratio=" in message


CHECK = Pipeline([DetLabelEncode()]).check_report


def regions_report(used: int, **noted: int) -> DataReport:
    report = DataReport()
    notes = [SampleProblem(reason, f"a.txt:{n + 1}", "") for reason, count in noted.items() for n in range(count)]
    report.add(used, (), notes)
    return report


def test_a_set_whose_every_region_is_ignored_is_named() -> None:
    with pytest.raises(
        DataError, match=r"every text instance is '###' or '\*' in 3 of 3 images.*first at a.txt:1"
    ) as caught:
        CHECK(regions_report(3, all_ignored=3))
    assert "such as 'text'" in caught.value.hint and "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"in 3 of 5 images, the other 2 have no text instance"):
        CHECK(regions_report(5, all_ignored=3, negative=2))


def test_a_set_without_a_region_is_named() -> None:
    with pytest.raises(DataError, match=r"none of 4 images has a text instance: nothing to learn"):
        CHECK(regions_report(4, negative=4))
    with pytest.raises(DataError, match=r"has a text instance \(9 were dropped, first a.txt:1: bad_polygon\)"):
        CHECK(regions_report(4, negative=4, bad_polygon=9))


def test_one_image_with_something_to_learn_is_enough() -> None:
    CHECK(regions_report(1001, all_ignored=500, negative=500))
    CHECK(DataReport())
    report = regions_report(2, negative=1)
    report.add(3, [SampleProblem("missing_file", "a.txt:9", "x")] * 3)
    CHECK(report)


def test_within_an_epoch_a_thousand_images_are_looked_at() -> None:
    regions_report(999, all_ignored=999).check(0.01, minimum=1, judge=CHECK)
    with pytest.raises(DataError, match="in 1000 of 1000 images"):
        regions_report(1000, all_ignored=1000).check(0.01, minimum=1, judge=CHECK)
