"""Giving an optimizer the state of a checkpoint: matched by structured name, checked whole, then taken over.

Paddle names an optimizer's entries after its automatic names of the parameters ("conv2d_3.w_0_moment1_0"), which count
on in the order of construction: networks built in another order, as the same network of another code base, give them to
other parameters, of the same shape often enough. The name table of the `.pdparams` says which parameter was meant.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from typing_extensions import TypedDict

from ppocr.engine.structure import NonNegative, Whole, require, shown
from ppocr.errors import CheckpointError

SCHEDULE = "LR_Scheduler"  # Paddle's name for the schedule inside an optimizer's state
MASTERS = "master_weights"
HINT = "resume with the configuration the run was started with, or start from its weights with Global.pretrained_model"


class _Schedule(TypedDict):
    last_epoch: Whole
    last_lr: NonNegative


@dataclass
class Fitted:
    """A checkpoint's optimizer state in the names of this process.

    Args:
        parameters: those with a state, in the optimizer's order.
        entries: arrays by entry name.
        masters: float32 copies of low-precision parameters, by parameter name.
        fresh: structured names of trained parameters the checkpoint has no entries of.
    """

    parameters: list[Any]
    entries: dict[str, np.ndarray]
    masters: dict[str, np.ndarray]
    fresh: list[str]


def trained_parameters(optimizer: Any) -> list[Any]:
    """Return an optimizer's parameters, those of all groups."""
    groups: Iterable[Any] = optimizer._param_groups
    return [p for group in groups for p in (group["params"] if isinstance(group, dict) else [group])]


def check_schedule(state: dict[str, Any], path: Path) -> None:
    """Refuse a malformed schedule in an optimizer's state.

    Raises:
        CheckpointError: naming the entry.
    """
    require(state.get(SCHEDULE), _Schedule, path, HINT, SCHEDULE)


def fit_optimizer(optimizer: Any, model: Any, state: dict[str, Any], names: dict[str, str], path: Path) -> Fitted:
    """Match a checkpoint's optimizer state with an optimizer, and change nothing.

    Args:
        optimizer: whose entries are wanted.
        model: the network of its parameters.
        state: of the checkpoint's optimizer.
        names: names of the parameters in it by structured name; empty where they are those of this process.
        path: the state's file, for messages.

    Raises:
        CheckpointError: an entry is missing, malformed, left over, or not certainly that of one parameter.
    """
    found = _Entries(state, path)
    theirs = _their_names(model, names, path)
    result = Fitted([], {}, {}, [])
    for parameter in trained_parameters(optimizer):
        structured, old = theirs[parameter.name]
        wanted, masters = _wanted(optimizer, parameter)
        there = {entry: found.key(old + entry[len(parameter.name) :]) for entry in wanted}
        lacking = [entry for entry, key in there.items() if key is None]
        if len(lacking) == len(there):
            result.fresh.append(structured)
            continue
        if lacking:
            found.refuse(f"no {lacking[0][len(parameter.name) + 1 :]} of {structured}, but others of it")
        for entry, key in there.items():
            result.entries[entry] = found.take(key, wanted[entry])
        if masters:
            result.masters[parameter.name] = found.master(old, masters[0])
        result.parameters.append(parameter)
    found.require_all_taken(any(map(found.belongs_to, (old for _, old in theirs.values()))))
    return result


def apply_optimizer(optimizer: Any, fitted: Fitted, schedule: dict[str, Any]) -> None:
    """Take over what `fit_optimizer` found, and a schedule's state."""
    for name, array in fitted.masters.items():
        optimizer._master_weights[name] = paddle.to_tensor(array)
        optimizer._master_weights[name].name = f"{name}_fp32_master_0"
    with paddle.utils.unique_name.guard():
        _create(optimizer, fitted.parameters)
    optimizer.set_state_dict({**fitted.entries, SCHEDULE: schedule})
    optimizer._accumulators_holder = {}  # a parameter whose first gradient is yet to come begins afresh


def _create(optimizer: Any, parameters: list[Any]) -> None:
    optimizer._create_accumulators(paddle.static.default_main_program().global_block(), parameters)


