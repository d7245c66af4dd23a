"""The one place that writes files so that a kill or a full disk leaves the old content or the new one, never half.

New content is written under a temporary name, fsynced, and then renamed over the old one; a rename is durable once the
folder is fsynced too.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ppocr.errors import PpocrError

TEMPORARY = ".tmp"  # ending of files under way; always the same, so that what a kill leaves is replaced


class HashedFile:
    """A file being written whose sha256 and size are known at the end, when it is on the disk.

    Args:
        path: created, or emptied.
    """

    def __init__(self, path: Path) -> None:
        self.file = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self.sha = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        """Append any bytes-like object and return its size in bytes."""
        view = memoryview(data).cast("B")
        self.file.write(view)
        self.sha.update(view)
        self.size += len(view)
        return len(view)

    def __enter__(self) -> HashedFile:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if kind is None:
                self.file.flush()
                os.fsync(self.file.fileno())
        finally:
            self.file.close()


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except (PermissionError, IsADirectoryError):  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def rename(pairs: Iterable[tuple[Path, Path]], folder: Path) -> None:
    """Rename (old, new) in order, replacing what has the new name; then sync the folder of the new names."""
    for old, new in pairs:
        os.replace(old, new)
    sync_folder(folder)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        PpocrError: it cannot be written.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    with _named(path):
        with HashedFile(temporary) as file:
            file.write(data)
        rename([(temporary, path)], path.parent)


@contextlib.contextmanager
def atomic_folder(
    target: Path, order: Callable[[Path], Any] | None = None, *, stale: Sequence[str] = (), hint: str = ""
) -> Iterator[Path]:
    """Give a temporary folder whose files are moved into `target` when the block succeeds; after a failure none is.

    Args:
        target: made where it is missing, and removed again where nothing came into it.
        order: sort key of the moves, for readers that must not find one file before another; by name when None.
        stale: names of files that are removed from `target` before the moves.
        hint: of the error.

    Raises:
        PpocrError: `target` cannot be written.
    """
    made = not target.exists()
    with _named(target, hint):
        target.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=target))
    try:
        yield temporary
        with _named(target, hint):
            for name in stale:
                (target / name).unlink(missing_ok=True)
            rename([(path, target / path.name) for path in sorted(temporary.iterdir(), key=order)], target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if made:
            with contextlib.suppress(OSError):  # not empty: it succeeded
                target.rmdir()


@contextlib.contextmanager
def _named(path: Path, hint: str = "") -> Iterator[None]:
    """Turn a system error into one that names the path."""
    try:
        yield
    except OSError as error:
        raise PpocrError(f"{path}: cannot be written: {error.strerror or error}", hint) from error
