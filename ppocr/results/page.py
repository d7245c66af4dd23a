"""What is read on a page: as JSON, text, markdown, hOCR, searchable PDF and as a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from ppocr.results.base import Result
from ppocr.results.hocr import hocr_document, hocr_page
from ppocr.results.lines import TextLine, Word, bounds
from ppocr.results.page_pdf import DPI, PdfWriter
from ppocr.results.page_picture import beside_texts

_MARKDOWN = re.compile(r"[\\`*_\[\]<>&|~$]")  # have a meaning anywhere in a line
_LINE_START = re.compile(r"^(?=[-+=#]|\d{1,9}[.)])(\d*)")  # lists, headings and underlines, which only a line begins


@dataclass(frozen=True)
class Page(Result):
    """The lines of text of one image of a page.

    Args:
        lines: in reading order.
        height: of the image the polygons are in, in pixels.
        width: likewise.
        source: path of the file, or what else names the image.
        number: of the page in a file of several, from 0; None where the file is one image.
        angle: degrees clockwise by which the whole page is rotated: 0, 90, 180 or 270.
        settings: of the models that read it, as the ecosystem's JSON records them: `model_settings`,
            `text_det_params`, `text_type`, `text_rec_score_thresh`, `return_word_box`.
        dpi: pixels per inch of its image; 0 where unknown.
    """

    lines: tuple[TextLine, ...]
    height: int
    width: int
    source: str = ""
    number: int | None = None
    angle: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    dpi: float = 0
    described = "texts of pages"

    def to_json(self) -> str:
        """Return all of it, with the ecosystem's keys."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes: values of JSON's types under the ecosystem's keys."""
        given = dict(self.settings)
        model = {"use_doc_preprocessor": bool(self.angle), "use_textline_orientation": True}
        model.update(given.get("model_settings", {}))
        classified = model["use_textline_orientation"]
        polygons = [np.asarray(line.polygon).tolist() for line in self.lines]
        found: dict[str, Any] = {"input_path": self.source, "page_index": self.number, "model_settings": model}
        if model["use_doc_preprocessor"]:
            found["doc_preprocessor_res"] = {"angle": self.angle}
        found |= {
            "dt_polys": polygons,
            "text_det_params": dict(given.get("text_det_params", {})),
            "text_type": given.get("text_type", "general"),
            # classes, not degrees: 1 stands for 180; -1 where no classifier looked
            "textline_orientation_angles": [line.angle // 180 if classified else -1 for line in self.lines],
            "text_rec_score_thresh": given.get("text_rec_score_thresh", 0.0),
            "return_word_box": given.get("return_word_box", any(line.words for line in self.lines)),
            "rec_texts": [line.text for line in self.lines],
            "rec_scores": [round(float(line.confidence), 6) for line in self.lines],
            "rec_polys": polygons,
            "rec_boxes": [bounds(line.polygon) for line in self.lines],
        }
        if found["return_word_box"]:
            found["text_word"] = [[word.text for word in line.words] for line in self.lines]
            found["text_word_boxes"] = [[bounds(word.polygon) for word in line.words] for line in self.lines]
        return found

    def to_line(self) -> str:
        """Return texts and polygons as a line of system_results.txt has them behind the image's name."""
        items = [{"transcription": line.text, "points": np.asarray(line.polygon).tolist()} for line in self.lines]
        return json.dumps(items, ensure_ascii=False)

    def to_text(self) -> str:
        """Return the text in reading order: a line for each row of print, an empty one between blocks."""
        return "\n\n".join("\n".join(rows) for rows in self._blocks())

    def to_markdown(self) -> str:
        """Return the text as paragraphs of markdown, one for each block."""
        return "\n\n".join("\n".join(map(_as_markdown, rows)) for rows in self._blocks())

    def to_hocr(self) -> str:
        """Return an hOCR document (XHTML) of the page."""
        return pages_to_hocr([self])

    def to_pdf(self, image: np.ndarray, dpi: float = 0) -> bytes:
        """Return a searchable PDF of the page; see `pages_to_pdf`.

        Args:
            image: of the page, uint8 [H, W, 3], blue-green-red.
            dpi: its pixels per inch; 0: those of the page.
        """
        return pages_to_pdf([(self, image)], dpi)

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return the image with its lines in colour, and beside it their texts at the same places.

        Args:
            image: of the page, uint8 [H, W, 3], blue-green-red; not changed.

        Returns:
            uint8 [H, 2 W, 3].
        """
        return beside_texts(image, self.lines)

    def _blocks(self) -> list[list[str]]:
        """Return the rows of each block that has any, the lines of a row joined by a space."""
        blocks = []
        for _, lines in groupby(self.lines, key=lambda line: line.block):
            rows = (" ".join(line.text for line in row) for _, row in groupby(lines, key=lambda line: line.row))
            texts = [text for text in rows if text.strip()]
            if texts:
                blocks.append(texts)
        return blocks


def pages_to_text(pages: Iterable[Page]) -> str:
    """Return the text of several pages, with a form feed between them."""
    return "\n\f".join(page.to_text() for page in pages)


def pages_to_markdown(pages: Iterable[Page]) -> str:
    """Return several pages as one document of markdown, with a rule between them."""
    return "\n\n---\n\n".join(page.to_markdown() for page in pages)


def pages_to_hocr(pages: Iterable[Page]) -> str:
    """Return several pages as one hOCR document (XHTML)."""
    return hocr_document(
        hocr_page(page.lines, (page.width, page.height), page.source, place) for place, page in enumerate(pages)
    )


def pages_to_pdf(pages: Iterable[tuple[Page, np.ndarray]], dpi: float = 0) -> bytes:
    """Return a searchable PDF: each page's picture with its texts at their places, invisible, in any script.

    Args:
        pages: with the image of each, uint8 [H, W, 3], blue-green-red.
        dpi: pixels per inch of the images, which the size of the PDF's pages follows from; 0: those of each page, or
            200 where they are unknown.

    Raises:
        PpocrError: the package pypdfium2 is missing.
    """
    with PdfWriter() as writer:
        for page, image in pages:
            writer.add(image, page.lines, dpi or page.dpi or DPI)
        return writer.content()


def _as_markdown(text: str) -> str:
    """Return a row of text with backslashes before what markdown gives a meaning."""
    return _LINE_START.sub(r"\1\\", _MARKDOWN.sub(r"\\\g<0>", text.strip()))


__all__ = ["Page", "TextLine", "Word", "pages_to_hocr", "pages_to_markdown", "pages_to_pdf", "pages_to_text"]
