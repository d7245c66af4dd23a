"""What is read on a page as JSON, text, markdown, hOCR, searchable PDF and picture."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ppocr.results import Page, TextLine, Word, pages_to_hocr, pages_to_markdown, pages_to_pdf, pages_to_text
from ppocr.utils import fonts

XHTML = "{http://www.w3.org/1999/xhtml}"


def box(left, top, right, bottom) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def line(polygon, text, **more) -> TextLine:
    return TextLine(polygon, text, 0.875, 0.75, **more)


LINES = (
    line(box(100, 100, 900, 140), "Hello wide world", row=0, block=0),
    line(box(920, 100, 1000, 140), "end", row=0, block=0),
    line(np.array([[100, 200], [500, 220], [498, 260], [98, 240]]), "漢字かな", row=1, block=0),
    line(box(1100, 300, 1140, 700), "down it runs", row=2, block=1),
    line(box(1200, 300, 1240, 700), "up it runs", row=3, block=1, angle=180),
    line(box(100, 800, 500, 840), "over head", row=4, block=2, angle=180),
    line(box(100, 900, 500, 940), "مرحبا بالعالم", row=5, block=3),
)
PAGE = Page(LINES, 1000, 1300, 'scan "a"&b.pdf', 2)
IMAGE = np.full((1000, 1300, 3), (200, 220, 240), np.uint8)


# JSON and lines


def test_json_has_the_keys_of_the_ecosystem():
    words = (Word("Hello", box(100, 100, 300, 140)), Word("wide", box(320, 100, 500, 140)))
    page = replace(PAGE, lines=(replace(LINES[0], words=words), LINES[4]))
    found = json.loads(page.to_json())
    assert list(found) == [
        *("input_path", "page_index", "model_settings", "dt_polys", "text_det_params", "text_type"),
        *("textline_orientation_angles", "text_rec_score_thresh", "return_word_box", "rec_texts", "rec_scores"),
        *("rec_polys", "rec_boxes", "text_word", "text_word_boxes"),
    ]
    assert found["input_path"] == 'scan "a"&b.pdf' and found["page_index"] == 2
    assert found["rec_texts"] == ["Hello wide world", "up it runs"] and found["rec_scores"] == [0.875, 0.875]
    assert found["rec_boxes"] == [[100, 100, 900, 140], [1200, 300, 1240, 700]]
    assert found["rec_polys"][0] == found["dt_polys"][0] == box(100, 100, 900, 140).tolist()
    assert found["textline_orientation_angles"] == [0, 1]
    assert found["text_word"] == [["Hello", "wide"], []]
    assert found["text_word_boxes"][0] == [[100, 100, 300, 140], [320, 100, 500, 140]]


def test_json_says_what_the_settings_say():
    settings = {
        "model_settings": {"use_textline_orientation": False},
        "text_det_params": {"thresh": 0.3},
        "text_rec_score_thresh": 0.5,
    }
    found = json.loads(Page(LINES, 1000, 1300, angle=90, settings=settings).to_json())
    assert found["textline_orientation_angles"] == [-1] * 7
    assert found["text_det_params"] == {"thresh": 0.3} and found["text_rec_score_thresh"] == 0.5
    assert found["model_settings"] == {"use_doc_preprocessor": True, "use_textline_orientation": False}
    assert found["doc_preprocessor_res"] == {"angle": 90} and "text_word" not in found


def test_a_line_of_the_results_file():
    found = json.loads(PAGE.to_line())
    assert found[2] == {"transcription": "漢字かな", "points": [[100, 200], [500, 220], [498, 260], [98, 240]]}
    assert "漢字" in PAGE.to_line() and "\n" not in PAGE.to_line()


# text and markdown


def test_text_has_rows_as_lines_and_blocks_apart():
    said = "Hello wide world end\n漢字かな\n\ndown it runs\nup it runs\n\nover head\n\nمرحبا بالعالم"
    assert PAGE.to_text() == said
    assert pages_to_text([PAGE, PAGE]) == f"{said}\n\f{said}"
    assert Page((), 10, 10).to_text() == ""


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("# no heading", r"\# no heading"),
        ("1. no list", r"1\. no list"),
        ("- no list", r"\- no list"),
        ("2023 was - fine.", "2023 was - fine."),
        ("a*b_c [d](e) <f> & `g` \\", r"a\*b\_c \[d\](e) \<f\> \& \`g\` \\"),
        ("---", r"\---"),
    ],
)
def test_markdown_shows_the_characters_themselves(text, markdown):
    page = Page((line(box(0, 0, 9, 9), text),), 10, 10)
    assert page.to_markdown() == markdown
    pytest.importorskip("markdown_it")
    from markdown_it import MarkdownIt

    (paragraph,) = re.findall("<p>(.*)</p>\n", MarkdownIt().render(page.to_markdown()))
    import html

    assert html.unescape(paragraph) == text


def test_markdown_has_a_paragraph_for_each_block():
    assert PAGE.to_markdown().split("\n\n")[:2] == ["Hello wide world end\n漢字かな", "down it runs\nup it runs"]
    assert pages_to_markdown([PAGE, PAGE]).count("\n\n---\n\n") == 1


# hOCR


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text[text.index("<html") :])


def elements(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.get("class") == kind]


def test_hocr_is_xml_with_boxes_baselines_and_confidences():
    root = parsed(PAGE.to_hocr())
    (page,) = elements(root, "ocr_page")
    assert page.get("title") == r'image "scan \"a\"&b.pdf"; bbox 0 0 1300 1000; ppageno 0'
    assert [area.get("title") for area in elements(page, "ocr_carea")][:2] == [
        "bbox 98 100 1000 260",
        "bbox 1100 300 1240 700",
    ]
    titles = [found.get("title") for found in elements(page, "ocr_line")]
    assert titles[0] == "bbox 100 100 900 140; baseline 0 0"
    assert titles[2] == "bbox 98 200 500 260; baseline 0.05 -20"
    assert [title.split("; ")[1] for title in titles[3:6]] == ["textangle 270", "textangle 90", "textangle 180"]
    words = elements(page, "ocrx_word")
    assert [word.text for word in words[:3]] == ["Hello", "wide", "world"]
    assert words[0].get("title") == "bbox 100 100 350 140; x_wconf 88"
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(names) == len(set(names))


def test_hocr_holds_any_text():
    page = Page((line(box(0, 0, 9, 9), "<b>\x00&amp;'\"\ud800"),), 10, 10, "<\x01>")
    root = parsed(pages_to_hocr([page, page]))
    assert elements(root, "ocrx_word")[0].text == "<b>\ufffd&amp;'\"\ufffd"
    assert len(elements(root, "ocr_page")) == 2
    assert elements(parsed(Page((), 10, 10).to_hocr()), "ocr_page")


# PDF


def opened(data: bytes):
    pdfium = pytest.importorskip("pypdfium2")
    return pdfium.PdfDocument(data)


def found_at(text_page, text: str, height: int) -> list[int]:
    """Left, top, right and bottom of the first place of a text, in points from the upper left."""
    index, count = text_page.search(text).get_next()
    boxes = np.array([text_page.get_charbox(at, loose=True) for at in range(index, index + count)])
    left, bottom, right, top = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    return [round(left), round(height - top), round(right), round(height - bottom)]


def test_pdf_has_the_texts_at_their_places():
    pytest.importorskip("pypdfium2")
    page = opened(PAGE.to_pdf(IMAGE, dpi=72))[0]
    assert page.get_size() == (1300, 1000)
    text = page.get_textpage()
    for part, place in {
        "Hello": [100, 100, 350, 140],
        "world": [650, 100, 900, 140],
        "漢字かな": [98, 200, 500, 260],
        "down": [1100, 300, 1140, 433],
        "up": [1200, 620, 1240, 700],
        "over": [322, 800, 500, 840],
        "مرحبا": [346, 900, 500, 940],
    }.items():
        assert np.abs(np.subtract(found_at(text, part, 1000), place)).max() <= 3, part
    said = text.get_text_range()
    assert all(line.text in said.replace("\r\n", " ") for line in LINES[:2])
    assert "مرحبا بالعالم" in said


def test_pdf_shows_the_picture_alone():
    image = IMAGE.copy()
    image[300:600, 300:600] = 0
    pytest.importorskip("pypdfium2")
    shown = opened(PAGE.to_pdf(image, dpi=72))[0].render(scale=1).to_numpy()
    assert np.abs(shown.astype(int) - image).mean() < 2


def test_pdf_of_several_pages_and_their_sizes():
    pytest.importorskip("pypdfium2")
    blank = Page((), 20, 30)
    document = opened(pages_to_pdf([(PAGE, IMAGE), (blank, np.zeros((20, 30, 3), np.uint8))], dpi=144))
    assert [page.get_size() for page in document] == [(650, 500), (15, 10)]
    assert "Hello" in document[0].get_textpage().get_text_range()
    assert opened(replace(PAGE, dpi=100).to_pdf(IMAGE))[0].get_size() == (936, 720)
    assert opened(PAGE.to_pdf(IMAGE))[0].get_size() == (468, 360)


def test_pdf_has_every_character():
    pytest.importorskip("pypdfium2")
    text = "".join(map(chr, [*range(0x4E00, 0x4E00 + 300), 0x20000, 0x1F600]))
    page = Page((line(box(0, 0, 1290, 20), text),), 1000, 1300)
    assert opened(page.to_pdf(IMAGE))[0].get_textpage().get_text_range().strip() == text


# pictures


def test_picture_has_the_texts_beside_the_lines():
    picture = PAGE.draw_on(IMAGE)
    assert picture.shape == (1000, 2600, 3) and (IMAGE == (200, 220, 240)).all()
    left, right = picture[:, :1300], picture[:, 1300:]
    for found in LINES:
        (x0, y0), (x1, y1) = found.polygon.min(0), found.polygon.max(0)
        assert (left[(y0 + y1) // 2, (x0 + x1) // 2] != IMAGE[0, 0]).any()
        assert (right[y0 + 2 : y1 - 1, x0 + 2 : x1 - 1] < 100).any(), found.text
    assert (right[400:600, 200:800] == 255).all()
    assert right[802:838, 102:300].min() == 255, "text on its head begins at the right"


def test_picture_of_what_no_font_has_and_of_odd_places(monkeypatch):
    fonts.font_files.cache_clear()
    monkeypatch.setattr(fonts, "font_folders", list)
    lines = (
        line(box(0, 0, 300, 20), "\ue000 \u4e00 \U0010ffff text"),
        line(box(5, 5, 5, 5), "no size"),
        line(box(-50, -20, 20, 10), "partly outside"),
        line(box(4000, 4000, 4100, 4020), "outside"),
        line(box(10, 30, 14, 90), "漢字"),
        line(np.array([[30, 30], [60, 25], [90, 30], [90, 50], [60, 45], [30, 50]]), "curved"),
        line(box(0, 0, 9, 9), ""),
    )
    try:
        assert Page(lines, 100, 320).draw_on(np.zeros((100, 320, 3), np.uint8)).shape == (100, 640, 3)
    finally:
        fonts.font_files.cache_clear()


def test_fonts_of_the_ecosystem_come_first(monkeypatch):
    monkeypatch.setenv("PADDLE_PDX_LOCAL_FONT_FILE_PATH", "a.ttf")
    monkeypatch.setenv("PPOCR_FONT", "b.ttf")
    fonts.font_files.cache_clear()
    assert fonts.font_files()[:2] == ("b.ttf", "a.ttf")
    fonts.font_files.cache_clear()


def test_reading_direction_of_a_line():
    assert cv2.contourArea(LINES[3].corners.astype(np.float32)) > 0
    assert [round(found.degrees) for found in LINES] == [0, 0, -3, -90, 90, 180, 0]
    six = line(np.array([[0, 0], [50, 0], [100, 0], [100, 20], [50, 20], [0, 20]]), "x")
    assert np.abs(six.corners - box(0, 0, 100, 20)).max() < 1
