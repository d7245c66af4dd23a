"""What `paddle.save` makes of a state_dict, and back: name tables, slices of big arrays, (name, array) pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from ppocr.engine.structure import ByName, Whole, require, shown
from ppocr.errors import CheckpointError

NAME_TABLE = "StructuredToParameterName@@"  # parameter names by structured name
SLICED = "UnpackBigParamInfor@@"  # upstream: the spelling is paddle's, in files of protocol 2 and 3


class _Slices(TypedDict):
    OriginShape: Sequence[Whole]
    slices: Sequence[str]


class Unfit(Exception):
    """An array cannot be put together; the text says why."""


def name_table(state: dict[str, Any], path: Path) -> dict[str, str]:
    """Return the names that parameters had in the process that saved them, by structured name; empty if unknown.

    Raises:
        CheckpointError: the table is malformed.
    """
    names = state.get(NAME_TABLE, {})
    require(names, dict[str, str], path, place=NAME_TABLE)
    return dict(names)


def unpacked(state: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a saved state_dict without paddle's packing.

    Raises:
        CheckpointError: the packing is malformed.
    """
    require(state, ByName, path)
    slices = state.get(SLICED, {})
    require(slices, dict[str, _Slices], path, place=SLICED)
    result = {key: _unpaired(value) for key, value in state.items() if key not in (NAME_TABLE, SLICED)}
    for key, entry in slices.items():
        try:
            if key in result:
                raise Unfit("it is there in one piece too")
            result[key] = _joined(result, entry)
        except Unfit as error:
            raise CheckpointError(f"{path}: {SLICED}: {shown(key)}: {error}") from None
    return result


def _joined(state: dict[str, Any], entry: dict[str, Any]) -> np.ndarray:
    """Return a big array from its slices, which are taken out of the state."""
    parts = []
    for name in entry["slices"]:
        part = state.pop(name, None)
        if not isinstance(part, np.ndarray) or part.ndim != 1 or part.dtype.kind not in "biuf":
            raise Unfit(f"its slice {shown(name)} is {'missing' if part is None else 'no row of numbers'}")
        parts.append(part)
    shape = tuple(int(n) for n in entry["OriginShape"])
    if not parts or len({part.dtype for part in parts}) > 1 or sum(p.size for p in parts) != math.prod(shape):
        raise Unfit("its slices do not make an array of its shape")
    return np.concatenate(parts).reshape(shape)


def _unpaired(value: Any) -> Any:
    """Return tensors that paddle saved inside other containers, as (name, array), as arrays."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], np.ndarray):
        return value[1]
    if isinstance(value, dict):
        return {key: _unpaired(item) for key, item in value.items()}
    return [_unpaired(item) for item in value] if isinstance(value, list) else value


def arrays(state: dict[str, Any], path: Path) -> dict[str, np.ndarray]:
    """Return a network's state, of which every value must be an array of numbers.

    Raises:
        CheckpointError: naming the first that is not.
    """
    state = unpacked(state, path)
    for key, value in state.items():
        if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "biuf":
            raise CheckpointError(f"{path}: {shown(key)} is {shown(value)}, not an array of numbers")
    return {key: np.asarray(value) for key, value in state.items()}
