"""Shipped configurations with one thing changed are loaded, checked, built and run: a step and an evaluation.

Each must either run or be refused in a clear line; what cannot make sense (a number that is not finite, a text for a
number, an unknown key) must be refused. `python -m tests.fuzz.fuzz_configs --cases 1000 --seed 1`
"""

from __future__ import annotations

import atexit
import copy
import functools
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ppocr.config.loader import read_document
from tests.fuzz.outcomes import Case, Wrong, main
from tests.system.project import ROOT

HUGE = 10**15
MEMORY = 3 << 30  # bytes; a network may be wide
SMALL = (  # small enough to run a step of in a second
    "cls/ch_PP-OCRv3/ch_PP-OCRv3_rotnet.yml",
    "cls/cls_mv3.yml",
    "det/PP-OCRv3/PP-OCRv3_mobile_det.yml",
    "det/PP-OCRv4/PP-OCRv4_mobile_det.yml",
    "det/PP-OCRv6/PP-OCRv6_tiny_det.yml",
    "det/det_mv3_db.yml",
    "det/det_repsvtr_db.yml",
    "rec/PP-OCRv3/en_PP-OCRv3_mobile_rec.yml",
    "rec/PP-OCRv4/en_PP-OCRv4_mobile_rec.yml",
    "rec/PP-OCRv5/PP-OCRv5_mobile_rec.yml",
    "rec/PP-OCRv6/PP-OCRv6_tiny_rec.yml",
    "rec/SVTRv2/rec_svtrv2_gtc.yml",
    "rec/ch_PP-OCRv2/ch_PP-OCRv2_rec.yml",
    "rec/multi_language/rec_french_lite_train.yml",
    "rec/rec_icdar15_train.yml",
    "rec/rec_mv3_none_bilstm_ctc.yml",
    "rec/rec_mv3_none_none_ctc.yml",
    "rec/rec_svtrnet.yml",
)
# values that say nothing about what is run: names, and paths the run itself sets
LEFT_ALONE = {"algorithm", "model_name", "save_model_dir", "save_inference_dir", "save_res_path", "infer_img"}
# numbers that may be below zero
SIGNED = {
    "image_shape",
    "d2s_train_image_shape",
    "sub_k",
    "local_k",
    "beam_size",
    "hue",
    "ignore_index",
    "mean",
}


class Change(NamedTuple):
    """One thing changed.

    Args:
        kind: how.
        path: of the key.
        nonsense: whether the configuration must be refused.
    """

    kind: str
    path: tuple[Any, ...]
    nonsense: bool


Mutation = Callable[[random.Random, dict[str, Any]], "Change | None"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every key and list item of a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*path, key)
        yield from leaves(child, (*path, key))


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    """Return what stands at a path."""
    return functools.reduce(lambda here, key: here[key], path, tree)


def put(tree: Any, path: tuple[Any, ...], value: Any) -> None:
    """Set what stands at a path."""
    at(tree, path[:-1])[path[-1]] = value


def chosen(drawn: random.Random, tree: Any, fits: Callable[[Any], bool]) -> tuple[Any, ...] | None:
    """Return the path of a value that fits, of any there is."""
    paths = [p for p in leaves(tree) if not LEFT_ALONE & set(p) and fits(at(tree, p))]
    return drawn.choice(paths) if paths else None


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(kind: str, values: tuple[Any, ...], nonsense: Callable[[tuple, Any, Any], bool]) -> Mutation:
    """Return the mutation that puts one of some values in the place of a number."""

    def change(drawn: random.Random, tree: dict[str, Any]) -> Change | None:
        path = chosen(drawn, tree, is_number)
        if path is None:
            return None
        old, value = at(tree, path), drawn.choice(values)
        put(tree, path, value)
        return Change(f"{kind} {value!r}", path, nonsense(path, old, value))

    return change


def always(path: tuple, old: Any, value: Any) -> bool:
    return True


def never(path: tuple, old: Any, value: Any) -> bool:
    return False


def unsigned(path: tuple, old: Any, value: Any) -> bool:
    """Return whether a number below zero has no meaning at a key."""
    return not SIGNED & set(path) and "augmenter_args" not in path


def swap_type(drawn: random.Random, tree: dict[str, Any]) -> Change | None:
    path = chosen(drawn, tree, lambda value: value is not None)
    assert path is not None
    old = at(tree, path)
    value = drawn.choice([v for v in ("maybe", 3, 2.5, True, [1], {"a": 1}, [], {}, None) if type(v) is not type(old)])
    put(tree, path, value)
    wrong = (is_number(old) and value == "maybe") or (isinstance(old, (dict, bool)) and isinstance(value, (str, float)))
    return Change(f"type {value!r}", path, wrong and "augmenter_args" not in path)


def delete(drawn: random.Random, tree: dict[str, Any]) -> Change | None:
    path = chosen(drawn, tree, lambda value: True)
    assert path is not None
    del at(tree, path[:-1])[path[-1]]
    return Change("deleted", path, path in (("Architecture",), ("Eval",), ("Loss",), ("Metric",), ("PostProcess",)))


