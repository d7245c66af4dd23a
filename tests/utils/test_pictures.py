"""Pictures: text is really there, what a font lacks is logged, and many pictures make one."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from ppocr.utils import fonts
from ppocr.utils.pictures import GREEN, RED, captioned, tiled

GREY = np.full((32, 100, 3), 128, np.uint8)


def test_text_stands_below_the_image():
    assert fonts.choose_font("joint")[1] == ""
    picture = captioned(GREY, "joint")
    assert np.array_equal(picture[:32, :100], GREY)
    assert picture[32:].min() < 64


def test_characters_a_font_lacks_are_written_as_code_points(caplog):
    fonts._warned.clear()
    with caplog.at_level(logging.WARNING):
        _, missing = fonts.choose_font("a\U0010fffd")
        fonts.choose_font("\U0010fffd")
    assert missing == "\U0010fffd"
    assert caplog.text.count("U+XXXX") == 1  # a process
    assert fonts.drawable("a\U0010fffd", missing) == "a[U+10FFFD]"


def test_a_broken_font_of_the_user_is_passed_over(tmp_path, monkeypatch):
    broken = tmp_path / "x.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setenv(fonts.FONT_VARIABLE, str(broken))
    fonts.font_files.cache_clear()
    try:
        assert fonts.font_files()[0] == str(broken)
        assert fonts.choose_font("a")[1] == ""
    finally:
        fonts.font_files.cache_clear()


def test_a_system_without_fonts_still_draws(monkeypatch):
    monkeypatch.setattr(fonts, "font_files", tuple)
    assert fonts.choose_font("abc")[1] == ""
    assert captioned(GREY, "abc").min() < 64


@pytest.mark.parametrize("count", [0, 1, 7])
def test_pictures_with_colored_captions_side_by_side(count):
    picture = tiled([captioned(GREY, "t", RED if n % 2 else GREEN) for n in range(count)], columns=3)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    green = (picture[..., 1].astype(int) - picture[..., 2] > 60).any()
    red = (picture[..., 2].astype(int) - picture[..., 1] > 60).any()
    assert (bool(green), bool(red)) == (count > 0, count > 1)
