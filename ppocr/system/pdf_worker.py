"""The process that renders a PDF's pages for `ppocr/system/pdf.py`, so that a hostile one harms nothing but itself.

Call: `python -m ppocr.system.pdf_worker PATH FIRST LAST DPI MAX_PIXELS SECONDS MEGABYTES`; PATH "-" is standard input.
Standard output: a JSON line `{"pages": n}` or `{"reason": ..., "detail": ...}`, then for each page a JSON line
`{"height": h, "width": w, "dpi": d}` with h x w x 3 bytes behind it, blue-green-red, or again a reason with a detail.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import signal
import sys
from typing import Any, BinaryIO

import pypdfium2 as pdfium

POINTS = 72  # of an inch
DPI = 200  # of pages without a scan
LONGEST = 4000  # pixels of the longer side up to which a scan has all its own
OBJECTS = 1000  # of a page, of which one may be its scan
SCAN = 0.3  # of a page's area that a picture must cover to be its scan
LESS = 1 - 1e-5  # sizes in pixels are rounded up, from numbers that are not exact
ENCRYPTED = 4  # PDFium's FPDF_ERR_PASSWORD


def main(arguments: list[str]) -> None:
    """Write the pages to standard output; see the module."""
    path = arguments[0]
    first, last, dpi, max_pixels, seconds, megabytes = map(int, arguments[1:])
    limit_memory(megabytes)
    out = sys.stdout.buffer
    deadline(seconds)
    try:
        document = pdfium.PdfDocument(sys.stdin.buffer.read() if path == "-" else path)
        count = len(document)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == ENCRYPTED:
            say(out, reason="encrypted", detail="the PDF asks for a password")
        else:
            say(out, reason="undecodable", detail=f"not a PDF, or a damaged one: {error}")
        return
    say(out, pages=count)
    with contextlib.suppress(pdfium.PdfiumError):  # a damaged form is no reason against its pages
        document.init_forms()
    for number in range(first, min(last, count)):
        deadline(seconds)
        try:
            bitmap, scale = render(document, number, dpi, max_pixels)
        except (pdfium.PdfiumError, ValueError, MemoryError) as error:
            say(out, reason="undecodable", detail=str(error) or type(error).__name__)
            continue
        deadline(0)  # the reader may take its time
        say(out, height=bitmap.height, width=bitmap.width, dpi=scale * POINTS)
        out.write(memoryview(bitmap.buffer).cast("B"))  # without gaps between the rows
        out.flush()
        bitmap.close()


def render(document: pdfium.PdfDocument, number: int, dpi: int, max_pixels: int) -> tuple[pdfium.PdfBitmap, float]:
    """Return the picture of a page, and its pixels per point: as asked for, or less to keep to a number of pixels.

    Raises:
        ValueError: the page has no size.
        pdfium.PdfiumError: it cannot be loaded.
    """
    page = document[number]
    try:
        width, height = page.get_size()
        if not (0 < width < math.inf and 0 < height < math.inf):
            raise ValueError(f"the page is {width} x {height} points")
        scale = dpi / POINTS if dpi else max(DPI / POINTS, min(scan_scale(page), LONGEST / max(width, height)))
        longest = max_pixels / 2  # rounding up both sides must not double a page that is a hair wide
        scale = min(scale, math.sqrt(max_pixels / (width * height)), longest / width, longest / height)
        while math.ceil(width * scale) * math.ceil(height * scale) > max_pixels:
            scale *= 0.99
        return page.render(scale=scale), scale
    finally:
        page.close()


def scan_scale(page: pdfium.PdfPage) -> float:
    """Return the pixels per point of the finest scan on a page; 0 where it has none."""
    least = SCAN * page.get_width() * page.get_height()
    found = 0.0
    images = page.get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    for image in itertools.islice(images, OBJECTS):
        try:
            left, bottom, right, top = image.get_bounds()
            pixels = math.prod(image.get_px_size())
        except pdfium.PdfiumError:  # a damaged picture
            continue
        area = (right - left) * (top - bottom)
        if area >= least and area > 0:
            found = max(found, math.sqrt(pixels / area))
    return found * LESS


def say(out: BinaryIO, **said: Any) -> None:
    """Write a JSON line."""
    out.write(json.dumps(said).encode() + b"\n")
    out.flush()


def deadline(seconds: int) -> None:
    """End this process if it still runs after some seconds; 0 takes that back. Only where there are signals."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def limit_memory(megabytes: int) -> None:
    """Let this process allocate no more than this; only on systems that have such limits."""
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(ValueError, OSError):  # a lower limit is in force
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


if __name__ == "__main__":
    main(sys.argv[1:])
