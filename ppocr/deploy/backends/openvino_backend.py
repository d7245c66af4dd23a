"""An ONNX model, or a Paddle program in the old IR, run by OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.deploy.backends.base import Arrays, RuntimeOptions, fails_on, last_line, processors, require_inputs
from ppocr.deploy.backends.signal_stack import kept_signal_stack
from ppocr.errors import CheckpointError, PpocrError
from ppocr.utils.cache_folder import cache_folder


class OpenVinoBackend:
    """A model run by OpenVINO on the CPU. What it compiles is kept in the cache folder and loaded the next time.

    Args:
        path: `.onnx` or `.pdmodel`; OpenVINO does not read `inference.json`.
        outputs: names given to the outputs in their order; None keeps the file's.
        options: how to run it; `precision`, `cpu_threads`, `streams` and `cached_kernels` count.

    Raises:
        PpocrError: openvino is not installed, or a GPU is asked for.
        CheckpointError: the file is missing or cannot be read.
    """

    def __init__(
        self, path: str | Path, outputs: Sequence[str] | None = None, options: RuntimeOptions | None = None
    ) -> None:
        options = options or RuntimeOptions()
        if options.use_gpu:
            raise PpocrError("OpenVINO runs on the CPU here", "use ONNX Runtime or Paddle on a GPU")
        try:
            import openvino
        except ImportError as err:
            raise PpocrError("running a model with OpenVINO needs openvino", "pip install openvino") from err
        if not Path(path).is_file():
            raise CheckpointError(f"{path}: no such file")
        self.path = path
        try:
            with kept_signal_stack():
                self._model = openvino.Core().compile_model(str(path), "CPU", _settings(options))
        except RuntimeError as err:
            raise CheckpointError(f"{path}: OpenVINO cannot load it: {last_line(err)}") from err
        self.input_names = [port.any_name for port in self._model.inputs]
        self.output_names = list(outputs) if outputs else [port.any_name for port in self._model.outputs]
        self.streams = options.streams
        self._idle: list[Any] = [self._model.create_infer_request()]  # one is made for each thread that runs at once

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once; see `Backend.run`.

        Raises:
            PpocrError: an input is missing, or OpenVINO fails on it.
        """
        require_inputs(self.path, self.input_names, inputs)
        arrays = {name: np.ascontiguousarray(inputs[name]) for name in self.input_names}
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        try:
            found = request.infer(arrays, share_inputs=True, share_outputs=False)
        except RuntimeError as err:
            raise fails_on(self.path, "OpenVINO", arrays, err) from err
        finally:
            self._idle.append(request)
        return {name: found[number] for number, name in enumerate(self.output_names)}


def _settings(options: RuntimeOptions) -> dict[str, Any]:
    """Return the options in OpenVINO's terms."""
    # The kernels of every size of image are kept otherwise: the memory of 400 sizes grew from 300 to 1100 MB.
    settings: dict[str, Any] = {"CPU_RUNTIME_CACHE_CAPACITY": options.cached_kernels}
    if options.precision != "auto":
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    if options.cpu_threads:
        settings["INFERENCE_NUM_THREADS"] = options.cpu_threads
    if options.streams > 1:
        settings["NUM_STREAMS"] = options.streams
        settings["INFERENCE_NUM_THREADS"] = max(options.streams, options.cpu_threads or processors())
    if folder := cache_folder("openvino"):
        settings["CACHE_DIR"] = str(folder)
    return settings
