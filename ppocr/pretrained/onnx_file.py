"""ONNX files: their arrays in the order of the nodes that use them, and the dictionary in their metadata."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.engine.unpickle import read_checkpoint_bytes
from ppocr.errors import CheckpointError, PpocrError
from ppocr.pretrained.model_file import NORMALISATION, FileTensor, ModelFile, check_names, check_shape, damage_named

FLOATS = (1, 10, 11)  # TensorProto.DataType: float, float16, double
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


def read_onnx(path: Path) -> ModelFile:
    """Read the parameters of an ONNX file.

    Raises:
        PpocrError: the package onnx is not installed.
        CheckpointError: it is missing, damaged, something else, or keeps its arrays in other files.
    """
    data = read_checkpoint_bytes(path)
    try:
        import onnx
    except ImportError as error:
        raise PpocrError(f"{path}: reading an ONNX file needs the package onnx", "pip install ppocr[onnx]") from error
    with damage_named(path, "an ONNX file"):
        model = onnx.ModelProto.FromString(data)
        if not model.HasField("graph"):
            raise ValueError("it has no graph")
        tensors = _tensors(model.graph)
        characters = _characters({entry.key: entry.value for entry in model.metadata_props}.get("character", ""))
    if not tensors:
        raise CheckpointError(f"{path}: an ONNX file without parameters")
    return ModelFile(path, tensors, characters)


def _characters(text: str) -> list[str] | None:
    """Return the dictionary of the metadata, one character a line."""
    if not text:
        return None
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _tensors(graph: Any) -> list[FileTensor]:
    """Return the arrays of a graph (`onnx.GraphProto`) in the order of their first use."""
    arrays = ((tensor.name, _array(tensor)) for tensor in graph.initializer)
    # by value name: the name and content of the array behind it
    constants = {name: (name, array) for name, array in arrays if array is not None}
    found: dict[str, FileTensor] = {}
    for node in graph.node:
        if node.op_type == "Constant":
            array = next((_array(a.t) for a in node.attribute if a.HasField("t")), None)
            if array is not None:
                constants[node.output[0]] = node.output[0], array
        elif node.op_type in FORWARDING and node.input and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
        elif node.op_type in LEARNED:
            for name, array in (constants[operand] for operand in node.input if operand in constants):
                if name not in found and _is_learned(node, name, array):
                    array = array.T if array.ndim == 2 and _transposed(node) else array
                    norm = node.op_type == "BatchNormalization"
                    found[name] = FileTensor(name, array, NORMALISATION if norm else "")
    check_names(constants)
    return list(found.values())


def _is_learned(node: Any, name: str, array: np.ndarray) -> bool:
    """Return whether an operand is a parameter and not a number of the formula, such as the 6 of a hard swish."""
    if array.size > 1 or node.op_type not in ("Add", "Mul") or PADDLE_NAME.fullmatch(name):
        return True
    return node.op_type == "Add" and array.ndim == 4  # the bias of a convolution that gives one channel


def _transposed(node: Any) -> bool:
    return node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute)


def _array(tensor: Any) -> np.ndarray | None:
    """Return the content of an `onnx.TensorProto`, None where it does not hold floats.

    Raises:
        ValueError: shape and content do not fit, or the content is in another file, which is not read.
    """
    from onnx.numpy_helper import to_array

    if tensor.data_location == tensor.EXTERNAL:
        raise ValueError(f"{tensor.name or 'an array'} is stored in another file, which is not read")
    if tensor.data_type not in FLOATS:
        return None
    check_shape(tensor.dims, tensor.name)
    return to_array(tensor)
