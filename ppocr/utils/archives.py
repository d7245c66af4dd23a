"""Reading single files out of zip archives such as wheels, with one exception for damage of any kind."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from pathlib import Path

DAMAGE = (zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OverflowError, struct.error)
LARGEST = 2**31  # bytes of one file, unpacked


def read_member(path: Path, member: str) -> bytes:
    """Return the content of one file of an archive.

    Args:
        path: the archive.
        member: path of the file inside it.

    Raises:
        KeyError: there is no such member.
        OSError: the archive cannot be opened.
        zipfile.BadZipFile: it is damaged, encrypted, compressed by an unknown method, or unpacks to more than 2 GB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(member).file_size > LARGEST:
                raise zipfile.BadZipFile(f"{member} unpacks to more than {LARGEST} bytes")
            return archive.read(member)
    except DAMAGE as error:
        raise zipfile.BadZipFile(f"{member}: {error or type(error).__name__}") from error
