"""Damaged and hostile `inference.yml` of a recogniser, a detector and a classifier: see `outcomes`.

python -m tests.fuzz.fuzz_inference_yml --cases 500 --seed 1
"""

from __future__ import annotations

import atexit
import copy
import functools
import logging
import os
import pickle
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from ppocr.deploy import inference_config
from ppocr.deploy.predictor import Predictor
from tests.deploy.kinds import MAKERS, Kind
from tests.fuzz.outcomes import Case, Wrong, main

NAME = "inference.yml"
KINDS = tuple(MAKERS)
PLACE = "PPOCR_FUZZ_MODELS"
ENTRY = 3  # of a dictionary
SAID = "changed since the export"

# What may stand where another value stood.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 255, 10**6, 10**12, 10**400, -(10**12), 2**31, 2**63, 0.0, 0.5, -0.5, 1e-320,
    1e308, float("nan"), float("inf"), float("-inf"), "", " ", "x", "1", "1e3", "0x10", "1./0", "1./255.", "é" * 3,
    "a" * 3000, "/etc/passwd", "../../x", "\x1b[2J", "two\nlines", "fast", "image", "float64", "object", [], [[]],
    [None], [1], [0, 0], [1, 2], [3, 32], [3, 32, 100], [3, -1, -1], [3, 0, 0], [3, 32, 10**12], [1, 32, 100],
    [2, 32, 100],
    [3, 4000, 4000], [3, 48, 320], [3.5, 32, 100], ["a"], ["a", "a"], [[3, 32, 100]], list(range(300)), {}, {"a": 1},
    {"name": "x"}, {"image_shape": [3, 32, 100]},
)  # fmt: skip
TEXTS = (
    "!!int ''", "!!float ''", "!!bool maybe", "!!timestamp x", "2001-13-45", "2001-02-03", "!!binary '%%'", "!!set {a}",
    "!!python/object/apply:os.mkdir [a]", "!!omap [a: 1]", "&a [*a]", "*a", "{<<: {a: 1}}", "[" * 200, "{" * 200, "'",
    '"\\e[2J"', "|", "? ", "- ", ": ", "#", "@", "`", "%", "1:30", "0777", "0b11", "1_000", "9" * 5000, ".inf", "-.inf",
    ".nan", "1e999", "~", "y", "=", "<<", "\t", "!!null ''", "!!str", "!<x> y", '"\\ud800"', '"\\0"', "\x00", "\ufffe",
    "\u2028",
)  # fmt: skip
# Operators that no exported file holds, or not at that place.
OPERATORS = (
    "RecAug", "KeepKeys", "DecodeImage", "ToCHWImage", "NormalizeImage", "DetResizeForTest", "MakeShrinkMap",
    "CopyPaste", "RecConAug", "CropImage", "ResizeImage", "MultiScaleResize", "SVTRRecResizeImg", "CTCLabelEncode",
    "RandAugment", "X",
)  # fmt: skip


