"""What comes from outside does nothing to a terminal, stays on its line, and is otherwise left as it is."""

from __future__ import annotations

import json
import os

import pytest

from ppocr.engine.log import LOGGER, get_logger, set_up_logging
from ppocr.utils.text import one_line

ORDINARY = ("a b.png", "C:\\x\\t.png", "韩国小馆\u3000★", "naïve é", "می‌خواهم", "👩‍👩‍👧", "'\"`$(x)", "")


def test_ordinary_text_is_left_alone() -> None:
    for text in ORDINARY:
        assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("\x1b[31mred\x9b2J\x7f\0", "\\u001b[31mred\\u009b2J\\u007f\\u0000"),
        ("a\u2028b\u2029c\x85", "a\\u2028b\\u2029c\\u0085"),
        ("\u202etxt.exe\u2066", "\\u202etxt.exe\\u2066"),
        (os.fsdecode(b"\xff.png"), "\\udcff.png"),
    ],
)
def test_the_rest_is_escaped_as_json_does(text: str, shown: str) -> None:
    assert one_line(text) == shown
    assert json.loads(f'"{one_line(text)}"') == text
    one_line(text).encode("utf-8")


def test_log_lines_are_harmless(capsys: pytest.CaptureFixture) -> None:
    set_up_logging()
    get_logger().getChild("deploy").warning("%s: odd\nsecond line", os.fsdecode(b"\x1b[2J\xff"))
    for handler in list(get_logger().handlers):
        get_logger().removeHandler(handler)
    get_logger().propagate = True
    out = capsys.readouterr().out
    assert f"{LOGGER} WARNING: \\u001b[2J\\udcff: odd\nsecond line\n" in out
