"""A command as a process of its own: one line and exit code 130 whenever it is interrupted, also within an import."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
IMPORTING = "<frozen importlib"  # file name of the frames that import a module


def run(name: str = "") -> NoReturn:
    """Run a command with the arguments of the process, and end the process with its exit code.

    Args:
        name: of the command; where it is empty, the first argument names it.
    """
    signal.signal(signal.SIGINT, interrupt)
    try:
        from ppocr import commands

        code = commands.run(name) if name else commands.main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        leave()
    finally:
        signal.signal(signal.SIGINT, leave)  # nothing is left to do but to end
    sys.exit(code)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but end the process where a module is being imported.

    An extension module turns the exception into an ImportError of its own, with Paddle after sixty lines; and nothing
    has been begun yet.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith(IMPORTING):
            leave()
        frame = frame.f_back
    raise KeyboardInterrupt


def leave(*_: object) -> NoReturn:
    """End the process without what Python and Paddle do at exit, which would only fail in another way."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)
