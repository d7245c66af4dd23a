"""Ending early and cleanly: a signal is only noted, and the loop ends after the step."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from ppocr.errors import PpocrError
from ppocr.utils import signals


class Stopped(PpocrError):
    """Training was asked to stop and saved where it is; exit code 128 + the signal's number."""

    def __init__(self, signum: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signum


class StopSignals:
    """While entered, SIGTERM and SIGINT are noted in `received`; a second SIGINT interrupts at once."""

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for signum in signals.ENDING:
            try:
                self._before[signum] = signal.signal(signum, self._note)
            except ValueError:  # not in the main thread, as in a notebook's worker: nothing to catch there
                break
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT == signum:
            raise KeyboardInterrupt
        self.received = signum
