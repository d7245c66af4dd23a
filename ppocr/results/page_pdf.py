"""Searchable PDF: pictures of pages with their texts at the same places, invisible, written by PDFium."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import io
import threading
import zlib
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from ppocr.errors import PpocrError
from ppocr.results.lines import TextLine, Word, right_to_left

DPI = 200
POINTS = 72  # of an inch
QUALITY = 90  # of the pictures' JPEG
LARGEST = 65_000  # pixels of a side; JPEG has no more than 65,535
LONGEST_PAGE = 14_400  # points of a side that viewers show

# A TrueType font of one glyph, a box half as wide as high: what is not seen needs no shapes, but who selects text is
# shown the boxes. Made with fontTools.fontBuilder: 1000 units per em, glyph order [.notdef], no characters, advance
# 500, ascent 800, descent -200, the glyph's corners (0, -200) and (500, 800).
_FONT = zlib.decompress(
    base64.b64decode(
        "eNqVUD1LA0EQfXt7iUaNGlEJVqdYWIiChaQQRAxCGoXYpNNLPJPA3SXki9iIpYWFP0GwsPEHWPgD8hOsrCzyA06wUM53mxUksXFgdt6b"
        "nX0zOxAAJnAFCevoeHMr+5otAGKN2dOSZ9cxhQPyG/L1sntxLn3xQf5MvlRx7DN7cj9D/EjfrjARWxQbxG/01YrX6oqACOKah+nWSjZj"
        "kvwp4p7drbNvnHyc3PJtz7m/e9gjfyG/rNeaLd7TjEKkh2hW+lc9kzuZ2XmHlH2MWJgRgbQIJAyd4htphZxTTxMopd8mtLapb4wRWSkC"
        "cYsYK/5puzQtYemzN1Ri/Uym+kY/nucpVDSRVnk1URgqH8yYjKL+Ld8spJZTIujJ/md6oBrHoa4USAy2oJTGyISuSKh+wowyc5jV2MA0"
        "VjSOR/mc36k2q0XXyTvltms3kIOPDqpo0otw4SBPL6NNbKPx5waHN45vanhHkA=="
    )
)
_ADVANCE, _DESCENT = 0.5, 0.2  # of an em
_CMAP_ROWS = 100  # a table of a CMap may have no more

_pdfium = threading.RLock()  # PDFium is not for several threads at once


class PdfWriter:
    """Collects pages; used as a context. Only the compressed pictures are held.

    Raises:
        PpocrError: the package pypdfium2 is missing.
    """

    def __init__(self) -> None:
        try:
            import pypdfium2
        except ImportError:
            raise PpocrError("writing PDF needs the package pypdfium2", "pip install pypdfium2") from None
        self._library = pypdfium2
        self._raw = pypdfium2.raw

    def __enter__(self) -> PdfWriter:
        with _pdfium:
            self._document = self._library.PdfDocument.new()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _pdfium:
            self._document.close()

    def add(self, image: np.ndarray, lines: Sequence[TextLine], dpi: float = DPI) -> None:
        """Add a page.

        Args:
            image: its picture, uint8 [H, W, 3], blue-green-red.
            lines: with polygons in the picture's pixels.
            dpi: the picture's pixels per inch.
        """
        height, width = image.shape[:2]
        scale = min(POINTS / dpi, LONGEST_PAGE / max(height, width))
        data = _jpeg(image)
        with _pdfium, contextlib.closing(self._document.new_page(width * scale, height * scale)) as page:
            picture = self._library.PdfImage.new(self._document)
            picture.load_jpeg(io.BytesIO(data), inline=True)
            picture.set_matrix(self._library.PdfMatrix().scale(width * scale, height * scale))
            page.insert_obj(picture)
            self._add_texts(page, lines, scale)
            page.gen_content()

    def content(self) -> bytes:
        """Return the PDF."""
        file = io.BytesIO()
        with _pdfium:
            self._document.save(file)
        return file.getvalue()

    def _add_texts(self, page: Any, lines: Sequence[TextLine], scale: float) -> None:
        placed = [item for line in lines for item in _spaced(line)]
        codes = {c: code for code, c in enumerate(sorted({c for text, _ in placed for c in text}), start=1)}
        if not codes:
            return
        font = self._font(codes)
        try:
            for text, word in placed:
                numbers = [codes[character] for character in text]
                item = self._raw.FPDFPageObj_CreateTextObj(self._document, font, 1.0)
                self._raw.FPDFText_SetCharcodes(item, (ctypes.c_uint32 * len(numbers))(*numbers), len(numbers))
                self._raw.FPDFTextObj_SetTextRenderMode(item, self._raw.FPDF_TEXTRENDERMODE_INVISIBLE)
                matrix = _placed(text, word, page.get_height(), scale)
                self._raw.FPDFPageObj_SetMatrix(item, self._raw.FS_MATRIX(*matrix))
                self._raw.FPDFPage_InsertObject(page, item)
        finally:
            self._raw.FPDFFont_Close(font)

    def _font(self, codes: dict[str, int]) -> Any:
        """Return the font of a page, in which these codes stand for these characters."""
        font = (ctypes.c_uint8 * len(_FONT)).from_buffer_copy(_FONT)
        glyphs = (ctypes.c_uint8 * (2 * len(codes) + 2))()  # of every code: the first and only one
        return self._raw.FPDFText_LoadCidType2Font(
            self._document, font, len(font), _to_unicode(codes), glyphs, len(glyphs)
        )


def _spaced(line: TextLine) -> list[tuple[str, Word]]:
    """Return the words of a line as they are shown from left to right, each with the space that follows it."""
    found, at = [], 0
    for word in line.located_words:
        place = line.text.find(word.text, at)
        at = place + len(word.text) if place >= 0 else at
        space = " " if line.text[at : at + 1].isspace() else ""
        if word.text:
            text = word.text + space
            found.append((text[::-1] if right_to_left(word.text) else text, word))
    return found


def _placed(text: str, word: Word, page_height: float, scale: float) -> tuple[float, ...]:
    """Return the matrix that brings the text of a word, in ems from its baseline's start on, to its box on the page."""
    upper_left, _, lower_right, lower_left = np.asarray(word.polygon, np.float64) * scale
    along = (lower_right - lower_left) / (_ADVANCE * len(word.text))
    up = upper_left - lower_left
    start = lower_left + _DESCENT * up
    if text[0].isspace():  # of a word from right to left; outside the box, as at the right of others
        start = start - _ADVANCE * along
    return along[0], -along[1], up[0], -up[1], start[0], page_height - start[1]


def _to_unicode(codes: dict[str, int]) -> bytes:
    """Return a CMap: which characters the codes stand for, for who searches or copies them."""
    rows = [f"<{code:04X}> <{character.encode('utf-16-be', 'replace').hex()}>" for character, code in codes.items()]
    tables = (rows[start : start + _CMAP_ROWS] for start in range(0, len(rows), _CMAP_ROWS))
    body = "\n".join("\n".join([f"{len(table)} beginbfchar", *table, "endbfchar"]) for table in tables)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{body}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _jpeg(image: np.ndarray) -> bytes:
    """Return a picture as JPEG, in grey where it has no colour."""
    height, width = image.shape[:2]
    shrink = LARGEST / max(height, width)
    if shrink < 1:
        size = max(1, int(width * shrink)), max(1, int(height * shrink))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    blue, green, red = cv2.split(image)
    grey = np.array_equal(blue, green) and np.array_equal(blue, red)
    return cv2.imencode(".jpg", blue if grey else image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
