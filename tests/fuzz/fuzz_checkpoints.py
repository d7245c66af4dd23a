"""Checkpoints with their structure swapped, types swapped, parts missing, cut, flipped, and hostile pickles.

`python -m tests.fuzz.fuzz_checkpoints --cases 500 --seed 1`. Each case is a small checkpoint of ours, with a manifest
that may or may not agree with what was done to it, or one of official tools. It is resumed as `train` does; a refusal
may change nothing, and what is accepted must be what was saved.
"""

from __future__ import annotations

import functools
import hashlib
import json
import pickle
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import paddle

from ppocr.engine.checkpoint_manager import CheckpointManager
from ppocr.engine.resume_states import resumable
from ppocr.engine.start import find_start, start_optimizer, start_weights
from ppocr.engine.trainer_state import restore_trainer, trainer_state
from ppocr.errors import PpocrError
from tests.engine.parts import trainer
from tests.fuzz.outcomes import Case, Wrong, main

TABLE, SLICES = "StructuredToParameterName@@", "UnpackBigParamInfor@@"
PARTS = (".pdparams", ".pdopt", ".states")
# what stands for any other value; none of them equals what it replaces
VALUES: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, float("nan"), float("inf"), -1e300, 1j, "", "text", "\ud800", "a\nb\x1b[2J", b"\xff",
    (), [], {}, set(), [[]], {"a": {}}, {1: 2}, (1, "a"), np.float32(2), np.int64(-5), np.zeros(0, "float32"),
    np.full((2, 2), np.nan, "float32"), np.ones((3, 1), "int64"), np.ones(1, "complex64"), np.ones((), "float64"),
)  # fmt: skip
HOSTILE = (
    b"\x80\x04}(X\x01\x00\x00\x00a)" + b"2\x86" * 30 + b"u.",
    b"\x80\x04)\x94" + b"".join(b"h%ch%c\x86\x94" % (i, i) for i in range(40)) + b"}h\x28Ns.",
    b"\x80\x04]\x94" + b"".join(b"](h%ch%ce\x94" % (i, i) for i in range(40)) + b".",
    b"\x80\x04]\x94h\x00a.",
    b"]" * 100_000 + b"a" * 99_999 + b".",
    b"cos\nsystem\n(S'true'\ntR.",
    b"c__builtin__\neval\n(S'1'\ntR.",
    b"\x80\x04Nr\xff\xff\xff\x7f.",
    b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.",
    b"\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x40.",
    b"\x80\x04\x8a\xffa.",
    b"I" + b"9" * 5000 + b"\n.",
    b"cnumpy\ndtype\n(S'O'\ntR.",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I99999999999\ntcnumpy\ndtype\n"
    b"(S'f4'\ntRI00\nS'abcd'\ntb.",
    b"", b".", b"N.", b"\x80\x04.", b"(", b"not a pickle",
)  # fmt: skip


@functools.cache
def originals() -> dict[str, dict[str, bytes]]:
    """Return the files of a checkpoint of ours and of the same as official tools write it."""
    with tempfile.TemporaryDirectory() as folder:
        made = trainer(folder, epoch_num=1)
        made.checkpoints = CheckpointManager(folder)
        made.fit()
        files = {path.suffix: path.read_bytes() for path in Path(folder).glob("latest.*")}
    states = {"epoch": 1, "global_step": 5, "best_model_dict": {"acc": 0.5, "best_epoch": 1, "fps": 10.0}}
    official = {suffix: files[suffix] for suffix in PARTS} | {".states": pickle.dumps(states, protocol=2)}
    return {"ours": files, "official": official}


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the path of everything inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple, change: Callable[[Any, Any], None]) -> Any:
    """Return a value with something done at a path; tuples become lists."""
    if len(path) > 1:
        value = list(value) if isinstance(value, tuple) else value
        value[path[0]] = changed(value[path[0]], path[1:], change)
        return value
    value = list(value) if isinstance(value, tuple) else value
    change(value, path[0])
    return value


