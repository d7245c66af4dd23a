"""Pages of a PDF as images, rendered by PDFium in a process of its own with bounds on memory and time."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from ppocr.errors import SampleError
from ppocr.utils.image_io import MAX_IMAGE_PIXELS

SECONDS = 60  # for one page; the slowest real one seen, a scan of 35,000 x 35,000 pixels, takes 3
MEGABYTES = 2048  # of the rendering process; the same scan takes 600
MOST_FAILURES = 3  # after so many pages that ended the process, the rest of the file is given up


def pdf_pages(
    source: str | Path | bytes, *, dpi: int = 0, page_num: int = 0, max_pixels: int = MAX_IMAGE_PIXELS
) -> Iterator[tuple[np.ndarray, float] | SampleError]:
    """Yield the pages of a PDF in their order; at most two of them are in memory.

    Args:
        source: its path, or its content.
        dpi: pixels per inch; 0: 200, or as many as a page's scan has. Pages too large for `max_pixels` are rendered at
            a lower resolution.
        page_num: render only the first so many pages; 0 for all.
        max_pixels: of one page.

    Yields:
        The image of each page, uint8 [H, W, 3] in blue-green-red order, with its pixels per inch; or what is wrong
        with the page.

    Raises:
        SampleError: "missing_file", "encrypted", "undecodable", "too_slow", "crashed": none of it can be read.
    """
    if importlib.util.find_spec("pypdfium2") is None:
        raise SampleError("unreadable", "reading PDF files needs pypdfium2 (pip install pypdfium2)")
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise SampleError("missing_file", f"{source}: no such file")
    done, last, failures = 0, page_num or sys.maxsize, 0
    while failures < MOST_FAILURES:
        with contextlib.closing(_Worker(source, (done, last, dpi, max_pixels))) as worker:
            last = min(last, worker.count())
            try:
                while done < last:
                    done += 1  # a page that ends the process is not tried again
                    yield worker.page()
                return
            except _Ended as problem:
                failures += 1
                yield problem
    if done < last:
        yield SampleError(
            "crashed", f"the rendering ended {failures} times; the other {last - done} pages are not read"
        )


def _import_folders() -> Iterator[str]:
    """Yield the folders from which the process imports what it needs, wherever this one has found that."""
    for module in ("ppocr", "pypdfium2"):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin:
            yield str(Path(spec.origin).parents[1])
    yield from filter(None, [os.environ.get("PYTHONPATH")])


class _Ended(SampleError):
    """The process has ended before its answer."""


class _Worker:
    """A process that renders pages; each of its answers takes at most `SECONDS`."""

    def __init__(self, source: str | Path | bytes, numbers: tuple[int, int, int, int]) -> None:
        """Start it on a path or content; the numbers are first page, last page + 1, resolution, pixels of a page."""
        path = "-" if isinstance(source, bytes) else os.path.abspath(source)
        arguments = [path, *map(str, (*numbers, SECONDS, MEGABYTES))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.pdf_worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_import_folders())},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._out = cast(io.BufferedReader, self._process.stdout)
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:  # reading finds that it has ended
            if isinstance(source, bytes):
                stdin.write(source)

    def count(self) -> int:
        """Return how many pages the file has.

        Raises:
            SampleError: it cannot be read.
        """
        with self._bounded():
            return int(self._answer()["pages"])

    def page(self) -> tuple[np.ndarray, float] | SampleError:
        """Return the next page and its resolution, or what is wrong with it.

        Raises:
            _Ended: it took the process too long, too much memory, or made it crash.
        """
        with self._bounded():
            try:
                answer = self._answer()
            except _Ended:
                raise
            except SampleError as problem:
                return problem
            shape = int(answer["height"]), int(answer["width"]), 3
            pixels = bytearray(math.prod(shape))
            if self._out.readinto(pixels) < len(pixels):
                raise _Ended("crashed", "the process that renders it has ended")
            return np.frombuffer(pixels, np.uint8).reshape(shape), answer["dpi"]

    def _answer(self) -> dict[str, float]:
        line = self._out.readline()
        if not line.endswith(b"\n"):
            raise _Ended("crashed", f"PDFium ended with it, or needed more than {MEGABYTES} MB")
        answer = json.loads(line)
        if "reason" in answer:
            raise SampleError(answer["reason"], answer["detail"])
        return answer

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[None]:
        """End the process if what is done inside takes longer than `SECONDS`."""
        timer = threading.Timer(SECONDS, self._process.kill)
        timer.start()
        try:
            yield
        except _Ended:
            if timer.finished.is_set():
                raise _Ended("too_slow", f"it takes more than {SECONDS} s") from None
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._out.close()