@functools.lru_cache(maxsize=1)
def models() -> dict[str, Kind]:
    """Return the exported models, made once; the processes that this one starts use the same."""
    if PLACE in os.environ:
        return pickle.loads(Path(os.environ[PLACE]).read_bytes())
    folder = Path(tempfile.mkdtemp(prefix="ppocr-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = {name: make(folder / name) for name, make in MAKERS.items()}
    (folder / "models").write_bytes(pickle.dumps(made))
    os.environ[PLACE] = str(folder / "models")
    return made


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield `count` damaged files; the same ones for the same seed."""
    rng = random.Random(seed)
    texts = {name: (kind.exported / NAME).read_text(encoding="utf-8") for name, kind in models().items()}
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        ours = rng.random() < 0.7
        text = texts[kind] if ours else texts[kind].split("Model:\n")[0]  # other programs write no block Model
        if rng.random() < 0.65:
            changes = rng.choices(list(TREE_CHANGES), k=rng.choice((1, 1, 1, 2, 3)))
            tree = yaml.safe_load(text)
            described = [name + " " + TREE_CHANGES[name](tree, rng) for name in changes]
            data = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")
        else:
            changes = rng.choices(list(TEXT_CHANGES), k=rng.choice((1, 1, 2)))
            data, described = text.encode("utf-8"), []
            for name in changes:
                data, what = TEXT_CHANGES[name](data or b"\n", rng)
                described.append(f"{name} {what}")
        yield Case(f"{number} {kind}{'' if ours else ' of another program'}: {'; '.join(described)}", (kind, data))


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the path of everything inside a tree, and of one entry of a dictionary for all of them."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*path, key)
        if key != "character_dict":
            yield from places(child, (*path, key))
        elif isinstance(child, list) and len(child) > ENTRY:
            yield (*path, key, ENTRY)


def pick(tree: dict, rng: random.Random) -> tuple[Any, Any, str]:
    """Return the container, key and name of a random place."""
    path = rng.choice(list(places(tree)) or [("Global",)])
    tree.setdefault(path[0], None)
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    return holder, path[-1], ".".join(map(str, path))


def replace(tree: dict, rng: random.Random) -> str:
    holder, key, name = pick(tree, rng)
    holder[key] = copy.deepcopy(rng.choice(VALUES))
    return f"{name}={str(holder[key])[:40]!r}"


def delete(tree: dict, rng: random.Random) -> str:
    holder, key, name = pick(tree, rng)
    if isinstance(holder, dict):
        holder.pop(key, None)
    else:
        del holder[key]
    return name


def rename(tree: dict, rng: random.Random) -> str:
    holder, key, name = pick(tree, rng)
    if not isinstance(key, str):
        return delete(tree, rng)
    new = rng.choice((key[:-1], key + "x", key.lower(), key.upper(), "x", "", "name", 7, None, True, "\x1b[0m"))
    items = [(new if k == key else k, v) for k, v in holder.items()]
    holder.clear()
    holder.update(items)
    return f"{name} -> {new!r}"


def exchange(tree: dict, rng: random.Random) -> str:
    (one, a, first), (two, b, second) = pick(tree, rng), pick(tree, rng)
    one[a], two[b] = copy.deepcopy(two[b]), copy.deepcopy(one[a])
    return f"{first} <-> {second}"


def wrap(tree: dict, rng: random.Random) -> str:
    holder, key, name = pick(tree, rng)
    holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, str(holder[key]), [holder[key]] * 2))
    return name


def operator(tree: dict, rng: random.Random) -> str:
    operators = tree.get("PreProcess", {}).get("transform_ops") if isinstance(tree.get("PreProcess"), dict) else None
    if not isinstance(operators, list):
        return "nothing"
    at, name = rng.randrange(len(operators) + 1), rng.choice(OPERATORS)
    keys = {"image_shape": [3, 32, 100], "keep_keys": ["image"], "size": 64, "sizes": [[32, 100]], "mean": [0.5]}
    args = rng.choice((None, {}, 1, "x", *({key: value} for key, value in keys.items())))
    operators.insert(at, rng.choice(({name: args}, name, [name], {name: args, "b": None})))
    return f"{at} {operators[at]}"


def order(tree: dict, rng: random.Random) -> str:
    operators = tree.get("PreProcess", {}).get("transform_ops") if isinstance(tree.get("PreProcess"), dict) else None
    if isinstance(operators, list):
        rng.shuffle(operators)
    return "of operators"


def flip(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    at = rng.randrange(len(data))
    bit = 1 << rng.randrange(8)
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :], f"bit {bit} of byte {at}"


def cut(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    start = rng.randrange(len(data))
    stop = rng.choice((len(data), start + 1, start + rng.randrange(1, 60)))
    return data[:start] + data[stop:], f"{start} to {stop}"


def insert(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    at = rng.randrange(len(data))
    new = rng.choice((rng.randbytes(rng.randrange(1, 30)), rng.choice(TEXTS).encode("utf-8", "surrogatepass")))
    return data[:at] + new + data[at:], f"{new[:30]!r} at {at}"


def value_text(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    colon = lines[at].find(b": ")
    head = lines[at][: colon + 2] if colon >= 0 else lines[at][: len(lines[at]) - len(lines[at].lstrip(b" -"))]
    new = rng.choice(TEXTS)
    lines[at] = head + new.encode("utf-8", "surrogatepass")
    return b"\n".join(lines), f"line {at + 1} {new[:20]!r}"


def repeat(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    lines = data.split(b"\n")
    start = rng.randrange(len(lines))
    stop = start + rng.choice((1, 1, 2, 5))
    times = rng.choice((1, 1, 1, 20_000))
    return b"\n".join(lines[:stop] + lines[start:stop] * times + lines[stop:]), f"line {start + 1} {times} times"


def whole(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    new = rng.choice((b"", b"\n", b"\xff\xfe", b"- a\n", b"a: [" * 5000, b"[" * 100_000, b"? " * 5000,
                      b"a: &x [*x, *x]\n",
                      b"&a a: 1\nPreProcess: *a\n", data.decode("latin-1").encode("utf-16"), data + b"---\n" + data,
                      b"\xef\xbb\xbf" + data, data.replace(b"\n", b"\r\n"), b"- " * 300_000 + b"a"))  # fmt: skip
    return new, repr(new[:20])


TREE_CHANGES: dict[str, Callable[[dict, random.Random], str]] = {
    "replace": replace, "delete": delete, "rename": rename, "exchange": exchange, "wrap": wrap, "operator": operator,
    "order": order,
}  # fmt: skip
TEXT_CHANGES: dict[str, Callable[[bytes, random.Random], tuple[bytes, str]]] = {
    "flip": flip, "cut": cut, "insert": insert, "value": value_text, "repeat": repeat, "whole": whole,
}  # fmt: skip


class _Said(logging.Handler):
    """Keeps the warnings of one case."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@functools.lru_cache(maxsize=3)
def expected(kind: str) -> list[str]:
    """Return what the sound model says of its images."""
    return results(Predictor.from_folder(models()[kind].exported), kind)


def results(predictor: Predictor, kind: str) -> list[str]:
    found = predictor.predict(models()[kind].images[:3])
    return [str(p.result) if p.problem is None else p.problem.reason for p in found]


def check(case: Case) -> None:
    """Predict with the damaged file beside a sound network.

    Raises:
        Wrong: other results than those of the sound file, and not a word about it.
    """
    kind, data = case.data
    right = expected(kind)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in models()[kind].exported.iterdir():
            if path.name == NAME:
                (folder / NAME).write_bytes(data)
            else:
                os.link(path, folder / path.name)
        said = _Said()
        logger = logging.getLogger("ppocr")
        logger.addHandler(said)
        try:
            config = inference_config.load(folder)
            found = results(Predictor.from_folder(folder, config=config), kind)
        finally:
            logger.removeHandler(said)
    if config.sha256 and found != right and not any(SAID in line for line in said.lines):
        raise Wrong(f"{found} instead of {right}")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    sys.exit(main(__doc__ or "", cases, check))