def _wanted(optimizer: Any, parameter: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return the tensors an optimizer makes for a parameter by entry name, and its float32 copy if it makes one."""
    probe = copy.copy(optimizer)
    probe._accumulators, probe._accumulators_holder, probe._master_weights = defaultdict(dict), {}, {}
    probe._already_create_accumulator, probe._opti_name_list = set(), []
    with paddle.utils.unique_name.guard():
        _create(probe, [parameter])
    tensors = [tensor for by_name in probe._accumulators.values() for tensor in by_name.values()]
    return {tensor.name: tensor for tensor in tensors}, list(probe._master_weights.values())


def _their_names(model: Any, names: dict[str, str], path: Path) -> dict[str, tuple[str, str]]:
    """Return (structured name, name in the checkpoint) of each parameter, by its name in this process.

    Raises:
        CheckpointError: the table leaves one out, or gives two of them one name, or one of them two.
    """
    table = path.with_name(path.name.removesuffix(".pdopt") + ".pdparams")
    result: dict[str, tuple[str, str]] = {}
    owners: dict[str, str] = {}
    for structured, parameter in model.state_dict().items():
        old = names.get(structured) if names else parameter.name
        if old is None:
            raise CheckpointError(f"{table}: its table of names does not name {structured}", HINT)
        if result.get(parameter.name, (structured, old))[1] != old or owners.get(old, parameter.name) != parameter.name:
            raise CheckpointError(
                f"{table}: its table of names is ambiguous: {shown(old)} is more than {structured}", HINT
            )
        result.setdefault(parameter.name, (structured, old))
        owners[old] = parameter.name
    return result


class _Entries:
    """The entries of a checkpoint's optimizer state, each of which is taken once."""

    def __init__(self, state: dict[str, Any], path: Path) -> None:
        self.path = path
        self.state = {key: value for key, value in state.items() if key not in (SCHEDULE, MASTERS)}
        self.masters = state.get(MASTERS, {})
        if not isinstance(self.masters, dict):
            self.refuse(f"{MASTERS} is {shown(self.masters)}, not arrays by name")
        self.taken: set[str] = set()
        self.keys: dict[str, list[str]] = defaultdict(list)
        for key in self.state:
            self.keys[_uncounted(key)].append(key)

    def refuse(self, text: str) -> None:
        raise CheckpointError(f"{self.path}: it holds {text}", HINT)

    def key(self, entry: str) -> str | None:
        """Return the key of an entry, of which only the counts at the ends of names may differ."""
        keys = self.keys.get(_uncounted(entry), [])
        if len(keys) > 1:
            self.refuse(f"both {shown(keys[0])} and {shown(keys[1])}")
        return keys[0] if keys else None

    def take(self, key: str | None, wanted: Any) -> np.ndarray:
        """Return an entry as an array that fits a tensor."""
        assert key is not None
        if key in self.taken:
            self.refuse(f"{shown(key)}, which is that of two parameters")
        self.taken.add(key)
        return self._array(self.state[key], shown(key), wanted)

    def master(self, name: str, wanted: Any) -> np.ndarray:
        """Return the float32 copy of a parameter."""
        if name not in self.masters:
            self.refuse(f"no float32 copy of {shown(name)} in {MASTERS}")
        return self._array(self.masters[name], f"{MASTERS}.{name}", wanted)

    def _array(self, value: Any, place: str, wanted: Any) -> np.ndarray:
        if not isinstance(value, (np.ndarray, np.floating)) or value.dtype.kind != "f":
            self.refuse(f"{place}, which is {shown(value)}, not an array of floating-point numbers")
        shape = tuple(wanted.shape)
        if value.shape != shape and (value.shape, shape) != ((1,), ()):  # paddle before 2.5 had no 0-d tensors
            self.refuse(f"{place} of shape {list(value.shape)}, the optimizer wants {list(shape)}")
        if not np.isfinite(value).all():
            self.refuse(f"{place}, which is not finite")
        if value.dtype != wanted.numpy().dtype:
            self.refuse(f"{place} of {value.dtype}, the optimizer wants {wanted.numpy().dtype}")
        return np.asarray(value).reshape(shape)

    def belongs_to(self, name: str) -> bool:
        return any(key.startswith(name + "_") for key in self.state if key not in self.taken)

    def require_all_taken(self, of_ours: bool) -> None:
        """Refuse entries that are left over: Paddle would pass them over silently."""
        left = [key for key in self.state if key not in self.taken]
        if not left:
            return
        what = "that this optimizer does not have" if of_ours else "that belong to no parameter of this network"
        self.refuse(f"{len(left)} entries {what} (first: {shown(left[0])})")


def _uncounted(entry: str) -> str:
    """Return an entry's name without the counts Paddle adds at the end, and behind a float32 copy's name."""
    return re.sub(r"_\d+$", "", re.sub(r"_fp32_master_\d+", "_fp32_master", entry))