def structure(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Change the content of a pickle at a random place."""
    value = pickle.loads(data)
    path = rng.choice(list(places(value)))
    kind = rng.choice(("value", "value", "missing", "renamed", "twice", "nested", "shape"))
    new = rng.choice(VALUES)

    def change(holder: Any, key: Any) -> None:
        if kind == "value" or (kind in ("renamed", "twice") and not isinstance(holder, dict)):
            holder[key] = new
        elif kind == "missing":
            del holder[key]
        elif kind == "renamed":
            holder[rng.choice([str(key) + "_1", "x", str(key)[1:]])] = holder.pop(key)
        elif kind == "twice":
            holder[str(key) + "0"] = holder[key]
        elif kind == "nested":
            holder[key] = [holder[key]]
        else:
            held = holder[key]
            holder[key] = np.concatenate([held.ravel(), held.ravel()]) if isinstance(held, np.ndarray) else [held, held]

    value = changed(value, path, change)
    return f"{kind} at {'.'.join(map(str, path))}", pickle.dumps(value, protocol=rng.choice((2, 4)))


def packing(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Add a table of slices that is wrong."""
    value = pickle.loads(data)
    key = rng.choice([k for k, v in value.items() if isinstance(v, np.ndarray)])
    array = value[key]
    parts = {f"{key}@@.{i}": part for i, part in enumerate(np.array_split(array.ravel(), 2))}
    entry: Any = {"OriginShape": array.shape, "slices": list(parts)}
    kind = rng.randrange(7)
    if kind != 0:
        del value[key]
    value.update(parts)
    if kind == 1:
        value.pop(rng.choice(list(parts)))
    elif kind == 2:
        entry["slices"] *= 2
    elif kind == 3:
        entry[rng.choice(list(entry))] = rng.choice(VALUES)
    elif kind == 4:
        entry.pop(rng.choice(list(entry)))
    elif kind == 5:
        value[next(iter(parts))] = rng.choice(VALUES)
    value[SLICES] = {key: entry} if kind != 6 else rng.choice(VALUES)
    return f"slices {kind} of {key}", pickle.dumps(value, protocol=2)


def flipped(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    changed_bytes = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        changed_bytes[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return "flipped", bytes(changed_bytes)


def cut(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    place = rng.randrange(len(data))
    return f"cut at {place}", data[:place] + rng.choice((b"", b".", b"\x00" * 9, data[place + 1 :]))


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield checkpoints to resume: (files by suffix, whether the manifest agrees, whether it is as it was saved)."""
    rng = random.Random(seed)
    for number in range(count):
        kind = rng.choice(("ours", "ours", "official"))
        files = dict(originals()[kind])
        suffix = rng.choice(PARTS)
        how = rng.choice((structure,) * 6 + (packing, hostile, manifest, flipped, cut, absent))
        if how is packing:
            suffix = rng.choice(PARTS[:2])
        if how is manifest:
            kind, files = "ours", dict(originals()["ours"])
            name, files[".json"] = manifest(rng, files[".json"])
        else:
            name, files[suffix] = how(rng, files[suffix])
        sealed = ".json" in files and how not in (manifest, flipped, cut, absent)
        yield Case(f"{number}: {kind} {suffix} {name}", (files, sealed, how in (flipped, cut) and kind == "official"))


def hostile(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    return "hostile", rng.choice(HOSTILE)


def absent(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    return "absent", b""


def manifest(rng: random.Random, data: bytes) -> tuple[str, bytes]:
    """Change the manifest at a random place, with or without a checksum that agrees."""
    value = json.loads(data)
    path = rng.choice(list(places(value)))
    new = rng.choice([v for v in VALUES if not isinstance(v, (np.ndarray, np.generic, bytes, set, complex))])
    value = changed(value, path, lambda holder, key: holder.__setitem__(key, new))
    return f"manifest {'.'.join(map(str, path))} = {new!r}", checked(value) if rng.random() < 0.8 else dumped(value)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def checked(value: Any) -> bytes:
    rest = {key: item for key, item in value.items() if key != "checksum"} if isinstance(value, dict) else value
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return dumped({**rest, "checksum": hashlib.sha256(text.encode()).hexdigest()})


def seal(files: dict[str, bytes]) -> bytes:
    """Return a manifest that agrees with the files."""
    value = json.loads(files[".json"])
    for name in value["files"]:
        data = files["." + name.rpartition(".")[2]]
        value["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return checked(value)


def snapshot(made: Any) -> dict[str, Any]:
    """Return all that a resume changes."""
    return {
        **{key: tensor.numpy().copy() for key, tensor in made.task.model.state_dict().items()},
        **{k: v if isinstance(v, dict) else v.numpy().copy() for k, v in made.optimizer.state_dict().items()},
        "trainer": {key: value for key, value in trainer_state(made).items() if key != "data"},
    }


def equal(left: dict[str, Any], right: dict[str, Any]) -> str:
    """Return the first key whose values differ, or an empty text."""
    for key in left.keys() | right.keys():
        if key not in left or key not in right or not np.array_equal(np.array(left[key]), np.array(right[key])):
            return key
    return ""


def resumed(prefix: Path) -> Any:
    """Do what `train` does with `Global.checkpoints`, and take one more step."""
    made = trainer(prefix.parent / "out", epoch_num=2)
    start = resumable(find_start(SimpleNamespace(checkpoints=str(prefix), pretrained_model=None))[0], "acc")
    weights = snapshot(made)
    try:
        start_weights(made.task, start, "resume")
    except PpocrError:
        if equal(weights, snapshot(made)):
            raise Wrong("weights were changed by a checkpoint that was refused") from None
        raise
    before = snapshot(made)
    try:
        with paddle.utils.unique_name.guard():
            start_optimizer(made.optimizer, made.scheduler, made.task.model, start, "keep")
    except PpocrError:
        if key := equal(before, snapshot(made)):
            raise Wrong(f"{key} was changed by a state that was refused") from None
        raise
    restore_trainer(made, start.states)
    return made


@functools.cache
def expected(kind: str) -> dict[str, Any]:
    """Return what resuming the undamaged checkpoint gives."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix, data in originals()[kind].items():
            (Path(folder) / f"latest{suffix}").write_bytes(data)
        return snapshot(resumed(Path(folder) / "latest"))


# a changed count, loss or learning rate that is possible is taken as it is: nothing but the file says what it was
FREE = ("trainer", "LR_Scheduler")


def check(case: Case) -> None:
    """Resume a checkpoint as `train` does, and train on."""
    files, sealed, unprotected = case.data
    folder = Path(tempfile.mkdtemp())
    try:
        for suffix, data in files.items():
            if data or "absent" not in case.name:
                (folder / f"latest{suffix}").write_bytes(seal(files) if suffix == ".json" and sealed else data)
        made = resumed(folder / "latest")
        key = equal(expected("ours" if ".json" in files else "official"), snapshot(made))
        if key and not unprotected and key not in FREE:
            raise Wrong(f"{key} differs from what was saved")
        made.fit()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", cases, check))
