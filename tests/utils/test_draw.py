"""Drawing: text is really there, and what a font lacks is said."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from ppocr.utils import draw

GREY = np.full((32, 100, 3), 128, np.uint8)


def test_text_stands_below_the_image():
    font, missing = draw.choose_font(["joint"])
    assert missing == ""
    picture = draw.draw_line(GREY, "joint", font)
    assert np.array_equal(picture[:32, :100], GREY)
    assert picture[32:].min() < 64


def test_characters_a_font_lacks_are_written_as_code_points(caplog):
    with caplog.at_level(logging.WARNING):
        _, missing = draw.choose_font(["a\U0010fffd"])
    assert missing == "\U0010fffd"
    assert "U+XXXX" in caplog.text
    assert draw.drawable("a\U0010fffd", missing) == "a[U+10FFFD]"


def test_a_broken_font_of_the_user_is_passed_over(tmp_path, monkeypatch):
    broken = tmp_path / "x.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setenv(draw.FONT_VARIABLE, str(broken))
    draw.font_files.cache_clear()
    try:
        assert draw.font_files()[0] == str(broken)
        assert draw.choose_font(["a"])[1] == ""
    finally:
        draw.font_files.cache_clear()


def test_a_system_without_fonts_still_draws(monkeypatch):
    monkeypatch.setattr(draw, "font_files", tuple)
    font, missing = draw.choose_font(["abc"])
    assert missing == ""
    assert draw.draw_line(GREY, "abc", font).min() < 64


@pytest.mark.parametrize("count", [0, 1, 7])
def test_contact_sheet_marks_right_and_wrong(count):
    sheet = draw.contact_sheet([GREY] * count, ["t"] * count, [n % 2 == 0 for n in range(count)], columns=3)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    green = (sheet[..., 1].astype(int) - sheet[..., 2] > 60).any()
    red = (sheet[..., 2].astype(int) - sheet[..., 1] > 60).any()
    assert (bool(green), bool(red)) == (count > 0, count > 1)
