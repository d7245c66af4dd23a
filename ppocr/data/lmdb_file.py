"""Reading LMDB files that may be damaged: an error for what LMDB itself answers with a signal.

LMDB maps the whole file and trusts it. Touching what the file does not hold ends the process, so that its length is
compared when it is opened, and where a value is said to lie before it is copied.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from ppocr.errors import DataError, SampleError


class _Open(NamedTuple):
    """An LMDB that is open, the address its map begins at (0 where the system does not tell), and the file's length."""

    environment: Any
    address: int
    size: int


_open_ones: dict[str, _Open] = {}  # by real path, of the process _owner
_owner = os.getpid()


def get_value(folder: str, key: bytes) -> bytes | None:
    """Return the value of a key, None where there is none.

    Args:
        folder: of the LMDB, which is opened when this process has not done so.
        key: such as b"image-000000001".

    Raises:
        SampleError: "bad_page", the file is damaged there.
        DataError: it cannot be opened at all, or is truncated.
    """
    import lmdb  # here: a data set of files needs no lmdb

    found = _opened(folder)
    try:
        with found.environment.begin(buffers=True) as transaction:
            value = transaction.get(key)
            if value is None or len(value) == 0:
                return value if value is None else b""
            start = np.frombuffer(value, np.uint8).__array_interface__["data"][0] - found.address
            if len(value) <= found.size and (not found.address or 0 <= start <= found.size - len(value)):
                return bytes(value)
            raise SampleError("bad_page", f"{folder}: {key.decode()}: {len(value)} bytes outside of the file")
    except lmdb.Error as error:
        raise SampleError("bad_page", f"{folder}: {key.decode()}: {error}") from None


def _opened(folder: str) -> _Open:
    """Return an LMDB, open once per process: LMDB allows no more, and an open one must not cross a fork."""
    global _owner
    if _owner != os.getpid():
        for inherited in _open_ones.values():
            inherited.environment.close()
        _open_ones.clear()
        _owner = os.getpid()
    path = os.path.realpath(folder)
    if path not in _open_ones:
        _open_ones[path] = _open(path)
    return _open_ones[path]


def _open(folder: str) -> _Open:
    import lmdb

    try:
        environment = lmdb.open(folder, max_readers=32, readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise DataError(f"the LMDB {folder} cannot be opened: {error}", "it may be truncated: make it again") from None
    path = os.path.join(folder, "data.mdb")
    size = os.path.getsize(path)
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if size < needed:
        environment.close()
        raise DataError(
            f"the LMDB {folder} is truncated: data.mdb has {size} bytes of at least {needed}", "copy or make it again"
        )
    return _Open(environment, _mapped_at(path), size)


def _mapped_at(path: str) -> int:
    """Return the address a file is mapped at in this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.rstrip("\n").split(maxsplit=5) for line in file]
    except OSError:
        return 0
    found = [int(row[0].split("-")[0], 16) for row in rows if len(row) == 6 and row[5] == path and row[2] == "00000000"]
    return found[-1] if len(found) == 1 else 0
