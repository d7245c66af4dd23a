"""The backend that runs a model: the one that was asked for, or the fastest that gives the same outputs."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ppocr.deploy.backends.base import Backend, FileBackend, RuntimeOptions
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.backends.openvino_backend import OpenVinoBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.inference_config import InferenceConfig
from ppocr.deploy.integrity import file_sha256
from ppocr.deploy.model_files import ModelFiles
from ppocr.deploy.onnx import NotConvertible, cached, trial_batches
from ppocr.deploy.trial_inputs import difference
from ppocr.errors import PpocrError
from ppocr.utils.atomic import write_file
from ppocr.utils.cache_folder import cache_folder

logger = logging.getLogger(__name__)

EQUAL = 1e-3  # largest difference of outputs, which are probabilities, between engines
VERDICTS = "verdicts"  # folder in the cache


@dataclass(frozen=True)
class Network:
    """A network to be run.

    Args:
        files: of the model.
        config: what it is fed with.
        outputs: names given to the outputs in their order; None keeps the model's.
    """

    files: ModelFiles
    config: InferenceConfig
    outputs: Sequence[str] | None = None


def make_backend(network: Network, options: RuntimeOptions | None = None) -> FileBackend:
    """Return what runs a network.

    Args:
        network: with its files.
        options: `backend` says which engine. "auto", and Paddle for a model that is ONNX only, is the first of
            OpenVINO, ONNX Runtime, Paddle with oneDNN and Paddle that is installed, runs the network and gives the
            outputs of the reference (Paddle, or ONNX Runtime for an ONNX model); that is found out once.

    Raises:
        PpocrError: the engine is not installed or does not read this model.
        CheckpointError: the model is damaged.
    """
    options = options or RuntimeOptions()
    files = network.files
    if options.backend == "paddle" and files.program is None:
        logger.info("%s: an ONNX model, which Paddle does not run: taken by the fastest engine that can", files.path)
    elif options.backend != "auto":
        try:
            return MAKERS[options.backend](network, options)
        except NotConvertible as err:
            logger.warning("%s; run by Paddle", err.message)
            return MAKERS["paddle"](network, options)
    return _fastest(network, options)


def _fastest(network: Network, options: RuntimeOptions) -> FileBackend:
    """Return the first engine that can, and log it with the reasons against those before it."""
    reasons: list[str] = []
    for title, name, chosen in _candidates(network.files, options):
        try:
            backend = _make(name, network, chosen)
            reason = "" if options.use_gpu else _differs(title, name, network, chosen)
        except PpocrError as err:
            reason = err.message
        if not reason:
            logger.info("%s: run by %s%s", network.files.path, title, "".join(f"; not {each}" for each in reasons))
            return backend
        reasons.append(f"{title}: {reason}")
    raise PpocrError(f"{network.files.path}: no engine runs it: {'; '.join(reasons)}", "pip install openvino")


def _candidates(files: ModelFiles, options: RuntimeOptions) -> list[tuple[str, str, RuntimeOptions]]:
    """Return title, name and options of the engines to be tried, the fastest first."""
    paddle = [("Paddle", "paddle", options)] if files.program else []
    onnxruntime = ("ONNX Runtime", "onnxruntime", options)
    if options.use_gpu:
        return [*paddle, onnxruntime]
    if files.program and not options.mkldnn:
        paddle.insert(0, ("Paddle with oneDNN", "paddle", dataclasses.replace(options, mkldnn=True)))
    return [("OpenVINO", "openvino", options), onnxruntime, *paddle]


def _make(name: str, network: Network, options: RuntimeOptions) -> FileBackend:
    """Return an engine; raise PpocrError where it is not installed."""
    if importlib.util.find_spec(name) is None:
        raise PpocrError("not installed")
    return MAKERS[name](network, options)


def _differs(title: str, name: str, network: Network, options: RuntimeOptions) -> str:
    """Return why an engine's outputs are not those of the reference, "" where they are.

    It is found out on random inputs in float32, and kept in the cache folder: later neither is run for that.
    """
    reference = "paddle" if network.files.program else "onnxruntime"
    plain = dataclasses.replace(options, precision="fp32")
    if (name, options.mkldnn) == (reference, False) or importlib.util.find_spec(reference) is None:
        return ""
    place = _verdict_path(title, network.files)
    if place is not None and place.is_file():
        return str(json.loads(place.read_text(encoding="utf-8"))["reason"])
    candidate = MAKERS[name](network, plain)
    reason = _compared(candidate, MAKERS[reference](network, dataclasses.replace(plain, mkldnn=False)), network)
    if isinstance(candidate, PaddleBackend) and not candidate.mkldnn:
        reason = "cannot run this network"
    if place is not None:
        write_file(place, json.dumps({"model": str(network.files.path), "reason": reason}).encode())
    return reason


def _compared(candidate: Backend, reference: Backend, network: Network) -> str:
    """Return how outputs differ on random inputs, "" where they do not."""
    for batch in trial_batches(network.config)[:2]:
        expected, found = reference.run(batch), candidate.run(batch)
        moved = max(difference(e, f) for e, f in zip(expected.values(), found.values()))
        if not moved <= EQUAL:
            return f"its outputs differ by {moved:.2g}"
    return ""


def _verdict_path(title: str, files: ModelFiles) -> Path | None:
    """Return where it is kept whether an engine gives the reference's outputs for a model."""
    folder = cache_folder(VERDICTS)
    if folder is None:
        return None
    present = [path for path in (files.program, files.parameters, files.onnx) if path]
    packages = ("openvino", "onnxruntime", "paddlepaddle", "paddlepaddle-gpu")
    versions = {d.metadata["Name"]: d.version for d in map(_distribution, packages) if d}
    key = json.dumps([title, versions, [file_sha256(path) for path in present]])
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _distribution(name: str) -> importlib.metadata.Distribution | None:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _paddle(network: Network, options: RuntimeOptions) -> PaddleBackend:
    return PaddleBackend(network.files.path, network.outputs, options)


def _onnxruntime(network: Network, options: RuntimeOptions) -> OnnxBackend:
    model = network.files.onnx or cached(network.files, network.config)
    return OnnxBackend(model, network.outputs, options)


def _openvino(network: Network, options: RuntimeOptions) -> OpenVinoBackend:
    files = network.files
    old_ir = files.program if files.program is not None and files.program.suffix == ".pdmodel" else None
    return OpenVinoBackend(files.onnx or old_ir or cached(files, network.config), network.outputs, options)


MAKERS: dict[str, Callable[[Network, RuntimeOptions], FileBackend]] = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
    "paddle": _paddle,
}
