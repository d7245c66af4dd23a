"""Iterators that run in threads ahead of who reads them, in order and within bounds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What has a size in memory."""

    @property
    def nbytes(self) -> int:
        """In bytes."""


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
    running: deque[_Ahead[T]] = deque()
    try:
        for make in makers:
            running.append(_Ahead(make))
            if len(running) == threads:
                yield from running[0]
                running.popleft()
        while running:
            yield from running[0]
            running.popleft()
    finally:
        for ahead in running:
            ahead.close()


class _Ahead(Generic[T]):
    """An iterator that runs in a thread of its own."""

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self._make = make
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = self._ended = False
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="read-ahead", daemon=True).start()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Let the thread end with the item it is making."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        iterator = self._make()
        try:
            for item in iterator:
                with self._changed:
                    self._changed.wait_for(lambda size=item.nbytes: self._has_room(size))  # type: ignore[misc]
                    if self._closed:
                        break
                    self._items.append(item)
                    self._changed.notify_all()
                del item  # the next one is made while the reader has this one
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the reader
            self._error = error
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        held = sum(item.nbytes for item in self._items)
        return self._closed or not held or (len(self._items) < WAITING and held + size <= WAITING_BYTES)
