"""Pages read by several processes, each with models of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ppocr.deploy.images import list_images
from ppocr.errors import ConfigError, PpocrError
from ppocr.system.api import OCR
from ppocr.system.page_result import PageResult
from ppocr.system.pages import PAGE_SUFFIXES, PageProblem

FILES_AHEAD = 2  # of each process: more would hold more results in memory

_parameters: dict[str, Any] = {}  # of a worker's models
_ocr: OCR | None = None  # a worker's models


def read_in_processes(
    source: str | Sequence[str], parameters: Mapping[str, Any], processes: int
) -> Iterator[PageResult | PageProblem]:
    """Yield what is read of each page, in the order of the files.

    Args:
        source: a path, folder or pattern, or several; the files are split over the processes, a PDF is one file.
        parameters: of `OCR`; processor cores are shared out where `cpu_threads` is not given.
        processes: how many.

    Raises:
        ConfigError: there are to be fewer than two.
        DataError: there is nothing at a path.
        PpocrError: a process ended, or its models cannot be opened.
    """
    if processes < 2:
        raise ConfigError(f"total_process_num={processes}: at least 2")
    sources = [source] if isinstance(source, str) else source
    files = [file for each in sources for file in list_images(each, suffixes=PAGE_SUFFIXES)]
    threads = max(1, (os.cpu_count() or 1) // processes)
    given = {"cpu_threads": threads, **parameters}
    context = multiprocessing.get_context("spawn")  # engines do not survive a fork
    pool = ProcessPoolExecutor(min(processes, len(files)), context, initializer=_start, initargs=(given,))
    under_way: deque[Future[list[PageResult | PageProblem]]] = deque()
    try:
        for file in files:
            under_way.append(pool.submit(_read, file))
            if len(under_way) >= processes * FILES_AHEAD:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()
    except BrokenProcessPool as error:
        hint = "it may have run out of memory: lower total_process_num"
        raise PpocrError("a process that reads pages ended unexpectedly", hint) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(parameters: dict[str, Any]) -> None:
    _parameters.update(parameters)


def _read(file: str) -> list[PageResult | PageProblem]:
    """Return what is read of the pages of a file, in a worker."""
    global _ocr
    if _ocr is None:  # here, not at the start: what is wrong with the models is raised where it is waited for
        _ocr = OCR(**_parameters)
    return list(_ocr.stream(file))
