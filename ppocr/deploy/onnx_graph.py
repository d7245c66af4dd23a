"""What an ONNX file says of itself: inputs, outputs, metadata, and so which kind of model it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppocr.deploy.inference_schema import TensorSpec
from ppocr.errors import CheckpointError, PpocrError

CHARACTER = "character"  # metadata key of the dictionary, one character a line, without blank and space
DTYPES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
KINDS_BY_DIMENSIONS = {2: "cls", 3: "rec", 4: "det"}  # of the output


@dataclass(frozen=True)
class OnnxGraph:
    """The outside of an ONNX model.

    Args:
        path: of the file.
        inputs: what it is fed with; the first is the image.
        outputs: names of the outputs, in their order, with their shapes, -1 where a size is free.
        metadata: texts by key.
        opset: version of the standard operators; 0 where the file has none.
    """

    path: Path
    inputs: tuple[TensorSpec, ...]
    outputs: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]
    opset: int = 0

    @property
    def characters(self) -> list[str] | None:
        """The entries of the metadata's dictionary, None where there is none."""
        text = self.metadata.get(CHARACTER)
        return text.removesuffix("\n").split("\n") if text else None

    @property
    def kind(self) -> str:
        """The kind of the results, "rec", "det" or "cls", by the shape of the one output; "" of other networks."""
        if len(self.inputs) != 1 or len(self.inputs[0].shape) != 4 or len(self.outputs) != 1:
            return ""
        shape = next(iter(self.outputs.values()))
        several_maps = len(shape) == 4 and shape[1] > 1
        return "" if several_maps else KINDS_BY_DIMENSIONS.get(len(shape), "")


def read_graph(path: str | Path) -> OnnxGraph:
    """Read an ONNX file without the engine that runs it.

    Raises:
        PpocrError: the package onnx is not installed.
        CheckpointError: the file is missing, damaged or something else.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as err:
        raise PpocrError(f"{path}: reading an ONNX file needs the package onnx", "pip install onnx") from err
    try:
        model = onnx.ModelProto.FromString(path.read_bytes())
    except DecodeError as err:
        raise CheckpointError(f"{path}: damaged, or not an ONNX file", "copy or convert it again") from err
    graph = model.graph
    arrays = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in arrays]
    if not inputs or not graph.output or not graph.node:
        raise CheckpointError(f"{path}: not an ONNX model: it has no network", "copy or convert it again")
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return OnnxGraph(
        path,
        tuple(_spec(value, "image" if value is inputs[0] else value.name) for value in inputs),
        {value.name: _shape(value) for value in graph.output},
        {entry.key: entry.value for entry in model.metadata_props},
        max(versions, default=0),
    )


def _spec(value: Any, key: str) -> TensorSpec:
    dtype = DTYPES.get(value.type.tensor_type.elem_type, "float32")
    return TensorSpec(value.name, key, _shape(value), dtype)  # type: ignore[arg-type]


def _shape(value: Any) -> tuple[Any, ...]:
    """Return the sizes of a tensor, -1 where they are free."""
    return tuple(d.dim_value if d.dim_value > 0 else -1 for d in value.type.tensor_type.shape.dim)
