"""Pages of the detection quick start: labels fit the ink, splits share no word, the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.synthesis import pages_text
from ppocr.synthesis.pages import IGNORED, SEEDS, Page, compose_page, write_pages
from ppocr.synthesis.pages_text import Arc, Plane, Words, draw_block, draw_word, fonts


def some_pages(count: int, size: int = 480) -> list[Page]:
    words = Words(test=False)
    return [compose_page(words, np.random.default_rng([7, i]), size) for i in range(count)]


def filled(shape: tuple[int, int], points: list[list[int]]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.array(points, np.int32)], 1)
    return mask


def test_polygons_hold_all_ink_and_not_much_else() -> None:
    seen = curved = ignored = 0
    for page in some_pages(40):
        shape = page.ink.shape
        assert page.image.shape == (*shape, 3) and page.image.dtype == np.uint8
        inside = np.zeros(shape, np.uint8)
        for label in page.labels:
            points = np.array(label["points"], np.float64)
            assert (points >= 0).all() and (points <= (shape[1], shape[0])).all()
            following = np.roll(points, -1, 0)
            area = (points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum() / 2
            assert area > 0, "counted in pixels from the top left corner, clockwise is positive"
            mask = filled(shape, label["points"])
            inside |= mask
            ink = np.argwhere((mask > 0) & page.ink).astype(np.float32)
            if label["transcription"] == IGNORED:
                ignored += 1
                continue
            assert len(ink), label
            if len(points) == 4:
                seen += 1
                box = cv2.minAreaRect(ink)[1]
                assert area <= 2 * (box[0] + 1) * (box[1] + 1), label
            else:
                assert len(points) >= 10
                curved += 1
        outside = page.ink & (cv2.dilate(inside, np.ones((3, 3), np.uint8)) == 0)
        assert not outside.any()
    assert seen > 100 and curved > 10 and ignored > 20


def test_lines_touch_no_other_line() -> None:
    for page in some_pages(15):
        count = np.zeros(page.ink.shape, np.int64)
        for label in page.labels:
            count += cv2.erode(filled(page.ink.shape, label["points"]), np.ones((3, 3), np.uint8))
        assert count.max(initial=0) <= 1


def test_some_pages_have_no_text_and_the_rest_have() -> None:
    empty = [not page.labels for page in some_pages(160, size=160)]
    assert 0.01 <= np.mean(empty) <= 0.15


def test_training_and_test_words_differ() -> None:
    tokens = {test: {Words(test).sample(rng).lower() for _ in range(3000)} for test, rng in splits()}
    assert not tokens[False] & tokens[True]
    assert len(tokens[True]) > 300
    assert SEEDS["train"] != SEEDS["test"]


def splits() -> list[tuple[bool, np.random.Generator]]:
    return [(False, np.random.default_rng(0)), (True, np.random.default_rng(0))]


def test_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    first = write_pages(tmp_path / "a", "train", 16, size=160, workers=1)
    second = write_pages(tmp_path / "b", "train", 16, size=160, workers=2)
    assert first.read_bytes() == second.read_bytes()
    rows = [row.split("\t") for row in first.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 16 and {Path(name).suffix for name, _ in rows} == {".jpg", ".png"}
    for name, labels in rows:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert max(cv2.imread(str(tmp_path / "a" / name)).shape[:2]) == 160
        assert all(set(label) == {"transcription", "points"} for label in json.loads(labels))


def test_words_are_labelled_on_the_same_pages_as_lines() -> None:
    for index in range(12):
        lines = compose_page(Words(False), np.random.default_rng(index), size=240)
        words = compose_page(Words(False), np.random.default_rng(index), size=240, by_word=True)
        assert np.array_equal(lines.image, words.image)
        read = [
            " ".join(r["transcription"] for r in page.labels if r["transcription"] != "###") for page in (lines, words)
        ]
        assert read[0] == read[1]


def test_a_machine_without_fonts_draws_with_those_of_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_text, "system_fonts", lambda: ())
    assert fonts() == pages_text.BUILT_IN
    for font in fonts():
        for size in (8, 40):
            ink, _, dy = draw_word("Plenty", font, size)
            assert 0.6 * size < ink.shape[0] < 1.3 * size and 1.8 * size < ink.shape[1] < 4.5 * size
            assert -size < dy < -0.4 * size
            assert ink[0].any() and ink[-1].any() and ink[:, 0].any() and ink[:, -1].any()
    assert any(page.labels for page in some_pages(3))


@pytest.mark.parametrize("by_word", [False, True])
@pytest.mark.parametrize("surface", ["turned", "leaning", "arch", "smile"])
def test_surfaces_carry_boxes_where_they_carry_ink(surface: str, by_word: bool) -> None:
    block = draw_block([["West"], ["GATE", "7"]], "pillow", 30, outline=2, border=3)
    shape = block.ink.shape
    lies = {
        "turned": lambda: Plane(shape, 90),
        "leaning": lambda: Plane(shape, -30, 0.1, 0.25),
        "arch": lambda: Arc(shape, 120),
        "smile": lambda: Arc(shape, 120, 20, smile=True),
    }[surface]()
    ink = lies.warp(block.edge) > 60
    assert ink.sum() == pytest.approx((block.edge > 60).sum(), rel=0.3)
    inside = np.zeros(ink.shape, np.uint8)
    boxes = [box for _, box in (block.words if by_word else block.lines)]
    assert len(boxes) == (3 if by_word else 2)
    for box in boxes:
        polygon = lies.polygon(box)
        assert len(polygon) == 4 if isinstance(lies, Plane) else len(polygon) >= 10
        assert (polygon >= 0).all() and (polygon <= lies.size).all()
        inside |= filled(ink.shape, np.round(polygon).astype(int).tolist())
    assert not (ink & (inside == 0)).any()
    if surface == "turned":  # clockwise: the first corner, top left of the text, is now top right
        assert lies.polygon(boxes[0])[0] == pytest.approx([lies.size[0] - boxes[0][1], boxes[0][0]], abs=1)
