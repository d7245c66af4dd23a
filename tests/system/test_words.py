"""Words of lines as polygons on the page."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.system.crop import crop_line
from ppocr.system.words import words_of

PAGE = np.full((100, 400, 3), 255, np.uint8)


def crop(points=((20, 10), (220, 10), (220, 30), (20, 30))):
    return crop_line(PAGE, np.array(points))


def evenly(text: str) -> np.ndarray:
    return (np.arange(len(text)) + 0.5) / len(text)


@pytest.mark.parametrize(
    "text, words",
    [
        ("two words", ["two", "words"]),
        (" spaces  around ", ["spaces", "around"]),
        ("你好 abc。", ["你", "好", "abc", "。"]),
        ("it's 3.14, ok", ["it's", "3.14,", "ok"]),
        ("", []),
        ("x", ["x"]),
    ],
)
def test_words_are_what_spaces_separate_and_single_characters_of_scripts_without_them(text, words):
    assert [word.text for word in words_of(text, evenly(text), crop())] == words


def test_words_lie_side_by_side_in_their_line():
    first, second = words_of("ab cd", evenly("ab cd"), crop())
    assert first.polygon.tolist() == [[20, 10], [100, 10], [100, 30], [20, 30]]
    assert second.polygon.tolist() == [[140, 10], [220, 10], [220, 30], [140, 30]]


def test_words_of_an_upside_down_line_run_from_its_right_end():
    first, second = words_of("ab cd", evenly("ab cd"), crop().upside_down())
    assert first.polygon[:, 0].min() == 140 and second.polygon[:, 0].max() == 100


def test_words_of_a_tall_line_run_downwards():
    first, second = words_of("ab cd", evenly("ab cd"), crop(((20, 0), (40, 0), (40, 100), (20, 100))))
    assert first.polygon[:, 1].tolist() == [0, 40, 40, 0]
    assert second.polygon[:, 1].tolist() == [60, 100, 100, 60]


def test_text_of_right_to_left_script_has_its_words_where_they_stand():
    middles = evenly("ab cd")[::-1]  # the first character of the text is the right-most
    first, second = words_of("ab cd", middles, crop())
    assert first.polygon[:, 0].min() == 140 and second.polygon[:, 0].max() == 100
