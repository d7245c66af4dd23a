"""The images a page reader starts from: whatever names or holds pages becomes a stream of them."""

from __future__ import annotations

import functools
import io
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.deploy.images import SUFFIXES, list_images
from ppocr.errors import DataError, SampleError, one_sample
from ppocr.errors import one_line as shortened
from ppocr.system.ahead import read_ahead
from ppocr.system.frames import ANIMATED, TIFF, Numbered, animation_frames, tiff_pages, video_frames
from ppocr.system.pdf import pdf_pages
from ppocr.system.pixels import from_pillow, to_bgr
from ppocr.utils.image_io import MAX_IMAGE_PIXELS, check_size, decode_image, read_image_bytes
from ppocr.utils.image_size import image_size
from ppocr.utils.text import one_line

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
PAGE_SUFFIXES = (*SUFFIXES, ".jp2", ".pdf", *VIDEO_SUFFIXES)

_PDF_HEAD = 1024  # bytes within which PDFium looks for the mark of a PDF
_PDF_MARK = b"%PDF-"
_BYTES_PER_PIXEL = 8  # of the largest file: 16 bits in four channels, not compressed

Source = Any  # of what `read_pages` takes, which has no common type


@dataclass(frozen=True)
class PageImage:
    """The picture of a page.

    Args:
        image: uint8 [H, W, 3], blue-green-red.
        source: path of the file, or the number of what was given without one.
        number: of the page or frame in its file, from 0; None where the file is one image.
        dpi: pixels per inch of a rendered PDF page; 0 where unknown.
    """

    image: np.ndarray
    source: str
    number: int | None = None
    dpi: float = 0

    @property
    def nbytes(self) -> int:
        """Its size in memory, in bytes."""
        return self.image.nbytes


@dataclass(frozen=True)
class PageProblem:
    """A page that cannot be read, or a file of which no page can.

    Args:
        source: as of `PageImage`.
        number: of the page; None for the whole file.
        problem: what is wrong with it.
    """

    source: str
    number: int | None
    problem: SampleError

    nbytes = 0  # as of a page

    def __str__(self) -> str:
        page = "" if self.number is None else f", page {self.number + 1}"
        return shortened(f"{one_line(self.source)}{page}: {self.problem}")


@dataclass(frozen=True)
class _Options:
    """Those of `read_pages`."""

    page_num: int
    dpi: int
    every_frame: int
    max_pixels: int


def read_pages(
    source: Source,
    *,
    page_num: int = 0,
    dpi: int = 0,
    every_frame: int = 0,
    threads: int = 2,
    max_pixels: int = MAX_IMAGE_PIXELS,
) -> Iterator[PageImage | PageProblem]:
    """Return the pages of a source one by one, each decoded once; a few are read ahead.

    Args:
        source: path of an image, PDF or video; folder, searched to any depth and sorted; pattern (`scans/*.png`);
            text file that lists paths; the content of an image or PDF as bytes or as a file object; an array as
            `to_bgr` takes it; a Pillow image, as its current frame; or an iterable of all these. What a path holds
            is found by its content.
        page_num: read only the first so many pages or frames of each file; 0 for all.
        dpi: resolution of rendered PDF pages, see `pdf_pages`.
        every_frame: read every so manieth frame of animations and videos; 0 for the first of an animation and one a
            second of a video.
        threads: files that are read at once, in a thread each; 0 reads in the caller's thread.
        max_pixels: width x height of the largest page.

    Yields:
        `PageImage`, or `PageProblem` for pages and files that cannot be read.

    Raises:
        DataError: the path, folder, pattern or list is missing or has nothing to read.
    """
    options = _Options(page_num, dpi, every_frame, max_pixels)
    makers = (functools.partial(_checked, name, item, options) for name, item in _items(source))
    return read_ahead(makers, threads)


