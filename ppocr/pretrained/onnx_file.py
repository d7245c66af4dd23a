"""ONNX files: their arrays in the order of the nodes that use them, and the dictionary in their metadata.

Source: the message definitions of onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppocr.engine.unpickle import read_bytes
from ppocr.errors import CheckpointError
from ppocr.pretrained import wire
from ppocr.pretrained.model_file import NORMALISATION, FileTensor, ModelFile

FLOATS = {1: "<f4", 10: "<f2", 11: "<f8"}  # TensorProto.DataType
STORED_ELSEWHERE = 1  # TensorProto.DataLocation.EXTERNAL
# operators whose constant operands are what a network learned
LEARNED = {
    "Add",
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "Gemm",
    "LayerNormalization",
    "MatMul",
    "Mul",
    "PRelu",
}
# operators that hand a constant on, at most in another shape
FORWARDING = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
PADDLE_NAME = re.compile(r"\w+_\d+\.[wb]_\d+")


@dataclass
class _Node:
    kind: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: list[memoryview] = field(default_factory=list)


def read_onnx(path: Path) -> ModelFile:
    """Read the parameters of an ONNX file.

    Raises:
        CheckpointError: it is missing, damaged, something else, or keeps its arrays in other files.
    """
    data = memoryview(read_bytes(path))
    graph, metadata = None, {}
    try:
        for number, value in wire.fields(data):
            if number == 7:  # ModelProto.graph
                graph = wire.message(value)
            elif number == 14:  # ModelProto.metadata_props
                entry = dict(wire.fields(wire.message(value)))
                metadata[wire.text(entry.get(1, memoryview(b"")))] = wire.text(entry.get(2, memoryview(b"")))
        if graph is None:
            raise wire.Damaged("it has no graph")
        tensors = _tensors(graph)
    except wire.Damaged as error:
        raise CheckpointError(f"{path}: damaged or not an ONNX file: {error.message}") from None
    if not tensors:
        raise CheckpointError(f"{path}: an ONNX file without parameters")
    return ModelFile(path, tensors, _characters(metadata.get("character")))


def _characters(text: str | None) -> list[str] | None:
    """Return the dictionary of the metadata, one character a line."""
    if not text:
        return None
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _tensors(graph: memoryview) -> list[FileTensor]:
    """Return the arrays of a graph in the order of their first use."""
    constants: dict[str, tuple[str, np.ndarray]] = {}  # by value name: the name and content of the array behind it
    nodes = []
    for number, value in wire.fields(graph):
        if number == 5:  # GraphProto.initializer
            name, array = _array(wire.message(value))
            if array is not None:
                constants[name] = name, array
        elif number == 1:  # GraphProto.node
            nodes.append(_node(wire.message(value)))
    found: dict[str, FileTensor] = {}
    for node in nodes:
        if node.kind == "Constant" and node.outputs:
            array = _constant(node)
            if array is not None:
                constants[node.outputs[0]] = node.outputs[0], array
        elif node.kind in FORWARDING and node.inputs and node.inputs[0] in constants:
            constants[node.outputs[0]] = constants[node.inputs[0]]
        elif node.kind in LEARNED:
            for operand in node.inputs:
                if (
                    operand in constants
                    and constants[operand][0] not in found
                    and _is_learned(node, *constants[operand])
                ):
                    name, array = constants[operand]
                    array = array.T if node.kind == "Gemm" and array.ndim == 2 and _transposed(node) else array
                    found[name] = FileTensor(name, array, NORMALISATION if node.kind == "BatchNormalization" else "")
    return list(found.values())


def _is_learned(node: _Node, name: str, array: np.ndarray) -> bool:
    """Return whether an operand is a parameter and not a number of the formula, such as the 6 of a hard swish."""
    if array.size > 1 or node.kind not in ("Add", "Mul") or PADDLE_NAME.fullmatch(name):
        return True
    return node.kind == "Add" and array.ndim == 4  # the bias of a convolution that gives one channel


def _node(message: memoryview) -> _Node:
    node = _Node()
    for number, value in wire.fields(message):
        if number == 1:
            node.inputs.append(wire.text(value))
        elif number == 2:
            node.outputs.append(wire.text(value))
        elif number == 4:
            node.kind = wire.text(value)
        elif number == 5:
            node.attributes.append(wire.message(value))
    if node.kind in FORWARDING and not node.outputs:
        raise wire.Damaged("a node without a result")
    return node


def _constant(node: _Node) -> np.ndarray | None:
    """Return the array of a Constant node, None where it is no array of floats."""
    for attribute in node.attributes:
        for number, value in wire.fields(attribute):
            if number == 5:  # AttributeProto.t
                return _array(wire.message(value))[1]
    return None


def _transposed(node: _Node) -> bool:
    for attribute in node.attributes:
        entry = dict(wire.fields(attribute))
        if 1 in entry and wire.text(entry[1]) == "transB":
            return bool(entry.get(3, 0))
    return False


def _array(message: memoryview) -> tuple[str, np.ndarray | None]:
    """Return a tensor's name and its content, None where it does not hold floats."""
    name, shape, kind, raw = "", [], 0, None
    listed: list[float] = []
    for number, value in wire.fields(message):
        if number == 1:
            shape += wire.integers(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 4:
            listed += wire.floats(value)
        elif number == 8:
            name = wire.text(value)
        elif number == 9:
            raw = wire.message(value)
        elif number == 14 and value == STORED_ELSEWHERE:
            raise wire.Damaged(f"{name or 'an array'} is stored in another file, which is not read")
    if kind not in FLOATS:
        return name, None
    size = wire.elements(shape, name or "an array")
    dtype = np.dtype(FLOATS[kind])
    if raw is None:
        array = np.array(listed, "<f4")
    elif len(raw) % dtype.itemsize:
        raise wire.Damaged(f"{name} has {len(raw)} bytes")
    else:
        array = np.frombuffer(raw, dtype)
    if array.size != size:
        raise wire.Damaged(f"{name} has {array.size} values for the shape {shape}")
    return name, array.reshape(shape)
