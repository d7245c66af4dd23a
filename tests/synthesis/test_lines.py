"""Drawn lines: readable crops, the same for any number of processes, with the characters asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.errors import DataError
from ppocr.synthesis.lines import compose_line, fonts_with, write_lines
from ppocr.synthesis.pages_text import Words, system_fonts

SPLITS = ("train", "test")


def rows(labels: Path) -> list[list[str]]:
    return [line.split("\t") for line in labels.read_text(encoding="utf-8").splitlines()]


def test_lines_are_the_same_for_any_number_of_processes(tmp_path: Path) -> None:
    one, two = (write_lines(tmp_path / str(n), "train", 16, workers=n) for n in (1, 2))
    assert rows(one) == rows(two) and len(rows(one)) == 16
    for name, text in rows(one):
        data = (tmp_path / "1" / name).read_bytes()
        assert data == (tmp_path / "2" / name).read_bytes()
        height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        assert 12 < height < 90 and width > height * 0.2 * len(text)


def test_the_splits_share_no_word(tmp_path: Path) -> None:
    train, test = ({w for _, text in rows(write_lines(tmp_path, n, 40)) for w in text.split()} for n in SPLITS)
    assert train and test and not {w.lower() for w in train} & {w.lower() for w in test}


@pytest.mark.skipif(not system_fonts(), reason="this system has no fonts")
def test_extra_characters_are_in_about_half_of_the_words() -> None:
    try:
        fonts_with("€£")
    except DataError as error:
        pytest.skip(error.message)
    words = [w for i in range(80) for w in compose_line(Words(False), np.random.default_rng(i), "€£")[1].split()]
    share = sum("€" in w or "£" in w for w in words) / len(words)
    assert 0.35 < share < 0.65


def test_characters_no_font_has_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no font of this system has all of"):
        write_lines(tmp_path, "train", 4, "\ue000€")
    assert not list(tmp_path.iterdir())
