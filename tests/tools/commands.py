"""Commands as users call them, in this process."""

from __future__ import annotations

import sys
from unittest import mock

from ppocr import commands


def run_command(name: str, *arguments: object) -> int:
    """Run a command with arguments and return its exit code."""
    argv = mock.patch.object(sys, "argv", [name, *map(str, arguments)])
    with argv, mock.patch("logging.basicConfig"):  # it would keep the streams of one test
        return commands.run(name)
