"""Lines too long for a recogniser."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.deploy.long_lines import Piece, cut, joined
from ppocr.results import Recognition
from tests.system.reading import draw_page


def test_a_line_that_fits_is_one_piece():
    assert cut(draw_page([(5, 20, "short")], (32, 200)), 200) == [Piece(0, 200)]


def test_cuts_are_where_there_is_no_ink():
    text = "the quick brown fox jumps over the lazy dog and runs on"
    image = draw_page([(5, 20, text)], (32, 720))
    pieces = cut(image, 300)
    assert pieces[0].start == 0 and pieces[-1].end == 720
    assert all(one.end == other.start for one, other in zip(pieces, pieces[1:]))
    assert all(piece.end - piece.start <= 300 for piece in pieces)
    for piece in pieces[1:]:
        assert image[:, piece.start].min() > 200 and piece.spaced


def test_what_has_no_gap_is_cut_all_the_same():
    image = np.random.default_rng(0).integers(0, 255, (32, 1000, 3)).astype(np.uint8)
    assert max(piece.end - piece.start for piece in cut(image, 300)) <= 300


@pytest.mark.parametrize(
    "first, second, spaced, text",
    [("one", "two", True, "one two"), ("one", "two", False, "onetwo"), ("one ", "two", True, "one two"),
     ("你", "好", True, "你好"), ("", "two", True, "two")],
)  # fmt: skip
def test_texts_are_joined(first, second, spaced, text):
    pieces = [Piece(0, 60), Piece(60, 100, spaced)]
    read = [Recognition(each, 0.5, (np.arange(len(each)) + 0.5) / max(1, len(each))) for each in (first, second)]
    result = joined(pieces, read)
    assert result.text == text and result.confidence == pytest.approx(0.5)
    assert result.positions is not None and len(result.positions) == len(text)
    assert (np.diff(result.positions) > 0).all() and 0 <= result.positions.min() <= result.positions.max() <= 1


def test_the_confidence_counts_characters():
    result = joined([Piece(0, 60), Piece(60, 100)], [Recognition("abc", 0.8), Recognition("d", 0.4)])
    assert result.confidence == pytest.approx(0.7) and result.positions is None