def _items(source: Source) -> Iterable[tuple[str, Any]]:
    """Return what is read, each with its name: paths, contents, arrays or images."""
    if isinstance(source, (str, Path)):
        return [(path, path) for path in list_images(source, suffixes=PAGE_SUFFIXES)]
    if isinstance(source, (bytes, bytearray, memoryview, np.ndarray)) or hasattr(source, "read") or _is_pillow(source):
        return [(_name(source, 0), source)]
    if not isinstance(source, Iterable):
        raise DataError(f"{type(source).__name__}: no path, image, file object or list of them")
    return _items_of_many(source)


def _items_of_many(sources: Iterable[Source]) -> Iterator[tuple[str, Any]]:
    for number, source in enumerate(sources):
        try:
            items = _items(source)
        except DataError as error:  # the others are read all the same
            items = [(str(source), SampleError("missing_file", error.message))]
        for name, item in items:
            yield (_name(item, number) if item is source else name), item


def _name(item: Any, number: int) -> str:
    """Return the path of a path or of a file object that has one, or else a number."""
    name = item if isinstance(item, (str, Path)) else getattr(item, "filename", None) or getattr(item, "name", None)
    return str(name) if isinstance(name, (str, Path)) and str(name) else str(number)


def _is_pillow(item: Any) -> bool:
    return hasattr(item, "getbands") and hasattr(item, "convert")


def _checked(name: str, item: Any, options: _Options) -> Iterator[PageImage | PageProblem]:
    """Yield the pages of one item, and what is wrong where they end."""
    try:
        with one_sample():
            yield from itertools.islice(_pages(name, item, options), options.page_num or None)
    except SampleError as problem:
        yield PageProblem(name, None, problem)


def _pages(name: str, item: Any, options: _Options) -> Iterator[PageImage | PageProblem]:
    if isinstance(item, SampleError):
        raise item
    if isinstance(item, np.ndarray):
        yield PageImage(to_bgr(item), name)
    elif _is_pillow(item):
        check_size(item.size, options.max_pixels)
        yield PageImage(from_pillow(item), name)
    else:
        for number, page in _numbered(item, options):
            if isinstance(page, SampleError):
                yield PageProblem(name, number, page)
            elif isinstance(page, tuple):
                yield PageImage(page[0], name, number, page[1])
            else:
                yield PageImage(page, name, number)


def _numbered(item: Any, options: _Options) -> Iterator[Numbered | tuple[int, tuple[np.ndarray, float]]]:
    """Yield the pages of a file by what it holds; PDF, TIFF and video are never in memory as a whole."""
    path = item if isinstance(item, (str, Path)) else None
    data = b"" if path else _content(item)
    head = _head(path) if path else data[:_PDF_HEAD]
    suffix = Path(path).suffix.lower() if path else ""
    if suffix == ".pdf" or (_PDF_MARK in head and image_size(head) is None):
        pages = pdf_pages(path or data, dpi=options.dpi, page_num=options.page_num, max_pixels=options.max_pixels)
        yield from enumerate(pages)
    elif head.startswith(TIFF):
        with open(path, "rb") if path else io.BytesIO(data) as file:
            yield from tiff_pages(file, options.max_pixels)
    elif path and suffix in VIDEO_SUFFIXES:
        yield from video_frames(path, options.every_frame, options.max_pixels)
    else:
        data = _bounded(path, options.max_pixels) if path else data
        if head.startswith(ANIMATED):
            yield from animation_frames(data, options.every_frame, options.max_pixels)
        else:
            yield None, decode_image(data, max_pixels=options.max_pixels)


def _content(item: Any) -> bytes:
    content = item.read() if hasattr(item, "read") else item
    if isinstance(content, str):
        raise SampleError("undecodable", "the file is open as text; open it with mode 'rb'")
    return bytes(content)


def _head(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_PDF_HEAD)
    except (OSError, ValueError) as error:  # the latter: an invalid file name
        raise SampleError("missing_file", f"{getattr(error, 'strerror', None) or error}") from None


def _bounded(path: str | Path, max_pixels: int) -> bytes:
    size, most = os.path.getsize(path), _BYTES_PER_PIXEL * max_pixels
    if size > most:
        raise SampleError("too_large", f"a file of {size} bytes; one image may have {most}")
    return read_image_bytes(path)
