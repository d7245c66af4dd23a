"""Checkpoints: saved whole or not at all, read back verified, and the newest intact one found."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.engine.checkpoint_files import (
    DATA,
    MANIFEST,
    current_manifest,
    discard,
    finish_interrupted_save,
    prefix_of,
    publish,
    stage,
    verified,
    with_suffix,
)
from ppocr.engine.saved_state import arrays, name_table, unpacked
from ppocr.engine.unpickle import loads, read_checkpoint_bytes
from ppocr.errors import CheckpointError
from ppocr.utils.atomic import TEMPORARY

_NUMBERED = re.compile(r"(iter_epoch_(\d+))(\.pdparams|\.pdopt|\.states|\.json)(\.tmp)?")
_ATTEMPTS = 20
_logger = logging.getLogger("ppocr")


@dataclass
class Checkpoint:
    """What one checkpoint holds.

    Args:
        prefix: its path without extension.
        params: parameter and buffer arrays by structured name; bfloat16 as uint16 bit patterns.
        optimizer: accumulators by name, with `LR_Scheduler` and `master_weights`; None if it has none.
        states: everything else that a resume needs.
        manifest: epoch, step, metric, vocabulary and hashes; None for official files.
        names: Paddle's names of the parameters in the process that saved them, by structured name; the optimizer's
            entries go by them. Empty where the file does not say.
    """

    prefix: Path
    params: dict[str, np.ndarray]
    optimizer: dict[str, Any] | None
    states: dict[str, Any]
    manifest: dict[str, Any] | None
    names: dict[str, str] = field(default_factory=dict)

    @property
    def characters(self) -> list[str] | None:
        """What its classes stand for, None where it does not say."""
        found = (self.manifest or {}).get("characters")
        known = isinstance(found, list) and all(isinstance(name, str) for name in found)
        return found if known else None


def to_storable(value: Any) -> Any:
    """Return a value as plain containers and numpy arrays, the only things that can be read back.

    Raises:
        TypeError: it holds something else.
    """
    if isinstance(value, (np.str_, np.bytes_)):
        value = value.item()
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return value
    if isinstance(value, Mapping):
        return {to_storable(key): to_storable(item) for key, item in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(to_storable(item) for item in value)
    array = value if isinstance(value, np.ndarray) else value.numpy() if hasattr(value, "numpy") else None
    if array is None or array.dtype.kind not in "biufc":
        raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")
    return np.ascontiguousarray(array).reshape(array.shape)


def save_checkpoint(
    prefix: str | Path,
    params: Mapping[str, Any],
    optimizer: Mapping[str, Any] | None,
    states: Mapping[str, Any],
    manifest: Mapping[str, Any],
) -> None:
    """Write a checkpoint; until it is whole on disk, the previous one under this prefix stays.

    Args:
        prefix: path without extension; its folder is made if need be.
        params: tensors or arrays by structured name.
        optimizer: the optimizer's state_dict; None for weights only.
        states: containers, numbers, strings and arrays.
        manifest: JSON values: epoch, step, metric, vocabulary, charset and config hashes.

    Raises:
        PpocrError: it could not be written; nothing is left behind.
        TypeError: it holds something that could not be read back.
    """
    prefix = Path(prefix)
    content = {".pdparams": to_storable(params), ".states": to_storable(states)}
    if optimizer is not None:
        content[".pdopt"] = to_storable(optimizer)
    header = json.loads(json.dumps(dict(manifest)))  # as it will be read back
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        finish_interrupted_save(prefix)
        try:
            stage(prefix, content, header)
        except BaseException:  # an interrupt too leaves nothing behind
            discard(prefix)
            raise
        try:
            publish(prefix, list(content))
        except OSError:
            if all(with_suffix(prefix, suffix + TEMPORARY).exists() for suffix in (*content, MANIFEST)):
                discard(prefix)  # nothing was renamed; else the new checkpoint is whole and the next save finishes it
            raise
    except OSError as error:
        hint = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check the folder's permissions"
        raise CheckpointError(
            f"{prefix}: the checkpoint could not be saved: {error.strerror or error}", hint
        ) from error


def prune_checkpoints(folder: str | Path, keep_last: int) -> list[Path]:
    """Remove the oldest `iter_epoch_N` checkpoints.

    Args:
        folder: where they are.
        keep_last: how many to keep; 0 or less keeps all.

    Returns:
        Prefixes of the removed ones, oldest first.
    """
    folder = Path(folder)
    matches = (_NUMBERED.fullmatch(path.name) for path in (folder.iterdir() if folder.is_dir() else ()))
    found = {int(match[2]): folder / match[1] for match in matches if match}
    removed = [found[number] for number in sorted(found)[:-keep_last]] if keep_last > 0 else []
    for prefix in removed:
        discard(prefix)
        for suffix in (*DATA, MANIFEST):  # manifest last: half a removal is seen as damage, never as official files
            with_suffix(prefix, suffix).unlink(missing_ok=True)
    return removed


def load_checkpoint(prefix: str | Path, *, weights_only: bool = False) -> Checkpoint:
    """Read a checkpoint, verifying every file its manifest lists.

    Args:
        prefix: `folder/latest`, or any of its files; official files without a manifest load too.
        weights_only: read the `.pdparams` alone.

    Raises:
        CheckpointError: it is missing, damaged or asks to run code.
    """
    prefix = prefix_of(prefix)
    for _ in range(_ATTEMPTS):
        seen = _stamp(prefix)
        try:
            return _read_checkpoint(prefix, current_manifest(prefix), weights_only)
        except CheckpointError:
            if _stamp(prefix) == seen:
                raise  # damaged; otherwise a run that is still training replaced it while it was being read
    return _read_checkpoint(prefix, current_manifest(prefix), weights_only)


def _stamp(prefix: Path) -> list[tuple[int, int] | None]:
    """Return what tells whether a checkpoint's files were replaced."""
    stamps: list[tuple[int, int] | None] = []
    for suffix in (*DATA, MANIFEST):
        for path in (with_suffix(prefix, suffix), with_suffix(prefix, suffix + TEMPORARY)):
            try:
                status = path.stat()
                stamps.append((status.st_ino, status.st_mtime_ns))
            except OSError:
                stamps.append(None)
    return stamps