def misspell(drawn: random.Random, tree: dict[str, Any]) -> Change | None:
    path = chosen(drawn, tree, lambda value: True)
    if path is None or not isinstance(path[-1], str):
        return None
    word = path[-1]
    cut = drawn.randrange(len(word))
    wrong = drawn.choice([word[:cut] + word[cut + 1 :], word[:cut] + "q" + word[cut:], word + "s"])
    parent = at(tree, path[:-1])
    if wrong in parent or not wrong:
        return None
    renamed = {(wrong if key == word else key): value for key, value in parent.items()}
    parent.clear()
    parent.update(renamed)
    return Change(f"misspelt {wrong!r}", path, True)


def swap_class(drawn: random.Random, tree: dict[str, Any]) -> Change | None:
    from ppocr import registry

    registries = [r for r in vars(registry).values() if isinstance(r, registry.Registry)]
    names = {name: r for r in registries for name in r.names(tree["Architecture"]["model_type"])}
    path = chosen(drawn, tree, lambda value: isinstance(value, str) and value in names)
    if path is None:
        return None
    value = drawn.choice(names[at(tree, path)].names(tree["Architecture"]["model_type"]))
    put(tree, path, value)
    return Change(f"class {value}", path, False)


def resize_list(drawn: random.Random, tree: dict[str, Any]) -> Change | None:
    path = chosen(drawn, tree, lambda value: isinstance(value, list))
    if path is None:
        return None
    items = at(tree, path)
    how = drawn.choice(("shortened", "extended", "emptied"))
    if how == "shortened":
        del items[-1:]
    elif how == "emptied":
        items.clear()
    else:
        items.extend(copy.deepcopy(items[-1:]))
    return Change(how, path, False)


MUTATIONS: tuple[Mutation, ...] = (
    number("not finite", (float("nan"), float("inf"), -float("inf")), always),
    number("huge", (HUGE, float(HUGE), 1e30, 10**9), lambda path, old, value: value != 10**9),
    number("negative", (-1, -7, -0.5), unsigned),
    number("zero", (0, 0.0), never),
    number("other", (1, 2, 3, 7, 0.1, 0.99, 1.5, 100, 1000, 70_000), never),
    swap_type,
    swap_type,
    delete,
    delete,
    misspell,
    swap_class,
    resize_list,
)


def cases(count: int, seed: int, configs: tuple[str, ...] = SMALL) -> Iterator[Case]:
    """Yield configurations with one thing changed; the same seed gives the same."""
    drawn = random.Random(seed)
    made = 0
    while made < count:
        name = drawn.choice(configs)
        tree = read_document(ROOT / "configs" / name).tree
        change = drawn.choice(MUTATIONS)(drawn, tree)
        if change is not None:
            made += 1
            described = ".".join(map(str, change.path))
            # the data is written here: a process that tries cases may claim too little memory for a new LMDB
            yield Case(f"{name}: {described} {change.kind}", (name, tree, change, data_of(name)))


@functools.cache
def data_of(config: str) -> Path:
    """Write a little data for a configuration and return its folder; it is removed when the process ends."""
    from ppocr.config.loader import load_config
    from tests.system.test_every_config import SMALL_DATA

    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    before = os.getcwd()
    os.chdir(ROOT)  # dictionaries are named from there
    asked = load_config(ROOT / "configs" / config)
    SMALL_DATA[asked.Architecture["model_type"]](folder / "data", asked)
    os.chdir(before)
    return folder / "data"


def check(case: Case) -> None:
    """Train a step, evaluate, and raise Wrong when nonsense was accepted."""
    from ppocr.config.checker import check as check_document
    from ppocr.config.loader import load_config
    from ppocr.config.overrides import apply_overrides
    from ppocr.config.yaml_reader import parse
    from ppocr.engine.runs import train
    from tests.system.test_every_config import IMAGES, overrides

    name, tree, change, folder = case.data
    os.chdir(ROOT)
    multiprocessing.current_process()._config["daemon"] = False  # those may have no data workers
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    document = parse(text, "case.yml")
    asked = load_config(ROOT / "configs" / name)
    raw = {"Train": asked.Train, "Eval": asked.Eval, "Architecture": asked.Architecture}
    # what the run needs; the changed value itself stays
    changed = ".".join(map(str, change.path))
    options = []
    for option in overrides(raw, folder, False):
        key = option.partition("=")[0]
        if not (key.startswith(changed) or changed.startswith(key)) or key in KEPT:
            options.append(option)
    for option in options:
        apply_where_possible(document, option, apply_overrides)
    config = check_document(document)
    config.Global.epoch_num = 1  # many are sensible, and take their time
    best = train(config)
    if change.nonsense:
        raise Wrong("nonsense was accepted")
    if best.global_step > IMAGES:
        raise Wrong(f"{best.global_step} steps instead of at most {IMAGES}")


KEPT = {"Global.save_model_dir", "Global.use_gpu", "Global.save_inference_dir"}


def apply_where_possible(document: Any, option: str, apply: Callable) -> None:
    """Override a key unless the change took away what it is in."""
    from ppocr.errors import ConfigError

    key = option.partition("=")[0].split(".")
    here = document.tree
    for part in key[:-1]:
        if isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and isinstance(here.get(part), (dict, list)):
            here = here[part]
        else:
            return
    try:
        apply(document, [option])
    except ConfigError:
        return  # a list that was shortened


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", cases, check, memory=MEMORY))
