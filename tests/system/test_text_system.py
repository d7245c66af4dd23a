"""Pages in, lines of text out."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.errors import PpocrError, SampleError
from ppocr.results import Page
from ppocr.system.options import SystemOptions, line_runtime
from ppocr.system.pages import PageImage, PageProblem
from ppocr.system.text_system import TextSystem
from tests.system.reading import draw_page, ink_detector, orientation_by_border, random_system

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


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_rotated_page_is_read_upright_and_its_boxes_are_those_of_the_page_given(system, degrees):
    upright = draw_page(LINES)
    upright[0] = 0  # a black upper border says where the top is
    expected = system.read(upright)
    turned = {
        0: upright,
        90: cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE),
        180: cv2.rotate(upright, cv2.ROTATE_180),
        270: cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }[degrees]
    options = SystemOptions(drop_score=0, return_word_box=True)
    page = TextSystem(system.det, system.rec, orientation=orientation_by_border(), options=options).read(turned)
    assert (page.angle, page.height, page.width) == (degrees, *turned.shape[:2])
    assert texts(page) == texts(expected)
    ink = turned.min(axis=2) < 128
    for line, other in zip(page.lines, expected.lines):
        (left, top), (right, bottom) = line.polygon.min(axis=0), line.polygon.max(axis=0)
        (x0, y0), (x1, y1) = other.polygon.min(axis=0), other.polygon.max(axis=0)
        there = upright[y0:y1, x0:x1].min(axis=2) < 128
        assert ink[top:bottom, left:right].sum() == there.sum() > 0
        for word in line.words:
            assert (word.polygon.min(axis=0) >= (left - 1, top - 1)).all()
            assert (word.polygon.max(axis=0) <= (right + 1, bottom + 1)).all()


def test_words_lie_in_their_line_in_the_order_of_its_text(system):
    options = SystemOptions(drop_score=0, return_word_box=True)
    page = TextSystem(system.det, system.rec, options=options).read(draw_page(LINES))
    assert texts(page) == texts(system.read(draw_page(LINES)))
    for line in page.lines:
        assert "".join(word.text for word in line.words) == line.text.replace(" ", "")
        lefts = [word.polygon[:, 0].min() for word in line.words]
        assert lefts == sorted(lefts)
        for word in line.words:
            assert (word.polygon >= line.polygon.min(axis=0) - 1).all()
            assert (word.polygon <= line.polygon.max(axis=0) + 1).all()


def test_without_being_asked_for_there_are_no_words(system):
    assert all(line.words == () for line in system.read(draw_page(LINES)).lines)


def test_a_long_page_is_sliced_and_no_line_is_lost_or_doubled(system):
    rows = [(20, y, "a line of text") for y in range(30, 6000, 40)]
    image = draw_page(rows, (6040, 400))
    options = SystemOptions(drop_score=0, slice_length=1000)
    page = TextSystem(system.det, system.rec, options=options).read(image)
    assert len(page.lines) == len(rows)
    tops = [line.polygon[:, 1].min() for line in page.lines]
    assert tops == sorted(tops)


def test_a_line_longer_than_the_recogniser_takes_is_read_in_pieces(system):
    image = draw_page([(20, 30, "word " * 90)], (60, 6400))
    options = SystemOptions(drop_score=0, slice_length=0)
    det = ink_detector(limit=6400)
    (line,) = TextSystem(det, system.rec, options=options).read(image).lines
    assert line.polygon[:, 0].max() - line.polygon[:, 0].min() > 4500
    assert len(line.text) > 20


def test_closing_a_stream_early_ends_its_thread(system):
    before = threading.active_count()
    stream = system.stream(PageImage(draw_page(LINES), str(n)) for n in itertools.count())
    assert next(stream).source == "0"
    stream.close()
    assert threading.active_count() == before


def test_an_error_of_the_source_comes_behind_its_pages(system):
    def pages():
        yield PageImage(draw_page(LINES), "first")
        raise OSError("disk on fire")

    stream = system.stream(pages())
    assert next(stream).source == "first"
    with pytest.raises(OSError, match="fire"):
        next(stream)


def test_two_threads_read_with_one_system(system):
    images = [draw_page(LINES[:n]) for n in (1, 2, 3, 4)]
    expected = [texts(system.read(image)) for image in images]
    with ThreadPoolExecutor(2) as pool:
        assert [texts(page) for page in pool.map(system.read, images * 5)] == expected * 5


def test_a_batch_that_fails_harms_only_the_page_whose_line_it_is(system, monkeypatch):
    run = system.rec.backend.run

    def fails_on_black(inputs):
        if (inputs["x"] < 0).mean(axis=(1, 2, 3)).max() > 0.4:
            raise PpocrError("the engine fails")
        return run(inputs)

    good = draw_page([LINES[0], LINES[1]])
    bad = good.copy()
    bad[95:130, 20:300] = 0  # a black bar instead of a word
    monkeypatch.setattr(system.rec.backend, "run", fails_on_black)
    first, second, third = system.stream([PageImage(image, "") for image in (good, bad, good)])
    assert len(first.lines) == len(third.lines) == 2
    assert isinstance(second, PageProblem)
    assert second.problem.detail == "the engine fails"


def test_lines_read_in_streams_are_those_read_in_batches(system, monkeypatch):
    images = [draw_page(LINES[:n]) for n in (4, 0, 2)]
    expected = [texts(system.read(image)) for image in images]
    monkeypatch.setattr(system.rec.backend, "streams", 2)
    read = list(system.stream(PageImage(image, "") for image in images))
    assert [texts(page) for page in read] == expected
    assert [line.row for line in read[0].lines] == [0, 1, 1, 2]


def test_a_recogniser_reads_as_many_lines_at_once_as_there_are_processors():
    options = line_runtime(RuntimeOptions(cpu_threads=4))
    assert options.streams == 4 and options.cached_kernels > 0
    assert line_runtime(RuntimeOptions(use_gpu=True)).streams == 1
