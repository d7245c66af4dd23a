"""ppocr: a config-driven toolkit that trains, evaluates, exports and runs OCR models on PaddlePaddle."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["OCR", "PaddleOCR", "__version__"]  # noqa: F822 - the classes are imported when they are asked for


def __getattr__(name: str) -> Any:
    """Return `OCR` or `PaddleOCR`, imported when it is asked for: importing this package alone takes no time."""
    if name in ("OCR", "PaddleOCR"):
        return getattr(importlib.import_module("ppocr.system.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
