"""The backend that runs a model: the one that was asked for, or the fastest that can."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Sequence

from ppocr.deploy.backends.base import FileBackend, RuntimeOptions
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.backends.openvino_backend import OpenVinoBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.model_files import ModelFiles
from ppocr.errors import PpocrError

logger = logging.getLogger(__name__)

Outputs = Sequence[str] | None


def make_backend(files: ModelFiles, outputs: Outputs = None, options: RuntimeOptions | None = None) -> FileBackend:
    """Return what runs a model.

    Args:
        files: of the model.
        outputs: names given to the outputs in their order; None keeps the model's.
        options: `backend` says which engine; where it is "auto", or Paddle for a model that is ONNX only, it is
            the first of OpenVINO, ONNX Runtime and Paddle that is installed and loads the model.

    Raises:
        PpocrError: the engine is not installed or does not read this model.
        CheckpointError: the model is damaged.
    """
    options = options or RuntimeOptions()
    if options.backend == "paddle" and files.program is None:
        logger.info("%s: an ONNX model, which Paddle does not run: taken by the first engine that can", files.path)
    elif options.backend != "auto":
        return MAKERS[options.backend](files, outputs, options)
    reasons = []
    for name in ENGINES:
        try:
            if importlib.util.find_spec(name) is None:
                raise PpocrError("it is not installed")
            backend = MAKERS[name](files, outputs, options)
        except PpocrError as err:
            reasons.append(f"not {name}: {err.message}")
            continue
        logger.info("%s: run by %s%s", files.path, name, "".join(f"; {reason}" for reason in reasons))
        return backend
    raise PpocrError(f"{files.path}: no engine runs it: {'; '.join(reasons)}", "pip install openvino or onnxruntime")


def _paddle(files: ModelFiles, outputs: Outputs, options: RuntimeOptions) -> PaddleBackend:
    if files.program is None:
        raise PpocrError(f"{files.path}: Paddle does not run ONNX models")
    return PaddleBackend(files.path, outputs, options)


def _onnxruntime(files: ModelFiles, outputs: Outputs, options: RuntimeOptions) -> OnnxBackend:
    if files.onnx is None:
        raise PpocrError(f"{files.path}: ONNX Runtime needs an inference.onnx", "convert it: tools/onnx.py")
    return OnnxBackend(files.onnx, outputs, options)


def _openvino(files: ModelFiles, outputs: Outputs, options: RuntimeOptions) -> OpenVinoBackend:
    program = files.program if files.program is not None and files.program.suffix == ".pdmodel" else None
    model = files.onnx or program
    if model is None:
        raise PpocrError(f"{files.path}: OpenVINO does not read inference.json", "convert it: tools/onnx.py")
    return OpenVinoBackend(model, outputs, options)


MAKERS: dict[str, Callable[[ModelFiles, Outputs, RuntimeOptions], FileBackend]] = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
    "paddle": _paddle,
}
ENGINES = {
    "openvino": "openvino",
    "onnxruntime": "onnxruntime",
    "paddle": "paddle",
}  # fastest first, with their modules
