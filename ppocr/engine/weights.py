"""Putting a checkpoint's arrays into a network, and saying exactly what fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.errors import CheckpointError
from ppocr.modeling.architectures.base import Architecture

SHOWN = 5
HEAD = "head."


@dataclass(frozen=True)
class Misfit:
    """A parameter whose array has another shape, or another kind of numbers, than the network wants."""

    name: str
    have: tuple[int, ...] | str
    want: tuple[int, ...] | str

    def __str__(self) -> str:
        if isinstance(self.have, str):
            return f"{self.name} holds {self.have}, the network {self.want}"
        return f"{self.name} is {list(self.have)}, the network has {list(self.want)}"


@dataclass(frozen=True)
class Aligned:
    """A parameter whose classes were matched by character: classes kept, left as initialised, and dropped."""

    name: str
    kept: int
    new: int
    dropped: int

    def __str__(self) -> str:
        return f"{self.name}: {self.kept} classes kept, {self.new} new, {self.dropped} dropped"


@dataclass
class LoadReport:
    """What of a network came from a checkpoint.

    Args:
        loaded: names taken over whole.
        missing: names the network has and the checkpoint lacks.
        unexpected: names the checkpoint has and the network lacks.
        wrong_shape: names in both that do not fit, in shape or in kind of numbers.
        aligned: parameters matched by character.
        total: values in the network.
        taken: values of it that came from the checkpoint.
        part: the part of the network whose own file this is, such as "backbone"; "" for a file of whole networks.
    """

    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    wrong_shape: list[Misfit] = field(default_factory=list)
    aligned: list[Aligned] = field(default_factory=list)
    total: int = 0
    taken: int = 0
    part: str = ""

    @property
    def share(self) -> float:
        """The part of the network's values that came from the checkpoint, 0 to 1."""
        return self.taken / self.total if self.total else 0.0

    @property
    def complete(self) -> bool:
        """Whether checkpoint and network have exactly the same parameters."""
        partial = any(a.new or a.dropped for a in self.aligned)
        return bool(self.loaded or self.aligned) and not (
            self.missing or self.unexpected or self.wrong_shape or partial
        )

    def differences(self) -> list[str]:
        """Return one short text per parameter that did not fit."""
        return [
            *map(str, self.wrong_shape),
            *(f"{name} is missing" for name in self.missing),
            *(f"{name} is not in the network" for name in self.unexpected),
            *(str(a) for a in self.aligned if a.new or a.dropped),
        ]

    def lines(self) -> list[str]:
        """Return the report as lines for the log, long lists cut."""
        result = [
            f"weights: {self.share:.1%} of the network loaded ({len(self.loaded)} tensors loaded, {len(self.aligned)} "
            f"aligned by character, {len(self.missing)} missing, {len(self.unexpected)} unexpected, "
            f"{len(self.wrong_shape)} of wrong shape)"
        ]
        if self.part:
            result.append(f"  the file is that of a {self.part} alone: its names are read as {self.part}.*")
        result += [f"  aligned {a}" for a in self.aligned]
        for title, items in (
            ("wrong shape", [*map(str, self.wrong_shape)]),
            ("missing", self.missing),
            ("unexpected", self.unexpected),
        ):
            result += [f"  {title}: {item}" for item in items[:SHOWN]]
            if len(items) > SHOWN:
                result.append(f"  {title}: and {len(items) - SHOWN} more")
        return result


def load_weights(
    model: Any,
    params: Mapping[str, np.ndarray],
    *,
    old_characters: Sequence[str] | None = None,
    new_characters: Sequence[str] | None = None,
) -> LoadReport:
    """Copy a checkpoint's arrays into a network, matching output classes by character where both lists are known.

    Args:
        model: the network (an `nn.Layer`).
        params: arrays by structured name; uint16 stands for bfloat16.
        old_characters: every class of the checkpoint in order, the special ones included ("blank" first for CTC).
        new_characters: every class of the network, likewise.

    Returns:
        What was loaded and what was not; nothing is raised for a partial fit, see `require_complete`.
    """
    report, changes = _fit(model, params, _Classes(old_characters, new_characters))
    for tensor, array in changes:
        _assign(tensor, array)
    return report


