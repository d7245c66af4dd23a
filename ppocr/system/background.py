"""An iterator that runs in a thread ahead of who reads it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What has a size in memory."""

    @property
    def nbytes(self) -> int:
        """In bytes."""


T = TypeVar("T", bound=Sized)


class Background(Generic[T]):
    """Runs an iterator in a thread; used as a context, whose end ends the thread.

    Args:
        make: makes the iterator, in the thread.
        items: that may wait to be read.
        nbytes: likewise, together; a single item may have more.
    """

    def __init__(self, make: Callable[[], Iterator[T]], items: int, nbytes: int) -> None:
        self._make, self._most, self._most_bytes = make, items, nbytes
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def __enter__(self) -> Background[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def take(self) -> list[T]:
        """Return the items that wait, at least one; none when the iterator has ended.

        Raises:
            Exception: what the iterator raises, behind its last item.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            items = list(self._items)
            self._items.clear()
            self._changed.notify_all()
        if not items and self._error is not None:
            raise self._error
        return items

    def _run(self) -> None:
        try:
            iterator = self._make()
            for item in iterator:
                if not self._put(item):
                    close = getattr(iterator, "close", None)
                    if close is not None:
                        close()
                    break
        except BaseException as error:  # noqa: BLE001 - raised again by `take`
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, item: T) -> bool:
        """Wait for room and add an item; return whether items are still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room(item.nbytes))
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def _has_room(self, nbytes: int) -> bool:
        held = sum(item.nbytes for item in self._items)
        return not self._items or (len(self._items) < self._most and held + nbytes <= self._most_bytes)
