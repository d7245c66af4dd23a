"""An ONNX model run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ppocr.deploy.backends.base import Arrays, RuntimeOptions, fails_on, last_line, processors, require_inputs
from ppocr.errors import CheckpointError, PpocrError


class OnnxBackend:
    """A model converted to ONNX, run by ONNX Runtime in the precision of the file.

    Args:
        path: the `.onnx` file.
        outputs: names given to the outputs in their order; None keeps the file's.
        options: how to run it; `cpu_threads`, `streams`, `use_gpu` and `gpu_id` count.

    Raises:
        PpocrError: onnxruntime is not installed, or a GPU is asked for and it has none.
        CheckpointError: the file is missing or cannot be read.
    """

    def __init__(
        self, path: str | Path, outputs: Sequence[str] | None = None, options: RuntimeOptions | None = None
    ) -> None:
        try:
            import onnxruntime
        except ImportError as err:
            raise PpocrError("running a .onnx model needs onnxruntime", "pip install onnxruntime") from err
        if not Path(path).is_file():
            raise CheckpointError(f"{path}: no such file")
        self.path = path
        options = options or RuntimeOptions()
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4  # its errors come as exceptions too
        settings.enable_mem_pattern = False  # a plan of the memory would be kept for every size of image
        self.streams = 1 if options.use_gpu else options.streams
        if self.streams > 1:  # threads of an operator would wait for processors that other runs have
            settings.intra_op_num_threads = max(1, (options.cpu_threads or processors()) // self.streams)
        elif options.cpu_threads:
            settings.intra_op_num_threads = options.cpu_threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), settings, providers=_providers(options))
        except Exception as err:  # onnxruntime's errors share no public base class
            raise CheckpointError(f"{path}: onnxruntime cannot load it: {last_line(err)}") from err
        self.input_names = [i.name for i in self._session.get_inputs()]
        self.output_names = list(outputs) if outputs else [o.name for o in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once; see `Backend.run`.

        Raises:
            PpocrError: an input is missing, or onnxruntime fails on it.
        """
        require_inputs(self.path, self.input_names, inputs)
        arrays = {name: np.ascontiguousarray(inputs[name]) for name in self.input_names}
        try:
            found = self._session.run(None, arrays)
        except Exception as err:  # onnxruntime's errors share no public base class
            raise fails_on(self.path, "onnxruntime", arrays, err) from err
        return dict(zip(self.output_names, found))


def _providers(options: RuntimeOptions) -> list[str | tuple[str, dict[str, int]]]:
    """Return ONNX Runtime's name of the device.

    Raises:
        PpocrError: it is a GPU, which this onnxruntime is not built for.
    """
    if not options.use_gpu:
        return ["CPUExecutionProvider"]
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise PpocrError("a GPU is asked for, but this onnxruntime has no CUDA", "pip install onnxruntime-gpu")
    return [("CUDAExecutionProvider", {"device_id": options.gpu_id}), "CPUExecutionProvider"]
