"""The order of lines: rows, columns, skew, and pages that are rotated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ppocr.system.reading_order import reading_order

HEIGHT, LEADING = 20, 26


def box(x: float, y: float, width: float, height: float = HEIGHT) -> np.ndarray:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64)


def column(x: float, y: float, width: float, rows: int) -> list[np.ndarray]:
    return [box(x, y + LEADING * row, width) for row in range(rows)]


def order(boxes: list[np.ndarray], **options: bool) -> list[int]:
    return [place.line for place in reading_order(boxes, **options)]


def test_no_line_has_no_place():
    assert reading_order([]) == []


def test_lines_are_read_from_top_to_bottom_and_from_left_to_right():
    boxes = [box(0, 100, 90), box(0, 0, 90), box(200, 2, 90), box(100, 3, 90)]
    places = reading_order(boxes)
    assert [place.line for place in places] == [1, 3, 2, 0]
    assert [place.row for place in places] == [0, 0, 0, 1]


def test_columns_are_read_one_after_the_other():
    left, right = column(0, 0, 200, 6), column(220, 4, 200, 6)
    boxes = [each for pair in zip(left, right) for each in pair]
    places = reading_order(boxes)
    assert [place.line for place in places] == [*range(0, 12, 2), *range(1, 12, 2)]
    assert [place.block for place in places] == [0] * 6 + [1] * 6
    assert [place.row for place in places] == list(range(12))


def test_a_title_and_a_foot_stand_above_and_below_the_columns():
    boxes = [box(0, 300, 420), *column(220, 60, 200, 6), *column(0, 60, 200, 6), box(40, 10, 340)]
    places = reading_order(boxes)
    assert [place.line for place in places] == [13, *range(7, 13), *range(1, 7), 0]
    assert len({place.block for place in places}) == 4


def test_three_columns():
    boxes = [*column(440, 0, 200, 5), *column(0, 0, 200, 5), *column(220, 0, 200, 5)]
    assert order(boxes) == [*range(5, 10), *range(10, 15), *range(5)]


def test_the_cells_of_a_table_are_read_by_rows():
    boxes = [*column(0, 0, 60, 6), *column(150, 0, 50, 6), *column(300, 0, 40, 6)]
    assert order(boxes) == [6 * column + row for row in range(6) for column in range(3)]


def test_a_wide_gap_between_rows_begins_a_block():
    places = reading_order([*column(0, 0, 200, 3), *column(0, 120, 200, 3)])
    assert [place.block for place in places] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("degrees", [-6, -2, 3, 8])
def test_skew_changes_nothing(degrees):
    words = [box(x, y, 70) for y in range(0, 400, LEADING) for x in (0, 100, 200, 300, 400)]
    columns = [*column(0, 500, 330, 8), *column(360, 500, 330, 8)]
    boxes = [*words, *columns]
    straight = reading_order(boxes)
    assert [place.line for place in straight] == list(range(len(boxes)))
    assert reading_order([rotated(each, degrees) for each in boxes]) == straight


@pytest.mark.parametrize("degrees, upside_down", [(90, False), (180, True), (270, True)])
def test_a_rotated_page_is_read_as_the_upright_one(degrees, upside_down):
    boxes = [box(40, 10, 340), *column(0, 60, 200, 6), *column(220, 60, 200, 6)]
    turned = [in_upright_order(rotated(each, degrees)) for each in boxes]
    assert order(turned, upside_down=upside_down) == list(range(len(boxes)))


def rotated(points: np.ndarray, degrees: float) -> np.ndarray:
    """Return points rotated clockwise on the page."""
    angle = math.radians(degrees)
    return points @ np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])


def in_upright_order(points: np.ndarray) -> np.ndarray:
    """Return corners as a detector gives them: from the upper left on, whatever way the text runs."""
    start = int(np.argmin(points.sum(axis=1)))
    return np.roll(points, -start, axis=0)


def test_polygons_of_many_points_have_a_place():
    curved = np.array([(0, 0), (50, 5), (100, 0), (100, 20), (50, 25), (0, 20)])
    assert order([box(0, 40, 100), curved]) == [1, 0]


def test_a_thousand_lines_in_disorder():
    rng = np.random.default_rng(0)
    boxes = [box(300 * c, LEADING * r, 280) for c in range(4) for r in range(250)]
    shuffled = rng.permutation(len(boxes))
    found = order([boxes[i] for i in shuffled])
    assert [int(shuffled[i]) for i in found] == list(range(1000))
