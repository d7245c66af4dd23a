"""The folder a run writes into: checked before anything heavy happens, changed only when the run can start.

A run never replaces the files of another one: it moves them to `previous-N/` first. Until all are there, that folder is
called `previous-N.part`; a start that finds one moves its files back before it reads any: a kill cut the move short.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ppocr.engine.checkpoint import Checkpoint
from ppocr.engine.checkpoint_files import (
    MANIFEST,
    complete,
    current_manifest,
    finish_interrupted_save,
)
from ppocr.engine.folder_lock import refuse_in_use
from ppocr.engine.log import LOG_FILE, get_logger
from ppocr.errors import PpocrError
from ppocr.utils.atomic import TEMPORARY, rename, sync_folder

CONFIG_FILE = "config.yml"
_PREVIOUS = re.compile(r"previous-(\d+)(\.part)?")
_CHECKPOINT = re.compile(r"(latest|best_accuracy|iter_epoch_\d+)(\.pdparams|\.pdopt|\.states|\.json)(\.tmp)?")


def check_folder(folder: str | Path) -> Path:
    """Return the output folder if it can be made and written to, without writing anything.

    Raises:
        PpocrError: it cannot.
    """
    path = Path(folder)
    there = path.absolute()
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return path
    reason = "no permission to write to" if there.is_dir() else "not a folder:"
    raise _unwritable(path, f"{reason} {there}")


def _unwritable(folder: Path, reason: str) -> PpocrError:
    return PpocrError(
        f"Global.save_model_dir: cannot write to {folder}: {reason}",
        "choose another with -o Global.save_model_dir=DIR",
    )


def recover_folder(folder: Path) -> None:
    """Undo a move that was cut short, before anything is read from the folder; rank 0 alone calls it.

    Raises:
        PpocrError: another run is writing into the folder, or it cannot be written.
    """
    refuse_in_use(folder)
    try:
        for number, part in _previous_folders(folder):
            if part.name.endswith(".part"):
                _move_back(part, number)
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error


def prepare_folder(folder: Path, resumed: Checkpoint | None, *, overwrite: bool = False) -> bool:
    """Make room for a run that can start now; rank 0 alone calls it, when no rank has anything left to read there.

    A new run finds none of another run's files; one that is resumed in its own folder finds them, its temporary files
    finished or removed, but no checkpoint of a later step: going on from before it, the run would replace it.

    Args:
        folder: `Global.save_model_dir`.
        resumed: the checkpoint a resumed run goes on from; None for a new run.
        overwrite: drop the files that are in the way instead of moving them (`Global.overwrite`).

    Returns:
        Whether the run goes on in the folder it was in.

    Raises:
        PpocrError: another run has just begun there, or the folder cannot be written.
    """
    refuse_in_use(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        goes_on = resumed is not None and os.path.samefile(resumed.prefix.parent, folder)
        if resumed is not None and goes_on:
            for prefix in _prefixes(folder):
                finish_interrupted_save(prefix)
            files, whose = _later_files(folder, resumed), "checkpoints that are further than the one resumed"
        else:
            files, whose = _files(folder), "the files of another run"
        if files:
            _clear(folder, files, whose, overwrite)
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    return goes_on


def _files(folder: Path) -> list[Path]:
    """Return what a run writes: never folders, and each manifest behind the files it lists.

    What is left of a removal or a move is then seen as a damaged checkpoint, not taken for one without a manifest.
    """
    own = (CONFIG_FILE, CONFIG_FILE + TEMPORARY, LOG_FILE)
    found = [p for p in folder.iterdir() if (p.name in own or _CHECKPOINT.fullmatch(p.name)) and not p.is_dir()]
    return sorted(found, key=lambda path: (MANIFEST in path.suffixes, path.name))


def _prefixes(folder: Path) -> list[Path]:
    matches = (_CHECKPOINT.fullmatch(path.name) for path in _files(folder))
    return sorted({folder / match[1] for match in matches if match})


def _later_files(folder: Path, resumed: Checkpoint) -> list[Path]:
    """Return the files of the checkpoints that are further than the one resumed, if `latest` is.

    A `best_accuracy` that is further than `latest` was written just before a kill, and will be written again.
    """
    steps = {prefix: _step(prefix) for prefix in _prefixes(folder) if prefix.name != resumed.prefix.name}
    here = (resumed.manifest or {}).get("step")
    if here is None or steps.get(folder / "latest", -1) <= here:
        return []
    later = {prefix for prefix, step in steps.items() if step > here}
    return [
        path for path in _files(folder) if (match := _CHECKPOINT.fullmatch(path.name)) and folder / match[1] in later
    ]


def _step(prefix: Path) -> int:
    """Return the step of an intact checkpoint, -1 for any other."""
    manifest = current_manifest(prefix) if complete(prefix) else None
    step = (manifest or {}).get("step")
    return step if isinstance(step, int) else -1


def _clear(folder: Path, files: list[Path], whose: str, overwrite: bool) -> None:
    if overwrite:
        for path in files:
            path.unlink(missing_ok=True)
        sync_folder(folder)
        get_logger().warning(f"{folder} held {whose}: {len(files)} files removed (Global.overwrite=true)")
        return
    number = 1 + max((number for number, _ in _previous_folders(folder)), default=0)
    part = folder / f"previous-{number}.part"
    part.mkdir()
    try:
        rename([(path, part / path.name) for path in files], part)
    except OSError:
        _move_back(part, number)
        raise
    rename([(part, folder / f"previous-{number}")], folder)
    get_logger().warning(
        f"{folder} held {whose}: {len(files)} files moved to {folder / f'previous-{number}'} "
        "(Global.overwrite=true drops them instead)"
    )


def _previous_folders(folder: Path) -> list[tuple[int, Path]]:
    matches = ((_PREVIOUS.fullmatch(path.name), path) for path in (folder.iterdir() if folder.is_dir() else ()))
    return sorted((int(match[1]), path) for match, path in matches if match)


def _move_back(part: Path, number: int) -> None:
    """Move files back to where a move that was cut short took them from, replacing none."""
    files = sorted(part.iterdir(), key=lambda path: (MANIFEST not in path.suffixes, path.name))
    pairs = [(path, part.parent / path.name) for path in files]
    rename([(path, place) for path, place in pairs if not os.path.lexists(place)], part.parent)
    if any(part.iterdir()):  # not ours alone: kept under the name of a whole move
        rename([(part, part.with_name(f"previous-{number}"))], part.parent)
    else:
        part.rmdir()
        sync_folder(part.parent)
