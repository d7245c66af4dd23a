"""Paddle's inference models: `inference.pdiparams` with the program that says what its arrays are.

The parameter file holds arrays without names, in the order of their sorted names. The names stand in the program:
`inference.pdmodel` (a protocol buffer) or `inference.json`. `inference.pdiparams.info`, a pickle, adds the names the
arrays had in the network; it may list more of them than the file holds: exporting drops what only training uses.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.deploy.backends import find_program
from ppocr.deploy.inference_schema import recorded_sha256
from ppocr.deploy.integrity import check_files
from ppocr.engine.unpickle import load, read_bytes
from ppocr.errors import CheckpointError
from ppocr.pretrained import wire
from ppocr.pretrained.model_file import NORMALISATION, FileTensor, ModelFile

# numbers of framework.proto's VarType that networks are saved in
DTYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "|u1", 21: "|i1"}
FEEDS = ("feed", "fetch")
OLD_NORMALISATION = ("batch_norm", "sync_batch_norm")
# slots of old operators in the order of a state_dict; what is not listed comes last
SLOTS = ("Filter", "W", "Y", "Scale", "Bias", "Mean", "Variance")
# positions of the operands scale, bias, mean, variance of the new format's batch norm
PIR_NORMALISATION = (3, 4, 1, 2)

Uses = list[tuple[str, str]]  # (saved name, NORMALISATION or ""), in the order of the program


def read_folder(folder: Path) -> ModelFile:
    """Read the parameters of an exported folder.

    Raises:
        CheckpointError: a file is missing or damaged, or they do not belong together.
    """
    program, parameters = find_program(folder)
    check_files(program, parameters, recorded_sha256(folder))
    read = _uses_of_json if program.suffix == ".json" else _uses_of_program
    try:
        uses, names = read(read_bytes(program))
    except wire.Damaged as error:
        raise CheckpointError(f"{program}: damaged or not a Paddle program: {error.message}") from None
    if not names:
        raise CheckpointError(f"{program}: a program without parameters")
    arrays = read_parameters(parameters, sorted(names))
    structured = _structured(parameters.with_name(parameters.name + ".info"), set(names))
    used = {name for name, _ in uses}
    uses += [(name, "") for name in sorted(names) if name not in used]
    uses = [(name, op) for name, op in uses if arrays[name].dtype.kind == "f"]  # others are states of random numbers
    return ModelFile(folder, [FileTensor(name, arrays[name], op, structured.get(name, "")) for name, op in uses])


def read_parameters(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    """Return the arrays of a combined parameter file.

    Args:
        path: the file.
        names: of its arrays, in the order of the file.

    Raises:
        CheckpointError: it is damaged, something else, or holds another number of arrays.
    """
    data = memoryview(read_bytes(path))
    arrays, position = {}, 0
    try:
        for name in names:
            if position == len(data):
                break
            arrays[name], position = _array(data, position)
    except (wire.Damaged, struct.error) as error:
        reason = error.message if isinstance(error, CheckpointError) else "it ends in the middle of an array"
        raise CheckpointError(
            f"{path}: damaged or not a combined parameter file: array {len(arrays) + 1} of {len(names)}: {reason}"
        ) from None
    if len(arrays) != len(names):
        raise CheckpointError(f"{path}: holds {len(arrays)} arrays, its program has {len(names)}")
    if position != len(data):
        raise CheckpointError(f"{path}: {len(data) - position} bytes follow the program's {len(names)} arrays")
    return arrays


def _array(data: memoryview, position: int) -> tuple[np.ndarray, int]:
    """Return the array at a position, and the position behind it."""
    version, levels = struct.unpack_from("<IQ", data, position)
    tensor_version, size = struct.unpack_from("<Ii", data, position + 12)
    if version or levels or tensor_version:
        raise wire.Damaged("unknown version")
    position += 20
    if not 0 < size <= len(data) - position:
        raise wire.Damaged("a description of impossible size")
    kind, shape = -1, []
    for number, value in wire.fields(data[position : position + size]):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2:
            shape += wire.integers(value)
    position += size
    if kind not in DTYPES:
        raise wire.Damaged(f"the unknown type {kind}")
    dtype = np.dtype(DTYPES[kind])
    end = position + wire.elements(shape, "it") * dtype.itemsize
    if end > len(data):
        raise wire.Damaged(f"{len(data) - position} bytes are left of the {end - position} of shape {shape}")
    return np.frombuffer(data[position:end], dtype).reshape(shape), end


def _structured(path: Path, names: set[str]) -> dict[str, str]:
    """Return the network's names by saved name, where the file that tells them is there."""
    if not path.exists():
        return {}
    table = load(path)
    entries = table if isinstance(table, dict) else {}
    found = {
        saved: entry["structured_name"]
        for saved, entry in entries.items()
        if isinstance(entry, dict) and isinstance(entry.get("structured_name"), str)
    }
    lacking = sorted(names - set(found))
    if lacking:
        raise CheckpointError(f"{path}: does not name {len(lacking)} of {len(names)} parameters, e.g. {lacking[0]}")
    return found


