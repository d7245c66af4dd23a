"""The folder of what can be made again: compiled models, converted ones, what was found out about them."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PPOCR_CACHE"


def cache_path(name: str) -> Path:
    """Return where a folder below PPOCR_CACHE or ~/.cache/ppocr is, or would be.

    Raises:
        RuntimeError: there is no home.
    """
    return Path(os.environ.get(VARIABLE) or Path.home() / ".cache" / "ppocr").expanduser() / name


def cache_folder(name: str) -> Path | None:
    """Return a folder below PPOCR_CACHE or ~/.cache/ppocr, made where it is missing; None where that cannot be.

    Args:
        name: of the folder.
    """
    try:
        folder = cache_path(name)
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    return folder if os.access(folder, os.W_OK) else None
