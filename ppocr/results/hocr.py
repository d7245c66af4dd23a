"""Lines of pages as hOCR, the format of OCR results in XHTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from ppocr.results.lines import TextLine, bounds

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters XML cannot hold
_UPRIGHT = 45  # degrees up to which a line counts as horizontal


def hocr_document(pages: Iterable[str]) -> str:
    """Return an hOCR document of pages as `hocr_page` makes them."""
    capabilities = "ocr_page ocr_carea ocr_line ocrx_word"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<title></title>\n'
        '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
        '<meta name="ocr-system" content="ppocr"/>\n'
        f'<meta name="ocr-capabilities" content="{capabilities}"/>\n'
        "</head>\n<body>\n" + "".join(pages) + "</body>\n</html>\n"
    )


def hocr_page(lines: Sequence[TextLine], size: tuple[int, int], source: str, place: int) -> str:
    """Return the element of a page.

    Args:
        lines: in reading order.
        size: width and height of its image.
        source: what names the image.
        place: of the page in the document, from 0.
    """
    name = source.replace("\\", "\\\\").replace('"', '\\"')
    title = f'image "{name}"; bbox 0 0 {size[0]} {size[1]}; ppageno {place}'
    return "".join([f"<div class='ocr_page' id='page_{place + 1}' title={_attribute(title)}>\n", *_areas(lines, place)])


def _areas(lines: Sequence[TextLine], place: int) -> Iterator[str]:
    number = 0
    for area, (_, group) in enumerate(groupby(lines, key=lambda line: line.block), start=1):
        block = list(group)
        box = bounds(np.concatenate([line.polygon for line in block]))
        yield f" <div class='ocr_carea' id='block_{place + 1}_{area}' title='{_box(box)}'>\n"
        for line in block:
            number += 1
            yield from _line(line, f"{place + 1}_{number}")
        yield " </div>\n"
    yield "</div>\n"


def _line(line: TextLine, name: str) -> Iterator[str]:
    yield f"  <span class='ocr_line' id='line_{name}' title='{_box(bounds(line.polygon))}{_direction(line)}'>\n"
    confidence = round(100 * min(max(line.confidence, 0.0), 1.0))
    for number, word in enumerate(line.located_words, start=1):
        title = f"{_box(bounds(word.polygon))}; x_wconf {confidence}"
        yield f"   <span class='ocrx_word' id='word_{name}_{number}' title='{title}'>{_text(word.text)}</span>\n"
    yield "  </span>\n"


def _direction(line: TextLine) -> str:
    """Return the properties of a line's direction: slope and offset of its baseline, or else its rotation."""
    degrees = line.degrees
    if abs(degrees) > _UPRIGHT:
        return f"; textangle {round(degrees / 90) * 90 % 360}"
    (right, right_y), (left, left_y) = line.corners[2:]
    slope = (right_y - left_y) / max(right - left, 1)
    box_left, _, _, bottom = bounds(line.polygon)
    offset = left_y + slope * (box_left - left) - bottom
    return f"; baseline {round(slope, 3):g} {round(offset):d}"


def _box(box: Sequence[int]) -> str:
    return f"bbox {' '.join(str(max(0, side)) for side in box)}"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