def _uses_of_program(data: bytes) -> tuple[Uses, list[str]]:
    """Return the parameters of an old program in the order of their use, and all of their names."""
    names: list[str] = []
    operators = []
    for number, block in wire.fields(memoryview(data)):
        if number != 1:  # ProgramDesc.blocks
            continue
        for kind, value in wire.fields(wire.message(block)):
            if kind == 3:  # BlockDesc.vars
                names += _persistable(wire.message(value))
            elif kind == 4:  # BlockDesc.ops
                operators.append(wire.message(value))
    known, seen, uses = set(names), set(), []
    for operator in operators:
        operation, slots = _operator(operator)
        for _, inputs in sorted(slots, key=lambda slot: SLOTS.index(slot[0]) if slot[0] in SLOTS else len(SLOTS)):
            for name in inputs:
                if name in known and name not in seen:
                    seen.add(name)
                    uses.append((name, NORMALISATION if operation in OLD_NORMALISATION else ""))
    return uses, list(dict.fromkeys(names))


def _persistable(variable: memoryview) -> list[str]:
    """Return the name of a variable if it is stored in the parameter file."""
    name, stored = "", False
    for number, value in wire.fields(variable):
        if number == 1:
            name = wire.text(value)
        elif number == 3:
            stored = bool(value)
    return [name] if stored and name not in FEEDS else []


def _operator(message: memoryview) -> tuple[str, list[tuple[str, list[str]]]]:
    """Return an operator's type and its inputs as (slot, variables)."""
    kind, slots = "", []
    for number, value in wire.fields(message):
        if number == 3:  # OpDesc.type
            kind = wire.text(value)
        elif number == 1:  # OpDesc.inputs
            parts = list(wire.fields(wire.message(value)))
            slot = next((wire.text(v) for n, v in parts if n == 1), "")
            slots.append((slot, [wire.text(v) for n, v in parts if n == 2]))
    return kind, slots


def _uses_of_json(data: bytes) -> tuple[Uses, list[str]]:
    """Return the parameters of a program of the new format in the order of their use, and all of their names."""
    try:
        document = json.loads(data.decode("utf-8"))
        operators = list(_operators(document["program"]["regions"]))
    except (ValueError, RecursionError) as error:
        raise wire.Damaged("it is no JSON") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise wire.Damaged("the JSON holds no program") from error
    try:
        return _uses_of_operators(operators)
    except (KeyError, TypeError, IndexError) as error:
        raise wire.Damaged("an operator of it is incomplete") from error


def _operators(regions: Any) -> Iterator[dict[str, Any]]:
    for region in regions:
        for block in region["blocks"]:
            for operator in block["ops"]:
                yield operator
                yield from _operators(operator.get("regions", ()))


def _uses_of_operators(operators: list[dict[str, Any]]) -> tuple[Uses, list[str]]:
    parameters: dict[int, str] = {}
    uses: Uses = []
    seen = set()
    for operator in operators:
        kind = operator["#"]
        if kind in ("p", "0.parameter"):  # builtin.parameter: its last attribute in the fixed list is the name
            name = next(part for part in reversed(operator["A"]) if isinstance(part, str))
            parameters[operator["O"]["%"]] = name
            continue
        operands = [value["%"] for value in operator.get("I", ())]
        norm = kind.rpartition(".")[2] in ("batch_norm", "batch_norm_", "sync_batch_norm_")
        order = [operands[i] for i in PIR_NORMALISATION] if norm and len(operands) >= 5 else operands
        for operand in order:
            if operand in parameters and parameters[operand] not in seen:
                seen.add(parameters[operand])
                uses.append((parameters[operand], NORMALISATION if norm else ""))
    return uses, list(dict.fromkeys(parameters.values()))