def load_all_weights(model: Any, params: Mapping[str, np.ndarray], path: str | Path) -> LoadReport:
    """Copy a checkpoint's arrays into a network that they fill exactly; otherwise nothing is changed.

    Args:
        model: the network (an `nn.Layer`).
        params: arrays by structured name; uint16 stands for bfloat16.
        path: the checkpoint, for the message.

    Raises:
        CheckpointError: a parameter is missing, left over, of another shape or kind, or not finite.
    """
    report, changes = _fit(model, params, _Classes(None, None))
    require_complete(report, path)
    for name, (_, array) in zip(report.loaded, changes):
        if not np.isfinite(_float(array)).all():
            raise CheckpointError(f"{path}: {name} is not finite", "use another checkpoint")
    for tensor, array in changes:
        _assign(tensor, array)
    return report


def _fit(
    model: Any, params: Mapping[str, np.ndarray], classes: _Classes
) -> tuple[LoadReport, list[tuple[Any, np.ndarray]]]:
    """Return what of a network a checkpoint's arrays fill, and each tensor with what is to be put into it."""
    changes: list[tuple[Any, np.ndarray]] = []
    state = model.state_dict()
    part = _part_of(params, state)
    if part:
        params = {f"{part}.{name}": array for name, array in params.items()}
    report = LoadReport(part=part, unexpected=[name for name in params if name not in state])
    tables = _declared_tables(model, classes)
    swapped = classes.reordered(params, state) if classes.differ and not tables else {}
    for name, tensor in state.items():
        want, size = tuple(tensor.shape), int(np.prod(tensor.shape))
        report.total += size
        if name not in params:
            report.missing.append(name)
            continue
        array, have = params[name], tuple(params[name].shape)
        if bool(tensor.is_floating_point()) != (array.dtype.kind == "f" or array.dtype == np.uint16):
            report.wrong_shape.append(Misfit(name, str(array.dtype), str(tensor.dtype).rpartition(".")[2]))
            continue
        guessed = classes.grown_axis(have, want) if have != want else swapped.get(name)
        entries, axis = tables.get(name, (classes, guessed))
        if axis is not None and entries.fit(have, want, axis):
            changes.append((tensor, entries.align(_float(array), _float(tensor.numpy()), axis)))
            report.aligned.append(entries.summary(name))
            report.taken += size * len(entries.pairs) // len(entries.new)
        elif have == want or {have, want} == {(), (1,)}:  # paddle before 2.5 had no 0-d tensors
            changes.append((tensor, array.reshape(want)))
            report.loaded.append(name)
            report.taken += size
        else:
            report.wrong_shape.append(Misfit(name, have, want))
    return report, changes


def require_complete(report: LoadReport, path: str | Path) -> None:
    """Refuse a checkpoint that does not fill the network exactly.

    Args:
        report: of `load_weights`.
        path: the checkpoint, for the message.

    Raises:
        CheckpointError: naming the first few differences.
    """
    if report.complete:
        return
    found = report.differences() or ["it holds no parameters"]
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    shown = "; ".join(found[:SHOWN])
    raise CheckpointError(
        f"{path}: the checkpoint does not fit the network ({report.share:.1%} loaded): {shown}{more}",
        "use the configuration and the dictionary it was trained with",
    )


def require_same_classes(known: Sequence[str] | None, now: Sequence[str] | None, path: str | Path, hint: str) -> None:
    """Refuse a checkpoint whose classes stand for something else than the network's: all its answers would be wrong.

    Args:
        known: what the classes of the checkpoint stand for; None or empty where nobody knows.
        now: those of the network, likewise.
        path: the checkpoint, for the message.
        hint: what to do about it.

    Raises:
        CheckpointError: naming the first class that differs.
    """
    if not known or not now or list(known) == list(now):
        return
    place = next((i for i, (a, b) in enumerate(zip(known, now)) if a != b), min(len(known), len(now)))
    there, here = (repr(names[place]) if place < len(names) else "nothing" for names in (known, now))
    size = "of the same size" if len(known) == len(now) else f"of another size ({len(known)} classes, now {len(now)})"
    raise CheckpointError(
        f"{path}: was trained with another dictionary {size}: its class {place} stands for {there}, here for {here}",
        hint,
    )


def require_some(report: LoadReport, path: str | Path) -> None:
    """Refuse a checkpoint of which nothing fits: training would start from scratch and look as if it did not.

    Args:
        report: of `load_weights`.
        path: the checkpoint, for the message.

    Raises:
        CheckpointError: naming the first few differences.
    """
    if report.loaded or report.aligned:
        return
    theirs, ours = report.unexpected[:1], report.missing[:1]
    names = f": it has names such as {theirs[0]}, the network such as {ours[0]}" if theirs and ours else ""
    raise CheckpointError(
        f"{path}: nothing in it fits the network{names}",
        "name weights of this network or of its backbone, or leave Global.pretrained_model empty",
    )


