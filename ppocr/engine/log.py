"""The logger "ppocr": plain lines on stdout and in train.log, a progress bar on a terminal."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any

from ppocr.utils.text import one_line

LOGGER = "ppocr"
LOG_FILE = "train.log"
_FORMAT = "[%(asctime)s] ppocr %(levelname)s: %(message)s"
_DATES = "%Y/%m/%d %H:%M:%S"
_HELD = 100_000  # lines; more than any start logs


def get_logger() -> logging.Logger:
    """Return the logger all engine messages go through."""
    return logging.getLogger(LOGGER)


def set_up_logging(*, rank: int = 0, hold: bool = False) -> logging.Logger:
    """Send log lines to stdout; ranks other than 0 only report errors, on stderr.

    Calling it again replaces what an earlier call set up.

    Args:
        rank: this process among those training together.
        hold: keep the lines for the file that `log_into` opens later.
    """
    logger = get_logger()
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    logger.setLevel(logging.INFO)
    if rank != 0:
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.ERROR)
        _add(logger, handler)
        return logger
    _add(logger, _console_handler())
    if hold:
        _add(logger, logging.handlers.MemoryHandler(_HELD, flushLevel=logging.CRITICAL + 1, flushOnClose=False))
    return logger


def log_into(folder: Path) -> logging.FileHandler:
    """Append log lines to `train.log` in a folder from now on, those held so far first."""
    logger = get_logger()
    handler = logging.FileHandler(Path(folder) / LOG_FILE, mode="a", encoding="utf-8")
    _add(logger, handler)
    for held in [h for h in logger.handlers if isinstance(h, logging.handlers.MemoryHandler)]:
        held.setTarget(handler)
        held.flush()
        logger.removeHandler(held)
        held.close()
    return handler


class _Harmless(logging.Formatter):
    """Writes what a file name or a label brought into a message so that it does nothing to a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or the lines where the message has several."""
        return "\n".join(map(one_line, super().format(record).split("\n")))


def _add(logger: logging.Logger, handler: logging.Handler) -> None:
    if handler.formatter is None:
        handler.setFormatter(_Harmless(_FORMAT, _DATES))
    logger.addHandler(handler)


def close_log() -> None:
    """Close `train.log`, and drop the lines held for one that was never opened."""
    logger = get_logger()
    for handler in [h for h in logger.handlers if isinstance(h, (logging.FileHandler, logging.handlers.MemoryHandler))]:
        logger.removeHandler(handler)
        handler.close()


def log_to_file(message: str) -> None:
    """Write an error to train.log alone, if it is open: the command prints it on the terminal itself."""
    record = logging.LogRecord(LOGGER, logging.ERROR, "", 0, message, None, None)
    for handler in get_logger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def on_terminal() -> bool:
    """Return whether stdout is a terminal that can show a moving bar."""
    return sys.stdout.isatty()


def _console_handler() -> logging.Handler:
    """Return the stdout handler: one that leaves a progress bar intact on a terminal, else a plain one."""
    if on_terminal():
        try:
            from rich.logging import RichHandler
        except ImportError:
            return logging.StreamHandler(sys.stdout)
        handler = RichHandler(console=console(), show_path=False, markup=False, highlighter=None)
        handler.setFormatter(_Harmless("%(message)s"))
        return handler
    return logging.StreamHandler(sys.stdout)


_CONSOLE: list[Any] = []


def console() -> Any:
    """Return the one rich console that log lines and the progress bar share."""
    if not _CONSOLE:
        from rich.console import Console

        _CONSOLE.append(Console(file=sys.stdout))
    return _CONSOLE[0]


def shown(text: Any, limit: int = 60) -> str:
    """Return text that came from outside as one harmless line: quoted, control characters escaped, cut.

    Args:
        text: a label, a prediction or a path.
        limit: characters kept.
    """
    quoted = repr(text)  # escapes all that is not printable, bidirectional overrides included
    return quoted if len(quoted) <= limit else quoted[: limit - 2] + "…" + quoted[-1]
