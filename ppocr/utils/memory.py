"""Keeping freed memory instead of giving it back to the system for every image."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_LARGEST_IN_HEAP = 32 << 20  # bytes; glibc takes no more
_KEPT = 256 << 20  # bytes of free memory at the end of the heap that are kept


def keep_freed_memory() -> bool:
    """Let this process reuse the memory of images and maps it is done with.

    By default glibc returns blocks of their size to the system and gets them back page by page, which costs more
    than most of what is done to the pixels: drawing the shrink map of a 640 x 640 image takes 1.8 ms instead of 0.5.

    Returns:
        Whether that was possible: only Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    tune = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if tune is None:
        return False
    return bool(tune(_M_MMAP_THRESHOLD, _LARGEST_IN_HEAP)) and bool(tune(_M_TRIM_THRESHOLD, _KEPT))
