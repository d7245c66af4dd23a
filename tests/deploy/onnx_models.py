"""Small ONNX models with random weights, built node by node: a recogniser, a detector and a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHARACTERS = "0123456789abcdef"
CLASSES = len(CHARACTERS) + 2  # with the blank and the space
OPSET = 13
CHANNELS = 8


def save_rec(path: Path, characters: str | None = CHARACTERS) -> Path:
    """Write a recogniser of lines 32 pixels high, with its dictionary in the metadata, and return the path."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[4, 4], kernel_shape=[4, 4]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("ReduceMean", ["r"], ["m"], axes=[2], keepdims=0),
        helper.make_node("Transpose", ["m"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "v"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["ctc"], axis=2),
    ]
    weights = {"w": _random(CHANNELS, 3, 4, 4), "v": _random(CHANNELS, CLASSES) * 20}
    metadata = {"character": "\n".join(characters)} if characters else {}
    return _save(path, nodes, weights, ("B", 3, 32, "W"), ("ctc", ("B", "T", CLASSES)), metadata)


def save_det(path: Path, maps: int = 1) -> Path:
    """Write a detector whose map has the size of the image, and return the path."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Sigmoid", ["c"], ["maps"]),
    ]
    output = ("maps", ("B", maps, "H", "W"))
    return _save(path, nodes, {"w": _random(maps, 3, 3, 3)}, ("B", 3, "H", "W"), output, {})


def save_cls(path: Path, labels: Sequence[str] = ()) -> Path:
    """Write a classifier of images [3, 48, 192], with labels in the metadata if there are some; return the path."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[8, 8], kernel_shape=[8, 8]),
        helper.make_node("GlobalMaxPool", ["c"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Softmax", ["f"], ["probabilities"], axis=1),
    ]
    metadata = {"character": "\n".join(labels)} if labels else {}
    classes = max(2, len(labels))
    output = ("probabilities", ("B", classes))
    return _save(path, nodes, {"w": _random(classes, 3, 8, 8)}, ("B", 3, 48, 192), output, metadata)


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


def _save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, np.ndarray],
    shape: Sequence[str | int],
    output: tuple[str, Sequence[str | int]],
    metadata: Mapping[str, str],
) -> Path:
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path
