"""The files of one checkpoint on disk: written so that a kill at any moment loses nothing, and verified when read.

A save writes `<prefix>.{pdparams,pdopt,states}.tmp`, then `<prefix>.json.tmp` with the sha256 and size of each, all
fsynced. Up to here the previous checkpoint is untouched. From the moment the new manifest is whole, each new file is
found under its plain or its temporary name, whichever has the right content; so the renames that follow, data first and
the manifest last, may be cut short anywhere. The next save finishes them, or removes what never became whole.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typing_extensions import NotRequired, TypedDict

from ppocr.engine.structure import Number, Whole, require
from ppocr.engine.unpickle import read_checkpoint_bytes
from ppocr.errors import CheckpointError
from ppocr.utils.atomic import TEMPORARY, HashedFile, rename, sync_folder

FORMAT = 1
DATA = (".pdparams", ".pdopt", ".states")
MANIFEST = ".json"


class _Entry(TypedDict):
    sha256: str
    size: Whole


class _Manifest(TypedDict):
    files: dict[str, _Entry]
    epoch: NotRequired[Whole | None]
    step: NotRequired[Whole | None]
    best_metric: NotRequired[Number | None]
    characters: NotRequired[Sequence[str] | None]


def with_suffix(prefix: Path, suffix: str) -> Path:
    """Return prefix + suffix; unlike `Path.with_suffix` it keeps dots inside the prefix."""
    return prefix.with_name(prefix.name + suffix)


def prefix_of(path: str | Path) -> Path:
    """Return a checkpoint's prefix from its prefix or any of its files."""
    path = Path(path)
    for suffix in (*DATA, MANIFEST):
        if path.name.endswith(suffix) and path.name != suffix:
            return path.with_name(path.name[: -len(suffix)])
    return path


def _write_pickle(path: Path, value: Any) -> dict[str, Any]:
    with HashedFile(path) as file:
        pickler = pickle.Pickler(file, protocol=4)  # the protocol paddle.save uses
        pickler.fast = True  # no memo: equal content gives equal bytes whatever objects it is made of
        pickler.dump(value)
    return {"sha256": file.sha.hexdigest(), "size": file.size}


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 of a manifest without its own checksum."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def stage(prefix: Path, content: Mapping[str, Any], header: dict[str, Any]) -> None:
    """Write all files of a checkpoint under temporary names, the manifest last."""
    files = {}
    for suffix, value in content.items():
        files[prefix.name + suffix] = _write_pickle(with_suffix(prefix, suffix + TEMPORARY), value)
    sync_folder(prefix.parent)
    manifest = {**header, "format": FORMAT, "files": files}
    manifest["checksum"] = _digest(manifest)
    with HashedFile(with_suffix(prefix, MANIFEST + TEMPORARY)) as file:
        file.write(json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    sync_folder(prefix.parent)


def publish(prefix: Path, suffixes: list[str]) -> None:
    """Give staged files their plain names, the manifest last."""
    pairs = [(with_suffix(prefix, suffix + TEMPORARY), with_suffix(prefix, suffix)) for suffix in suffixes]
    rename([pair for pair in pairs if pair[0].exists()], prefix.parent)
    rename([(with_suffix(prefix, MANIFEST + TEMPORARY), with_suffix(prefix, MANIFEST))], prefix.parent)
    for suffix in DATA:  # a data file of an earlier save that this one does not have
        if suffix not in suffixes:
            with_suffix(prefix, suffix).unlink(missing_ok=True)
    sync_folder(prefix.parent)


def checkpoint_exists(path: str | Path) -> bool:
    """Return whether any file of a checkpoint exists, whole or not."""
    prefix = prefix_of(path)
    return any(prefix.parent.glob(glob.escape(prefix.name) + ".*"))


def finish_interrupted_save(prefix: Path) -> None:
    """Finish a save that was cut short, or remove what it left."""
    if with_suffix(prefix, MANIFEST + TEMPORARY).exists() and complete(prefix, TEMPORARY):
        manifest = _read_manifest(with_suffix(prefix, MANIFEST + TEMPORARY))
        publish(prefix, [name[len(prefix.name) :] for name in manifest["files"]])
    discard(prefix)


def discard(prefix: Path) -> None:
    """Remove temporary files, the manifest first so that it never describes what is gone."""
    for suffix in (MANIFEST, *DATA):
        with contextlib.suppress(OSError):
            with_suffix(prefix, suffix + TEMPORARY).unlink(missing_ok=True)


def _read_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest that is whole, unaltered and of a known format."""
    try:
        manifest = json.loads(read_checkpoint_bytes(path).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: the manifest is damaged: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise CheckpointError(f"{path}: not the manifest of a checkpoint")
    if manifest.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {manifest.get('format')!r} is not known", "a newer ppocr wrote it")
    if manifest.get("checksum") != _digest(manifest):
        raise CheckpointError(f"{path}: the manifest was altered: its checksum does not fit")
    require(manifest, _Manifest, path)
    return manifest


def verified(prefix: Path, manifest: Mapping[str, Any], suffix: str) -> bytes | None:
    """Return a listed file's content from its plain or temporary name, None if not listed."""
    entry = manifest["files"].get(prefix.name + suffix)
    if entry is None:
        return None
    reasons = []
    for path in (with_suffix(prefix, suffix), with_suffix(prefix, suffix + TEMPORARY)):
        try:
            size = path.stat().st_size
        except OSError:  # it may also be renamed this moment, by a run still training
            continue
        if size != entry["size"]:
            reasons.append(f"{size} bytes instead of {entry['size']}")
            continue
        data = read_checkpoint_bytes(path)
        if hashlib.sha256(data).hexdigest() == entry["sha256"]:
            return data
        reasons.append("its sha256 differs from the manifest's")
    reason = reasons[0] if reasons else "missing"
    raise CheckpointError(f"{with_suffix(prefix, suffix)}: damaged: {reason}", "use another checkpoint")


def complete(prefix: Path, temporary: str = "") -> bool:
    """Return whether a manifest and all it lists are there, unaltered."""
    try:
        manifest = _read_manifest(with_suffix(prefix, MANIFEST + temporary))
        for suffix in DATA:
            verified(prefix, manifest, suffix)
    except (CheckpointError, OSError):
        return False
    return True


def current_manifest(prefix: Path) -> dict[str, Any] | None:
    """Return the manifest in force: that of a save cut short after it became whole, else the plain one."""
    staged = with_suffix(prefix, MANIFEST + TEMPORARY)
    if staged.exists() and complete(prefix, TEMPORARY):
        return _read_manifest(staged)
    path = with_suffix(prefix, MANIFEST)
    if path.exists():
        return _read_manifest(path)
    with contextlib.suppress(CheckpointError):  # not whole: its save had not begun to rename
        # whole, but what it lists is damaged: its renames may have begun, so plain names prove nothing
        return _read_manifest(staged) if staged.exists() else None
    return None
