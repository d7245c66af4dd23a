"""Large and long images: which slices they are cut into, and text instances merged across the seams."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.results import Detection
from ppocr.system.slicing import Slice, merged, slices


def test_an_image_of_usual_size_is_one_slice():
    assert slices(3508, 2480, 4000, 0.27) == [Slice(0, 0, 2480, 3508)]


def test_zero_never_slices():
    assert slices(100, 100_000, 0, 0.01) == [Slice(0, 0, 100_000, 100)]


def test_a_long_image_is_sliced_along_its_length_only_where_it_would_be_shrunk():
    assert len(slices(9000, 1000, 4000, 1.0)) == 3
    assert len(slices(3600, 1000, 4000, 1.0)) == 1
    parts = slices(3600, 1000, 4000, 0.27)
    assert len(parts) > 1 and all(part.right - part.left == 1000 for part in parts)


@pytest.mark.parametrize("height, width", [(9000, 7000), (4001, 30), (30_000, 30_000), (5000, 4000)])
def test_slices_cover_the_image_and_overlap(height, width):
    parts = slices(height, width, 4000, 0.1)
    covered = np.zeros((-(-height // 100), -(-width // 100)), bool)
    for part in parts:
        assert part.right - part.left <= 4000 and part.bottom - part.top <= 4000
        covered[part.top // 100 : -(-part.bottom // 100), part.left // 100 : -(-part.right // 100)] = True
    assert covered.all()
    for one, other in zip(parts, parts[1:]):
        if one.left == other.left:
            assert one.bottom - other.top > 100


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def detection(*boxes: np.ndarray) -> Detection:
    return Detection(list(boxes), np.full(len(boxes), 0.8, np.float32), 0.9)


def test_a_line_across_a_seam_is_one():
    parts = [Slice(0, 0, 100, 50), Slice(80, 0, 180, 50)]
    found = merged(parts, [detection(box(10, 10, 100, 20)), detection(box(0, 10, 70, 20))])
    assert [points.tolist() for points in found.points] == [box(10, 10, 150, 20).tolist()]


def test_a_line_in_both_slices_is_one_and_its_neighbours_stay():
    parts = [Slice(0, 0, 100, 100), Slice(0, 60, 100, 160)]
    above = detection(box(0, 50, 90, 62), box(0, 66, 90, 78), box(0, 82, 90, 94), box(0, 98, 90, 100))
    below = detection(box(0, 6, 90, 18), box(0, 22, 90, 34), box(0, 38, 90, 50), box(0, 54, 90, 66))
    found = merged(parts, [above, below])
    tops = sorted(points[:, 1].min() for points in found.points)
    assert tops == [50, 66, 82, 98, 114]
    assert len(found.scores) == 5


def test_what_touches_without_being_the_same_stays_two():
    parts = [Slice(0, 0, 100, 100), Slice(0, 60, 100, 160)]
    found = merged(parts, [detection(box(0, 70, 90, 84)), detection(box(0, 20, 90, 34))])
    assert len(found) == 2


def test_nothing_detected_is_nothing():
    parts = [Slice(0, 0, 100, 50), Slice(80, 0, 180, 50)]
    assert len(merged(parts, [detection(), detection()])) == 0
