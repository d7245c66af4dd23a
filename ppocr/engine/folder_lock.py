"""Noticing that another run is writing into an output folder: a lock on its log, which ends with the process."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ppocr.engine.log import LOG_FILE
from ppocr.errors import PpocrError

try:
    import fcntl
except ImportError:  # Windows has no such locks: there two runs in one folder go unnoticed
    fcntl = None  # type: ignore[assignment]


def hold_folder(log: Any) -> None:
    """Mark a folder as in use until this process ends or closes the log, however that comes.

    Args:
        log: the open log file. Its lock belongs to the process: data workers do not inherit it.
    """
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.lockf(log, fcntl.LOCK_EX | fcntl.LOCK_NB)


def refuse_in_use(folder: Path) -> None:
    """Refuse a folder that another run is writing into: each would replace the other's checkpoints.

    Raises:
        PpocrError: there is one.
    """
    if fcntl is None:
        return
    try:
        with open(folder / LOG_FILE, "r+b") as log:
            fcntl.lockf(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PpocrError(
            f"Global.save_model_dir: another run is writing into {folder}",
            "wait until it has ended, or choose another folder with -o Global.save_model_dir=DIR",
        ) from error
    except OSError:
        return  # no log, or a file system without locks: no run to be seen
