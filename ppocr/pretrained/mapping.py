"""Which parameter of a network each array of an inference model is: by its name, or by the order of use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ppocr.errors import CheckpointError
from ppocr.pretrained.deploy_form import Unit, same_but_for_ones, shaped
from ppocr.pretrained.model_file import NORMALISATION, FileTensor, ModelFile

# names that inference models of PP-OCRv4 and our own exports have, and what the parameters are called in training
RENAMED = (
    (re.compile(r"^model\."), ""),
    (re.compile(r"\.(dw_conv|pw_conv)\.w$"), r".\1.lab.scale"),
    (re.compile(r"\.(dw_conv|pw_conv)\.b$"), r".\1.lab.bias"),
    (re.compile(r"\.activation\.(scale|bias)$"), r".act.lab.\1"),
)


@dataclass
class Mapped:
    """Arrays of a file by the names of the fused network.

    Args:
        arrays: in the shapes of the network.
        folded: for each batch norm the file does not have, because its converter merged it with the convolution
            before: the bias that came of it, or None where that convolution has a bias of its own.
        by: "name" or "order".
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    folded: dict[str, np.ndarray | None] = field(default_factory=dict)
    by: str = "name"


def training_name(name: str) -> str:
    """Return what the network in training calls a parameter that an inference model calls `name`."""
    for pattern, replacement in RENAMED:
        name = pattern.sub(replacement, name)
    return name


def map_tensors(file: ModelFile, state: Mapping[str, tuple[int, ...]], units: Sequence[Unit]) -> Mapped:
    """Find the parameter of each array.

    Args:
        file: what was read.
        state: names and shapes of the fused network.
        units: the layers of a prediction in their order.

    Raises:
        CheckpointError: an array fits nothing of the network, or a prediction needs one the file lacks.
    """
    if file.named:
        names = [t.structured if t.structured in state else training_name(t.structured) for t in file.tensors]
        if all(name in state for name in names):
            return _by_name(file, names, state, units)
    return _by_order(file, units)


def _by_name(
    file: ModelFile, names: Sequence[str], state: Mapping[str, tuple[int, ...]], units: Sequence[Unit]
) -> Mapped:
    mapped = Mapped(by="name")
    for name, tensor in zip(names, file.tensors):
        if not same_but_for_ones(tensor.array.shape, state[name]):
            raise _misfit(file, tensor, name, state[name])
        mapped.arrays[name] = shaped(tensor.array, state[name])
    lacking = [name for unit in units for name in unit.shapes if name not in mapped.arrays]
    if lacking:
        raise CheckpointError(f"{file.path}: lacks {len(lacking)} parameters of the network, e.g. {lacking[0]}")
    return mapped


def _by_order(file: ModelFile, units: Sequence[Unit]) -> Mapped:
    mapped, position = Mapped(by="order"), 0
    before: Unit | None = None
    for unit in units:
        rest = file.tensors[position:]
        if unit.norm and not (rest and rest[0].operator == NORMALISATION):
            if before is not None and any(name.endswith(".bias") for name in before.shapes):
                mapped.folded[unit.layer] = None
            else:
                name, shape = next(iter(unit.shapes.items()))
                mapped.folded[unit.layer] = _fitting(file, position, name, shape)
                position += 1
        else:
            for name, shape in unit.shapes.items():
                mapped.arrays[name] = _fitting(file, position, name, shape)
                position += 1
        before = unit
    if position < len(file.tensors):
        first = file.tensors[position]
        raise CheckpointError(
            f"{file.path}: the network has no place for {len(file.tensors) - position} of its "
            f"{len(file.tensors)} arrays, the first {first.name} {list(first.array.shape)}",
            "is this the configuration of that model?",
        )
    return mapped


def _fitting(file: ModelFile, position: int, name: str, shape: Sequence[int]) -> np.ndarray:
    if position >= len(file.tensors):
        raise CheckpointError(
            f"{file.path}: ends where the network has {name} {list(shape)}", "is this the configuration of that model?"
        )
    tensor = file.tensors[position]
    if not same_but_for_ones(tensor.array.shape, shape):
        raise _misfit(file, tensor, name, shape)
    return shaped(tensor.array, shape)


def _misfit(file: ModelFile, tensor: FileTensor, name: str, shape: Sequence[int]) -> CheckpointError:
    have, want = list(tensor.array.shape), list(shape)
    hint = "is this the configuration of that model?"
    if len(have) == len(want) and have[:-1] == want[:-1] and name.startswith("head."):
        hint = f"{have[-1]} classes come of another dictionary: name it with --dict"
    return CheckpointError(f"{file.path}: {tensor.structured or tensor.name} is {have}, {name} is {want}", hint)
