"""Typed results: what networks and systems of them say of images, and how that is printed, saved and drawn."""

from ppocr.results.base import KINDS, Classification, Detection, OfModels, Recognition, Result
from ppocr.results.page import Page, TextLine, Word, pages_to_hocr, pages_to_markdown, pages_to_pdf, pages_to_text

__all__ = [
    "KINDS",
    "Classification",
    "Detection",
    "OfModels",
    "Page",
    "Recognition",
    "Result",
    "TextLine",
    "Word",
    "pages_to_hocr",
    "pages_to_markdown",
    "pages_to_pdf",
    "pages_to_text",
]
