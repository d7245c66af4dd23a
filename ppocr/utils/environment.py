"""Checked reading of environment variables that hold numbers."""

from __future__ import annotations

import os

from ppocr.errors import PpocrError

# Smallest value of each; Paddle reads the first two at import and fails with a traceback.
LEAST = {"PADDLE_TRAINERS_NUM": 1, "PADDLE_TRAINER_ID": 0, "PPOCR_THREADS": 0}


def whole_number(name: str, default: int) -> int:
    """Return the value of an environment variable of `LEAST`, or the default if it is unset or empty.

    Raises:
        PpocrError: it is no whole number, or too small.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < LEAST[name]:
        raise PpocrError(
            f"environment variable {name}={text!r}: expected a whole number, at least {LEAST[name]}",
            f"unset {name}, or leave it to `python -m paddle.distributed.launch`"
            if name.startswith("PADDLE_")
            else f"unset {name}",
        )
    return int(text)


def check_environment() -> None:
    """Check the variables of `LEAST` before Paddle reads them.

    Raises:
        PpocrError: a value that is no whole number, or too small.
    """
    for name, least in LEAST.items():
        whole_number(name, least)
