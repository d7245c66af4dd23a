"""The alternate stack that a thread's signal handlers run on."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """Linux's `stack_t`."""

    _fields_ = [("pointer", ctypes.c_void_p), ("state", ctypes.c_int), ("size", ctypes.c_size_t)]


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Leave this thread the alternate signal stack it has, or none, whatever happens inside.

    OpenVINO sets one of the least size the processor's registers took up at that time. Once AMX registers are in use
    (by Paddle's kernels, say) a signal no longer fits: SIGTERM and SIGINT end the process by SIGSEGV.
    """
    if sys.platform != "linux":
        yield
        return
    library, before = ctypes.CDLL(None), _Stack()
    library.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        library.sigaltstack(ctypes.byref(before), None)