def _read_checkpoint(prefix: Path, manifest: dict[str, Any] | None, weights_only: bool) -> Checkpoint:
    """Read a checkpoint's files, as its manifest lists them if it has one."""
    if manifest is None and not with_suffix(prefix, ".pdparams").is_file():
        raise CheckpointError(
            f"{prefix}.pdparams does not exist", _listing(prefix if prefix.is_dir() else prefix.parent)
        )
    content: dict[str, Any] = {}
    for suffix in DATA[:1] if weights_only else DATA:
        path = with_suffix(prefix, suffix)
        if manifest is not None:
            data = verified(prefix, manifest, suffix)
        else:
            data = read_checkpoint_bytes(path) if path.exists() else None
        if data is not None:
            content[suffix] = _dict(loads(data, str(path)), path)
    if ".pdparams" not in content:
        raise CheckpointError(f"{prefix}: its manifest lists no .pdparams")
    optimizer, params = content.get(".pdopt"), with_suffix(prefix, ".pdparams")
    return Checkpoint(
        prefix,
        arrays(content[".pdparams"], params),
        None if optimizer is None else unpacked(optimizer, with_suffix(prefix, ".pdopt")),
        content.get(".states", {}),
        manifest,
        name_table(content[".pdparams"], params),
    )


def _dict(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: holds a {type(value).__name__} where a dict of arrays is expected")
    return value


def _prefixes(folder: Path) -> list[Path]:
    """Return the prefixes of all checkpoints in a folder, whole or not."""
    names = set()
    for path in folder.iterdir() if folder.is_dir() else ():
        name = path.name[: -len(TEMPORARY)] if path.name.endswith(TEMPORARY) else path.name
        if name.endswith(".pdparams"):
            names.add(name[: -len(".pdparams")])
    return [folder / name for name in sorted(names)]


def _listing(folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}"
    found = []
    for place in (folder, *sorted(folder.glob("previous-*"), reverse=True)[:1]):  # where earlier runs are moved to
        names = [prefix.name for prefix in _prefixes(place)]
        if names or place == folder:
            found.append(f"{place} holds {', '.join(names[:10]) if names else 'no checkpoint'}")
    return "; ".join(found)


def find_checkpoint(path: str | Path, *, weights_only: bool = False) -> Checkpoint:
    """Read a checkpoint or, if it is damaged, the newest intact one beside it, with a warning.

    Args:
        path: as of `load_checkpoint`.
        weights_only: read the `.pdparams` alone.

    Raises:
        CheckpointError: there is none by that name, or nothing intact in its folder.
    """
    prefix = prefix_of(path)
    try:
        return load_checkpoint(prefix, weights_only=weights_only)
    except CheckpointError as error:
        problem = error
    there = [with_suffix(prefix, suffix + end) for suffix in (*DATA, MANIFEST) for end in ("", TEMPORARY)]
    if not any(file.exists() for file in there):
        raise problem
    others = []
    for other in _prefixes(prefix.parent):
        with contextlib.suppress(CheckpointError):
            manifest = current_manifest(other) if other != prefix else None
            if manifest is not None:
                others.append((manifest.get("step") or 0, other))
    for _, other in sorted(others, reverse=True):
        try:
            checkpoint = load_checkpoint(other, weights_only=weights_only)
        except CheckpointError as error:
            _logger.warning("%s", error)
            continue
        found = checkpoint.manifest or {}
        _logger.warning(
            "CHECKPOINT DAMAGED: %s. Going on from the previous intact one, %s (epoch %s, step %s)",
            problem, other, found.get("epoch"), found.get("step"),
        )  # fmt: skip
        return checkpoint
    raise CheckpointError(f"{problem.message}; no intact checkpoint beside it", _listing(prefix.parent)) from problem
