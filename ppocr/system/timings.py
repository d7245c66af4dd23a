"""Where the time of reading pages goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

STAGES = ("orientation", "resize", "det", "postprocess", "crop", "cls", "rec_resize", "rec", "decode")


@dataclass
class Timings:
    """Seconds spent in each stage, summed over threads: stages of several pages overlap.

    Args:
        seconds: by stage, those of `STAGES`.
        pages: how many were read.
        lines: how many were recognised.
    """

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    pages: int = 0
    lines: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self.seconds[name] += spent

    def count(self, pages: int = 0, lines: int = 0) -> None:
        """Add to the numbers of pages and lines."""
        with self._lock:
            self.pages += pages
            self.lines += lines

    def reset(self) -> None:
        """Start again."""
        with self._lock:
            self.seconds.update(dict.fromkeys(STAGES, 0.0))
            self.pages = self.lines = 0
