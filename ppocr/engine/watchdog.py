"""Noticing that a rank died or failed, so that the others end with its cause instead of waiting for ever.

A thread in every rank beats a counter in a store that rank 0 serves. Rank 0 watches all, the others watch
rank 0; whoever sees a failure, a silence or the launcher gone ends its own process.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from typing import Any

from paddle.base import core

BEAT_SECONDS = 2.0
SILENT_BEATS = 18  # own beats without one from a watched rank: 36 s, counted in beats so that suspending is no death
GRACE_SECONDS = 20.0  # what a rank gets to save and leave after its launcher is gone
EXIT_CODE = 1


class Watchdog:
    """Watches the other ranks from a thread.

    Args:
        world: this rank and the number of ranks; must offer `rank`, `size` and `from_first`.
        host: address of rank 0's machine.
    """

    def __init__(self, world: Any, host: str) -> None:
        self.rank = world.rank
        self.size = world.size
        port = world.from_first(_free_port())
        self._store = core.TCPStore(host, port, self.rank == 0, self.size, 60)
        self._stopped = threading.Event()
        self._parent = os.getppid()
        self._seen = {rank: (0, 0) for rank in self._watched()}  # rank -> (beats of it, own beats since)
        self._lock = threading.Lock()
        self.orphaned = False
        self._thread = threading.Thread(target=self._run, name="ppocr-watchdog", daemon=True)
        self._thread.start()

    def _watched(self) -> list[int]:
        return [r for r in range(self.size) if r != self.rank] if self.rank == 0 else [0]

    def stop(self) -> None:
        """Stop watching; called when all ranks have finished."""
        self._stopped.set()
        self._thread.join(timeout=5 * BEAT_SECONDS)

    def report(self, cause: str) -> None:
        """Tell the others why this rank fails, and give them time to read it before this process ends."""
        self._stopped.set()
        with contextlib.suppress(RuntimeError, ValueError), self._lock:
            self._store.set("cause", f"rank {self.rank}: {cause}")
            self._store.add("failed", 1)
        time.sleep(1.5 * BEAT_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            if os.getppid() != self._parent:
                self._leave_orphaned()
            try:
                cause = self._beat()
            except (RuntimeError, ValueError) as error:
                cause = "" if self._stopped.is_set() else f"rank 0 is gone ({str(error).strip().splitlines()[0]})"
            if cause and not self._stopped.is_set():
                self._end(cause)

    def _beat(self) -> str:
        """Beat once and look at the watched ranks; return what is wrong, or ""."""
        with self._lock:
            self._store.add(f"beat{self.rank}", 1)
            if self._store.add("failed", 0) > 0:
                return self._store.get("cause").decode("utf-8", "replace")
            for rank, (last, silent) in self._seen.items():
                now = self._store.add(f"beat{rank}", 0)
                self._seen[rank] = (now, 0 if now != last else silent + 1)
                if self._seen[rank][1] >= SILENT_BEATS:
                    return f"rank {rank} has been silent for {SILENT_BEATS * BEAT_SECONDS:.0f} s: it died or hangs"
        return ""

    def _leave_orphaned(self) -> None:
        """The launcher died: let the loop save and stop, and end for it if it cannot."""
        if not self.orphaned:
            self.orphaned = True
            threading.Timer(GRACE_SECONDS, self._end, ["the launcher is gone"]).start()

    def _end(self, cause: str) -> None:
        """End this process now: its main thread may wait inside a collective that never completes."""
        if self._stopped.is_set():
            return
        with contextlib.suppress(OSError, ValueError):
            print(f"ppocr: rank {self.rank} ends because another process failed: {cause}", file=sys.stderr, flush=True)
        os._exit(EXIT_CODE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
