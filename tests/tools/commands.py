"""Commands as users call them, in this process."""

from __future__ import annotations

import logging
import sys
from unittest import mock

from ppocr import commands


def run_command(name: str, *arguments: object) -> int:
    """Run a command with arguments and return its exit code."""
    argv = mock.patch.object(sys, "argv", [name, *map(str, arguments)])
    logger = logging.getLogger("ppocr")
    usable = [h for h in logger.handlers if not getattr(getattr(h, "stream", None), "closed", False)]
    handlers = mock.patch.object(logger, "handlers", usable)  # without those that other tests left behind
    with argv, handlers, mock.patch("logging.basicConfig"):  # it would keep the streams of one test
        return commands.run(name)
