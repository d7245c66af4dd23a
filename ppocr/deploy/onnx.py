"""From an exported folder to ONNX: paddle2onnx in a process of its own, the result proved equal to Paddle's."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.deploy import rounding
from ppocr.deploy.backends.base import Arrays
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.inference_config import InferenceConfig, load
from ppocr.deploy.integrity import CLASS_KEYS, check_files, file_sha256
from ppocr.deploy.model_files import STEM, ModelFiles, find_model
from ppocr.deploy.onnx_graph import CHARACTER, read_graph
from ppocr.deploy.trial_inputs import difference, random_inputs, trial_sizes
from ppocr.errors import CheckpointError, PpocrError, one_line
from ppocr.utils.atomic import write_file
from ppocr.utils.cache_folder import cache_folder

logger = logging.getLogger(__name__)

PYTHON = "PPOCR_PADDLE2ONNX_PYTHON"  # environment variable: the interpreter that has paddle2onnx
OPSET = 14  # what the engines that read such models have understood since 2021
LARGEST_DIFFERENCE = 1e-4
SECONDS = 1800
RUNS = "it runs in Paddle"
WORKER = Path(__file__).with_name("onnx_worker.py")
INSTALL = "pip install paddle2onnx packaging, in another environment if need be, and name its python"
UNSUPPORTED = re.compile(r"no converter for: ([\w, ]+)")  # what the worker says of operators


class NotConvertible(PpocrError):
    """A network that paddle2onnx does not convert, or not to the same outputs."""


def convert(path: str | Path, python: str | Path | None = None, opset: int = OPSET) -> Path:
    """Write `inference.onnx` beside the program of an exported folder, and return its path.

    Args:
        path: an exported folder, ours or official, new or old IR, with `inference.yml`.
        python: interpreter that has paddle2onnx and PaddlePaddle; None: that of PPOCR_PADDLE2ONNX_PYTHON, or this one.
        opset: version of ONNX's operators; raised where an operator needs a later one.

    Raises:
        ConfigError: `inference.yml` is missing or wrong.
        CheckpointError: there is no Paddle program, or it is damaged.
        PpocrError: there is no paddle2onnx, the network has an operator it does not convert, or the result differs.
    """
    files = find_model(path)
    program, _ = _paddle_files(files)
    target = program.with_name(f"{STEM}.onnx")
    write_file(target, converted(files, load(path), python, opset))
    graph = read_graph(target)
    logger.info("converted to %s: opset %d, outputs %s", target, graph.opset, dict(graph.outputs))
    return target


def cached(files: ModelFiles, config: InferenceConfig) -> Path:
    """Return the ONNX file of a Paddle model, converted now or earlier, from the cache folder.

    Args:
        files: of the model; it has a Paddle program.
        config: what it is fed with, and its classes.

    Raises:
        PpocrError: it cannot be converted, or there is nowhere to keep it.
    """
    program, parameters = _paddle_files(files)
    folder = cache_folder("onnx")
    if folder is None:
        raise PpocrError(f"{files.path}: no folder for its ONNX form", "set PPOCR_CACHE to one that can be written")
    place = folder / f"{file_sha256(program)[:32]}-{file_sha256(parameters)[:32]}.onnx"
    refused = place.with_suffix(".txt")
    if refused.is_file():
        raise NotConvertible(f"{files.path}: {refused.read_text(encoding='utf-8')}", RUNS)
    if not place.is_file():
        try:
            write_file(place, converted(files, config))
        except NotConvertible as err:
            write_file(refused, err.message.removeprefix(f"{files.path}: ").encode())
            raise
        logger.info("%s: converted to ONNX, once: %s", files.path, place)
    return place


def converted(
    files: ModelFiles, config: InferenceConfig, python: str | Path | None = None, opset: int = OPSET
) -> bytes:
    """Return a Paddle model as ONNX, with its characters or labels in the metadata; see `convert`."""
    program, parameters = _paddle_files(files)
    check_files(program, parameters, config.sha256)
    batches = trial_batches(config)
    arrays: dict[str, Any] = {f"{i}.{k}": v for i, batch in enumerate(batches) for k, v in batch.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "inputs.npz", **arrays)
        _run_worker(_interpreter(python), [program, parameters, folder, opset], files.path, folder / "model.onnx")
        _add_metadata(folder / "model.onnx", config)
        moved = _verify(folder, batches, files.path)
        logger.info("%s: largest difference between Paddle and ONNX: %.3g", files.path, moved)
        return (folder / "model.onnx").read_bytes()


def _paddle_files(files: ModelFiles) -> tuple[Path, Path]:
    if files.program is None or files.parameters is None:
        raise CheckpointError(f"{files.path}: has no Paddle program to convert")
    return files.program, files.parameters


def trial_batches(config: InferenceConfig) -> list[Arrays]:
    """Return random inputs in three sizes, of the one height that the preprocessing gives, if it does."""
    pipeline, (image, *others) = config.pipeline(), config.inputs
    if image.shape[-2] == -1:  # official files never say that a recogniser takes one height alone
        image = replace(image, shape=(*image.shape[:-2], pipeline.output_shape()[-2], image.shape[-1]))
    sizes = trial_sizes(image.shape, pipeline.size_multiple)
    return [
        random_inputs([image, *others], batch, width, seed, height) for seed, (batch, height, width) in enumerate(sizes)
    ]


def _interpreter(python: str | Path | None) -> str:
    """Return the interpreter that has paddle2onnx.

    Raises:
        PpocrError: none is named, and this one has none.
    """
    asked = python or os.environ.get(PYTHON)
    if asked:
        return str(asked)
    if importlib.util.find_spec("paddle2onnx") is None:
        raise PpocrError("converting to ONNX needs paddle2onnx", f"{INSTALL}: --python or {PYTHON}")
    return sys.executable


def _run_worker(python: str, arguments: Sequence[object], model: Path, made: Path) -> None:
    """Run the worker, and raise PpocrError unless it made its file."""
    # glog's trace of an abort says nothing; the lines of paddle2onnx before it do
    command = [python, str(WORKER), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except OSError as err:
        raise PpocrError(f"{python}: cannot be run: {err.strerror or err}", f"--python or {PYTHON}") from err
    except subprocess.TimeoutExpired as err:
        raise PpocrError(f"{model}: not converted after {SECONDS} s") from err
    if done.returncode or not made.is_file():
        raise _not_converted(f"{done.stdout}\n{done.stderr}", python, model)


def _not_converted(output: str, python: str, model: Path) -> PpocrError:
    """Return the error for what a failed conversion printed."""
    if missing := re.search(r"No module named '([\w.]+)'", output):
        return PpocrError(f"{python}: has no {missing[1]}, which converting to ONNX needs", INSTALL)
    if found := UNSUPPORTED.search(output):
        return NotConvertible(f"{model}: cannot be converted to ONNX: paddle2onnx has no {found[1].strip()}", RUNS)
    lines = [line.strip() for line in output.splitlines() if "rror" in line or "(Unimplemented)" in line]
    what = one_line(lines[-1]) if lines else "paddle2onnx ended without a word"
    return NotConvertible(f"{model}: cannot be converted to ONNX: {what}", RUNS)


def _add_metadata(path: Path, config: InferenceConfig) -> None:
    """Write the characters or labels into an ONNX file, one a line as RapidOCR reads them, and their number."""
    import onnx

    model = onnx.load(str(path))
    names = next((config.postprocess[key] for key in CLASS_KEYS if config.postprocess.get(key)), None)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if names:
        metadata[CHARACTER] = "\n".join(names)
        metadata["num_classes"] = str(next(iter(read_graph(path).outputs.values()))[-1])
    if config.model_name:
        metadata["model_name"] = config.model_name
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, str(path))


def _verify(folder: Path, batches: Sequence[Mapping[str, np.ndarray]], model: Path) -> float:
    """Return the largest difference between the outputs of Paddle and of the ONNX file.

    Raises:
        PpocrError: it is above 1e-4, and more than what rounding does to this network.
    """
    backend, expected = OnnxBackend(folder / "model.onnx"), dict(np.load(folder / "outputs.npz"))
    largest = 0.0
    for number, batch in enumerate(batches):
        try:
            found = list(backend.run(batch).values())
        except PpocrError as err:
            what = err.message.replace(str(folder / "model.onnx"), str(model))
            raise NotConvertible(f"{what}, in its ONNX form", RUNS) from err
        for index, array in enumerate(found):
            wanted = expected[f"{number}.{index}"]
            moved = difference(wanted, array)
            if not moved <= LARGEST_DIFFERENCE and not _is_rounding(folder / "model.onnx", batch, index, wanted, array):
                shape = list(next(iter(batch.values())).shape)
                text = f"{model}: its ONNX form gives other outputs, by {moved:.3g} for an input of shape {shape}"
                raise NotConvertible(f"{text}; nothing was written", RUNS)
            largest = max(largest, moved)
    return largest


def _is_rounding(path: Path, batch: Mapping[str, np.ndarray], index: int, wanted: Any, found: Any) -> bool:
    """Return whether noise of the size of float32's rounding moves an output of the ONNX file as much."""
    import onnx

    noisy = []
    for seed in range(rounding.RUNS):
        rng = np.random.default_rng(seed)
        model = onnx.load(str(path))
        for tensor in model.graph.initializer:
            array = onnx.numpy_helper.to_array(tensor)
            if array.dtype.kind == "f":
                tensor.CopyFrom(onnx.numpy_helper.from_array(rounding.with_noise(array, rng), tensor.name))
        with tempfile.TemporaryDirectory() as folder:
            onnx.save(model, f"{folder}/noisy.onnx")
            changed = {k: rounding.with_noise(v, rng) if v.dtype.kind == "f" else v for k, v in batch.items()}
            run = list(OnnxBackend(Path(folder) / "noisy.onnx").run(changed).values())[index]
        noisy.append({"": wanted + (run - found)})
    return rounding.is_rounding({"": wanted}, {"": found}, noisy)
