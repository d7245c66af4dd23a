"""Small real parts: a network, its exported folder, and ONNX files written field by field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import paddle

from ppocr.deploy.export import STEM, intermediate_representation, save_program
from ppocr.deploy.inference_schema import TensorSpec
from ppocr.modeling.architectures import build_model
from tests.conformance.networks import fill_network

ANGLE = {
    "model_type": "cls",
    "algorithm": "CLS",
    "Backbone": {"name": "MobileNetV3", "model_name": "small", "scale": 0.35},
    "Head": {"name": "ClsHead", "class_dim": 2},
}
SHAPE = (3, 32, 64)
Content = int | bytes | str | Sequence


def network(architecture: dict, seed: int = 0) -> paddle.nn.Layer:
    """A network whose parameters, statistics included, are all different."""
    paddle.seed(seed)
    model = build_model(architecture)
    fill_network(model, {})
    model.eval()
    return model


def export(model: paddle.nn.Layer, folder: Path, ir: str, output: str) -> Path:
    """Export a network into a folder, in the new or the old format."""
    folder.mkdir()
    with intermediate_representation(ir):
        save_program(model, (TensorSpec("x", "image", (-1, *SHAPE)),), (output,), folder, ir)
    assert (folder / f"{STEM}.pdiparams").is_file()
    return folder


def encoded(fields: Sequence[tuple[int, Content]]) -> bytes:
    """A protocol buffer message of (number, value): integers, bytes, texts, or messages as further lists."""
    result = b""
    for number, value in fields:
        if isinstance(value, int):
            result += _varint(number << 3) + _varint(value)
            continue
        content = value.encode() if isinstance(value, str) else value
        content = content if isinstance(content, bytes) else encoded(content)
        result += _varint(number << 3 | 2) + _varint(len(content)) + content
    return result


def _varint(value: int) -> bytes:
    result = b""
    while value > 0x7F:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def tensor(name: str, array: np.ndarray, kind: int = 1) -> list[tuple[int, Content]]:
    """An ONNX tensor."""
    return [*((1, side) for side in array.shape), (2, kind), (8, name), (9, array.tobytes())]


def node(kind: str, inputs: Sequence[str], output: str, *attributes: Content) -> list[tuple[int, Content]]:
    """An ONNX node."""
    return [*((1, name) for name in inputs), (2, output), (4, kind), *((5, a) for a in attributes)]


def onnx(nodes: Sequence[Content], tensors: Sequence[Content] = (), characters: str | None = None) -> bytes:
    """An ONNX file."""
    graph = [*((1, n) for n in nodes), *((5, t) for t in tensors)]
    metadata = [(14, [(1, "character"), (2, characters)])] if characters is not None else []
    return encoded([(1, 7), (7, graph), *metadata])
