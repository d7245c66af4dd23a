"""An exported model run by Paddle Inference."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.deploy.backends.base import Arrays, RuntimeOptions, fails_on, last_line, require_inputs
from ppocr.deploy.model_files import find_program
from ppocr.errors import CheckpointError, PpocrError

logger = logging.getLogger(__name__)

# What Paddle's C++ errors become: InvalidArgument is a ValueError, OutOfRange an IndexError, and so on.
PADDLE_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, SystemError, MemoryError)


class PaddleBackend:
    """An exported model run by `paddle.inference`; threads that run it at once wait for each other.

    Args:
        folder: holds `inference.json` or `inference.pdmodel`, and `inference.pdiparams`.
        outputs: names given to the outputs in their order; the program itself only knows
            `fetch_name_0`, `fetch_name_1` ... None keeps the program's names.
        options: how to run it.

    Raises:
        CheckpointError: files are missing, or paddle cannot read them.
        PpocrError: a GPU is asked for and paddle has none.
    """

    streams = 1  # its lock lets one thread in

    def __init__(
        self, folder: str | Path, outputs: Sequence[str] | None = None, options: RuntimeOptions | None = None
    ) -> None:
        self.program, self.params = find_program(folder)
        self.options = options or RuntimeOptions()
        self.mkldnn = self.options.mkldnn
        self._lock = threading.Lock()
        self._create()
        self.input_names = list(self._predictor.get_input_names())
        found = list(self._predictor.get_output_names())
        if outputs is not None and len(outputs) > len(found):
            raise CheckpointError(f"{self.program}: gives {len(found)} outputs, inference.yml names {len(outputs)}")
        self.output_names = dict(zip(found, outputs)) if outputs is not None else {name: name for name in found}

    def _create(self) -> None:
        from paddle import inference

        config = inference.Config(str(self.program), str(self.params))
        config.disable_glog_info()
        if self.options.memory_optim:
            config.enable_memory_optim()
        if self.options.use_gpu:
            _use_gpu(config, self.options)
        else:
            config.disable_gpu()
            if self.options.cpu_threads:
                config.set_cpu_math_library_num_threads(self.options.cpu_threads)
            if self.mkldnn:
                config.enable_mkldnn()
                config.set_mkldnn_cache_capacity(10)  # a primitive is cached per width; without a cap they pile up
            else:
                config.disable_mkldnn()
        try:
            self._predictor = inference.create_predictor(config)
        except PADDLE_ERRORS as err:
            raise CheckpointError(
                f"{self.program}: paddle cannot load it: {last_line(err)}", "export it again"
            ) from err

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once; see `Backend.run`.

        Raises:
            PpocrError: an input is missing, or paddle fails on it.
        """
        require_inputs(self.program, self.input_names, inputs)
        arrays = {name: np.ascontiguousarray(inputs[name]) for name in self.input_names}
        with self._lock:
            try:
                return self._run(arrays)
            except PADDLE_ERRORS as err:
                if not self.mkldnn or self.options.use_gpu:
                    raise fails_on(self.program, "paddle", arrays, err) from err
                logger.warning("%s: fails with oneDNN (%s); going on without it", self.program, last_line(err))
            self.mkldnn = False
            self._create()
        return self.run(arrays)

    def _run(self, arrays: Arrays) -> Arrays:
        for name, array in arrays.items():
            handle = self._predictor.get_input_handle(name)
            handle.reshape(array.shape)
            handle.copy_from_cpu(array)
        self._predictor.run()
        return {
            name: self._predictor.get_output_handle(theirs).copy_to_cpu() for theirs, name in self.output_names.items()
        }


def _use_gpu(config: Any, options: RuntimeOptions) -> None:
    """Set up a GPU as Paddle's documentation says; not verified, as no GPU was at hand."""
    from paddle import inference

    check_gpu()
    types = {"fp16": inference.PrecisionType.Half, "int8": inference.PrecisionType.Int8}
    precision = types.get(options.precision, inference.PrecisionType.Float32)
    config.enable_use_gpu(options.gpu_mem, options.gpu_id, precision)
    if options.use_tensorrt:
        config.enable_tensorrt_engine(min_subgraph_size=options.min_subgraph_size, precision_mode=precision)


def check_gpu() -> None:
    """Raise PpocrError when this paddle cannot use a GPU."""
    import paddle

    if not paddle.is_compiled_with_cuda():
        raise PpocrError("a GPU is asked for, but this paddle is built for the CPU only", "use --use_gpu=false")
