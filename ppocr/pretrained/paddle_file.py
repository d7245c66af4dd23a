"""Paddle's inference models: `inference.pdiparams` with the program that says what its arrays are.

The parameter file holds arrays without names, in the order of their sorted names. The names stand in the program:
`inference.pdmodel` (a protocol buffer) or `inference.json`. `inference.pdiparams.info`, a pickle, adds the names the
arrays had in the network; it may list more of them than the file holds: exporting drops what only training uses.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from paddle.base.proto.framework_pb2 import ProgramDesc, VarType

from ppocr.deploy.inference_schema import recorded_sha256
from ppocr.deploy.integrity import check_files
from ppocr.deploy.model_files import find_program
from ppocr.engine.unpickle import load, read_checkpoint_bytes
from ppocr.errors import CheckpointError
from ppocr.pretrained.model_file import NORMALISATION, FileTensor, ModelFile, check_names, check_shape, damage_named

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
    content = read_checkpoint_bytes(program)
    with damage_named(program, "a Paddle program"):
        uses, names = read(content)
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
    data = memoryview(read_checkpoint_bytes(path))
    arrays, position = {}, 0
    for number, name in enumerate(names, 1):
        if position == len(data):
            break
        with damage_named(path, f"a combined parameter file: array {number} of {len(names)}"):
            arrays[name], position = _array(data, position)
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
        raise ValueError("unknown version")
    position += 20
    if not 0 < size <= len(data) - position:
        raise ValueError("a description of impossible size")
    description = VarType.TensorDesc.FromString(data[position : position + size])
    if description.data_type not in DTYPES:
        raise ValueError(f"the unknown type {description.data_type}")
    position, shape, dtype = position + size, list(description.dims), np.dtype(DTYPES[description.data_type])
    check_shape(shape, "it")
    end = position + math.prod(shape) * dtype.itemsize
    if end > len(data):
        raise ValueError(f"{len(data) - position} bytes are left of the {end - position} of shape {shape}")
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
    blocks = ProgramDesc.FromString(data).blocks
    known = dict.fromkeys(v.name for block in blocks for v in block.vars if v.persistable and v.name not in FEEDS)
    check_names(known)
    uses: dict[str, str] = {}
    for operator in (operator for block in blocks for operator in block.ops):
        norm = NORMALISATION if operator.type in OLD_NORMALISATION else ""
        slots = sorted(operator.inputs, key=lambda v: SLOTS.index(v.parameter) if v.parameter in SLOTS else len(SLOTS))
        for name in (name for slot in slots for name in slot.arguments):
            if name in known:
                uses.setdefault(name, norm)
    return list(uses.items()), list(known)


def _uses_of_json(data: bytes) -> tuple[Uses, list[str]]:
    """Return the parameters of a program of the new format in the order of their use, and all of their names."""
    parameters: dict[int, str] = {}
    uses: dict[str, str] = {}
    for operator in _operators(json.loads(data.decode("utf-8"))["program"]["regions"]):
        kind = operator["#"]
        if kind in ("p", "0.parameter"):  # builtin.parameter: its last attribute in the fixed list is the name
            name = next(part for part in reversed(operator["A"]) if isinstance(part, str))
            parameters[operator["O"]["%"]] = name
            continue
        operands = [value["%"] for value in operator.get("I", ())]
        norm = kind.rpartition(".")[2] in ("batch_norm", "batch_norm_", "sync_batch_norm_")
        order = [operands[i] for i in PIR_NORMALISATION] if norm and len(operands) >= 5 else operands
        for operand in order:
            if operand in parameters:
                uses.setdefault(parameters[operand], NORMALISATION if norm else "")
    return list(uses.items()), list(dict.fromkeys(parameters.values()))


def _operators(parts: Any) -> Iterator[dict[str, Any]]:
    for part in parts:
        for block in part["blocks"]:
            for operator in block["ops"]:
                yield operator
                yield from _operators(operator.get("regions", ()))
