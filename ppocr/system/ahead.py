"""Several iterators, each in a thread ahead of who reads them, in order and within bounds."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ppocr.system.background import Background, Sized

T = TypeVar("T", bound=Sized)

WAITING = 3  # items of each iterator that may wait to be read
WAITING_BYTES = 64 << 20  # likewise, but one item may have more


def read_ahead(makers: Iterable[Callable[[], Iterator[T]]], threads: int) -> Iterator[T]:
    """Yield the items of several iterators, one iterator after the other.

    Args:
        makers: make the iterators. Those of the next few run while the first is read.
        threads: iterators that run at once, in a thread each; 0: in the thread of the reader, when it asks.

    Raises:
        Exception: what an iterator raises, where its next item would be.
    """
    if threads < 1:
        for make in makers:
            yield from make()
        return
    running: deque[Background[T]] = deque()
    with contextlib.ExitStack() as stack:
        for make in makers:
            running.append(stack.enter_context(Background(make, WAITING, WAITING_BYTES)))
            if len(running) == threads:
                yield from _items(running.popleft())
        while running:
            yield from _items(running.popleft())


def _items(background: Background[T]) -> Iterator[T]:
    while items := background.take():
        yield from items