def _part_of(params: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> str:
    """Return the part of the network whose own names these are, "" where they are the network's or nobody's.

    Pretrained backbones come in files of their own, whose names lack the "backbone." in front.
    """
    if any(name in state for name in params):
        return ""
    fits = Counter({part: 0 for part in (name.partition(".")[0] for name in state)})
    for part in fits:
        fits[part] = sum(f"{part}.{name}" in state for name in params)
    best, count = max(fits.items(), key=lambda item: item[1], default=("", 0))
    return best if count else ""


def _declared_tables(model: Any, classes: _Classes) -> dict[str, tuple[_Classes, int]]:
    """Return the classes and the axis of each parameter that the head says has an entry for each class."""
    found: dict[str, tuple[_Classes, int]] = {}
    for prefix, network in model.models().items() if classes.differ and isinstance(model, Architecture) else ():
        if network.codec is not None:
            old, new = (network.class_tables(network.codec.with_classes(each)) for each in (classes.old, classes.new))
            for name, table in new.items():
                found[f"{prefix}.{name}" if prefix else name] = (_Classes(old[name].classes, table.classes), table.axis)
    return found


class _Classes:
    """The classes of a checkpoint and of a network, matched by character."""

    def __init__(self, old: Sequence[str] | None, new: Sequence[str] | None) -> None:
        self.old, self.new = list(old or ()), list(new or ())
        self.differ = bool(self.old and self.new) and self.old != self.new
        places = {key: index for index, key in enumerate(_numbered(self.old))}
        # (row in the checkpoint, row in the network)
        self.pairs = [(places[key], index) for index, key in enumerate(_numbered(self.new)) if key in places]

    def grown_axis(self, have: tuple[int, ...], want: tuple[int, ...]) -> int | None:
        """Return the one axis that differs, if by exactly the two class counts."""
        return next((i for i in range(len(have)) if self.differ and self.fit(have, want, i)), None)

    def fit(self, have: tuple[int, ...], want: tuple[int, ...], axis: int) -> bool:
        """Return whether two shapes have these classes along an axis and are equal along the others."""
        if len(have) != len(want) or (have[axis], want[axis]) != (len(self.old), len(self.new)):
            return False
        return all(a == b for i, (a, b) in enumerate(zip(have, want)) if i != axis % len(have))

    def reordered(self, params: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> dict[str, int]:
        """Return the class axis of each head tensor when both have equally many classes in another order.

        Shapes cannot tell the class layer from another of the same width, so the head's last layer of that width is
        taken: classes come out of a head at its end. Its output axis is the last, in weights [in, C] and biases [C].
        """
        count = len(self.new)
        if len(self.old) != count:
            return {}
        fits = [
            name
            for name in state
            if name.startswith(HEAD) and name in params and tuple(params[name].shape) == tuple(state[name].shape)
        ]
        fits = [name for name in fits if params[name].ndim in (1, 2) and params[name].shape[-1] == count]
        if not fits:
            return {}
        last = fits[-1].rpartition(".")[0]
        return {name: params[name].ndim - 1 for name in fits if name.rpartition(".")[0] == last}

    def align(self, old: np.ndarray, fresh: np.ndarray, axis: int) -> np.ndarray:
        """Return `fresh` with the classes both have taken from `old`."""
        result = np.moveaxis(fresh.copy(), axis, 0)
        if self.pairs:
            source, target = map(list, zip(*self.pairs))
            result[target] = np.moveaxis(old, axis, 0)[source]
        return np.moveaxis(result, 0, axis)

    def summary(self, name: str) -> Aligned:
        kept = len(self.pairs)
        return Aligned(name, kept, len(self.new) - kept, len(self.old) - kept)


def _numbered(items: Sequence[str]) -> list[tuple[str, int]]:
    """Return each item with the count of equal ones before it: dictionaries may repeat a character."""
    seen: Counter[str] = Counter()
    result = []
    for item in items:
        result.append((item, seen[item]))
        seen[item] += 1
    return result


def _float(array: np.ndarray) -> np.ndarray:
    """Return bfloat16 bit patterns (uint16) as float32, any other array as it is."""
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array


def _assign(tensor: Any, array: np.ndarray) -> None:
    """Set a tensor's values, converting between floating types."""
    import paddle

    array = np.ascontiguousarray(_float(array)).reshape(array.shape)
    tensor.set_value(paddle.to_tensor(array, place=paddle.CPUPlace()).astype(tensor.dtype))
