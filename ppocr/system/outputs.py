"""What is written of pages as they are read: texts, JSON, Markdown, hOCR, searchable PDF and pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from ppocr.errors import ConfigError, DataError
from ppocr.results import Page, pages_to_hocr
from ppocr.results.page_pdf import PdfWriter
from ppocr.system.page_result import PageResult, written
from ppocr.system.pages import PAGE_SUFFIXES

STDOUT = "-"


class Output(Protocol):
    """Takes pages one by one; used as a context, which ends what is written."""

    def add(self, page: PageResult) -> None:
        """Write a page."""


def outputs(wanted: Mapping[str, Any], texts: Sequence[str]) -> Sequence[AbstractContextManager[Output]]:
    """Return what writes the results that are wanted; texts to stdout where nothing else goes there.

    Args:
        wanted: file by the name of each kind of result, `STDOUT` for the stream, None where it is not wanted.
        texts: names of those that may go to stdout.

    Raises:
        ConfigError: two results go to stdout, or a file is one that pages are read from.
    """
    places = {name: wanted[name] for name in texts if wanted.get(name)}
    for name, place in {**places, "pdf": wanted.get("pdf")}.items():
        if place and Path(place).suffix.lower() in PAGE_SUFFIXES and (name != "pdf" or place in wanted["pages"]):
            raise ConfigError(f"--{name}={place} would write over a page", f"--{name} stands behind the pages")
    shown = [name for name, place in places.items() if place == STDOUT]
    if len(shown) > 1:
        raise ConfigError(f"--{' and --'.join(shown)} both go to stdout", "give one of them a file: --json=FILE")
    if not shown:
        places["text"] = places.get("text", STDOUT) if not places and not wanted.get("pdf") else places.get("text")
    found = [_text(TEXT_WRITERS[name], place) for name, place in places.items() if place]
    if wanted.get("pdf"):
        found.append(_pdf(wanted["pdf"]))
    if wanted.get("draw"):
        found.append(_pictures(wanted["draw"]))
    return found


class _Text:
    """Writes each page as text, with what stands before the first, between two and behind the last."""

    between, end = "\n\f", "\n"
    start = ""

    def __init__(self) -> None:
        self.number = 0

    def page(self, page: Page) -> str:
        """Return the text of a page."""
        return page.to_text()

    def piece(self, page: Page) -> str:
        """Return the text of a page with what stands before it."""
        self.number += 1
        return (self.between if self.number > 1 else self.start) + self.page(page)


class _Markdown(_Text):
    between = "\n\n---\n\n"

    def page(self, page: Page) -> str:
        """Return the Markdown of a page."""
        return page.to_markdown()


class _Json(_Text):
    start, between, end = "[\n", ",\n", "\n]\n"

    def page(self, page: Page) -> str:
        """Return the JSON of a page in a line."""
        return page.to_json()


class _Hocr(_Text):
    end = ""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[Page] = []

    def piece(self, page: Page) -> str:
        """Keep a page: the document is written when its last page is known."""
        self.number += 1
        plain = Page(page.lines, page.height, page.width, page.source, page.number, page.angle)
        self.pages.append(plain)  # without its picture
        return ""


TEXT_WRITERS = {"text": _Text, "json": _Json, "markdown": _Markdown, "hocr": _Hocr}


class _Stream:
    def __init__(self, writer: _Text, file: Any) -> None:
        self.writer, self.file = writer, file

    def add(self, page: PageResult) -> None:
        """Write a page at once."""
        self.file.write(self.writer.piece(page))
        self.file.flush()

    def end(self) -> None:
        """Write what ends the document."""
        if isinstance(self.writer, _Hocr):
            self.file.write(pages_to_hocr(self.writer.pages))
        elif self.writer.number:
            self.file.write(self.writer.end)
        self.file.flush()


@contextmanager
def _text(kind: type[_Text], place: str) -> Iterator[Output]:
    if place == STDOUT:
        stream = _Stream(kind(), sys.stdout)
        yield stream
        stream.end()
        return
    try:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        with Path(place).open("w", encoding="utf-8", newline="\n") as file:
            stream = _Stream(kind(), file)
            yield stream
            stream.end()
    except OSError as error:
        raise DataError(f"{place}: cannot be written: {error.strerror or error}") from error


class _Pdf:
    def __init__(self, writer: PdfWriter) -> None:
        self.writer = writer

    def add(self, page: PageResult) -> None:
        """Add a page."""
        self.writer.add(page.image, page.lines)


@contextmanager
def _pdf(place: str) -> Iterator[Output]:
    with PdfWriter() as writer:
        yield _Pdf(writer)
        written(Path(place), writer.content())


class _Pictures:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.places: set[Path] = set()

    def add(self, page: PageResult) -> None:
        """Write the picture of a page.

        Raises:
            DataError: the folder cannot be written.
        """
        self.places.add(page.save_to_img(self.folder, taken=self.places))


@contextmanager
def _pictures(folder: str) -> Iterator[Output]:
    yield _Pictures(folder)
