"""Pages in, lines of text out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.errors import SampleError
from ppocr.results import Page
from ppocr.system.options import SystemOptions
from ppocr.system.pages import PageImage, PageProblem
from ppocr.system.text_system import TextSystem
from tests.system.reading import draw_page, random_system

LINES = [(20, 60, "First line of it"), (20, 120, "second"), (200, 120, "half"), (20, 200, "the last")]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> TextSystem:
    """One with a recogniser of random weights."""
    return random_system(tmp_path_factory.mktemp("rec"))


def texts(page: Page) -> list[str]:
    return [line.text for line in page.lines]


def test_lines_are_found_where_they_were_drawn(system):
    page = system.read(draw_page(LINES))
    assert (page.height, page.width) == (320, 480)
    assert [line.row for line in page.lines] == [0, 1, 1, 2]
    for line, (x, y, _) in zip(page.lines, LINES):
        left, top = line.polygon.min(axis=0)
        assert abs(left - x) < 20 and top < y - 5 < line.polygon.max(axis=0)[1]
        assert 0.5 < line.score <= 1


def test_what_is_read_of_a_line_does_not_depend_on_the_other_lines(system):
    page = system.read(draw_page(LINES))
    for line in page.lines:
        (left, top), (right, bottom) = line.polygon.min(axis=0), line.polygon.max(axis=0)
        alone = np.full((320, 480, 3), 255, np.uint8)
        alone[top:bottom, left:right] = draw_page(LINES)[top:bottom, left:right]
        assert texts(system.read(alone)) == [line.text]


def test_encoded_images_and_paths_are_read_too(system, tmp_path):
    image = draw_page(LINES)
    expected = system.read(image)
    data = cv2.imencode(".png", image)[1].tobytes()
    (tmp_path / "page.png").write_bytes(data)
    assert texts(system.read(data)) == texts(expected)
    assert system.read(str(tmp_path / "page.png")).source.endswith("page.png")


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (64, 64)])
def test_a_page_without_text_has_no_lines(system, size):
    confident = TextSystem(system.det, system.rec)  # a tiny page is padded with black, which is ink
    page = confident.read(np.full((*size, 3), 255, np.uint8))
    assert page.lines == () and (page.height, page.width) == size


def test_uncertain_lines_are_dropped(system):
    strict = TextSystem(system.det, system.rec, options=SystemOptions(drop_score=1.0))
    assert strict.read(draw_page(LINES)).lines == ()


def test_pages_come_in_order_with_their_names_and_numbers(system):
    images = [draw_page(LINES[:n]) for n in (3, 0, 4, 1)]
    pages = list(system.stream(PageImage(image, "scan.pdf", n) for n, image in enumerate(images)))
    assert [(page.source, page.number) for page in pages] == [("scan.pdf", n) for n in range(4)]
    assert [texts(page) for page in pages] == [texts(system.read(image)) for image in images]


def test_a_page_with_a_problem_does_not_harm_the_others(system):
    good = PageImage(draw_page(LINES), "good.png")
    given = PageProblem("gone.png", None, SampleError("missing_file", "gone.png"))
    bad = PageImage(np.zeros((20, 20), np.float32), "bad.png")  # no 8-bit image
    first, second, third, last = system.stream([good, given, bad, good])
    assert texts(first) == texts(last) == texts(system.read(good.image))
    assert second is given
    assert isinstance(third, PageProblem) and third.source == "bad.png" and third.problem.reason == "undecodable"


def test_predictions_that_are_no_numbers_are_a_problem_of_the_page(system, monkeypatch):
    run = system.det.backend.run
    monkeypatch.setattr(system.det.backend, "run", lambda inputs: {"maps": run(inputs)["maps"] * np.nan})
    with pytest.raises(SampleError, match="non_finite: the detector"):
        system.read(draw_page(LINES))


def test_the_time_of_each_stage_is_known(system):
    system.timings.reset()
    system.read(draw_page(LINES))
    assert system.timings.pages == 1 and system.timings.lines == 4
    spent = {name for name, seconds in system.timings.seconds.items() if seconds > 0}
    assert spent == {"resize", "det", "postprocess", "crop", "rec_resize", "rec", "decode"}
