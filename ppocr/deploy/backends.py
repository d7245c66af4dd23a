"""What runs a network at prediction time: the same call for an exported folder, a model in memory, or ONNX."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ppocr.errors import CheckpointError, PpocrError, one_line

logger = logging.getLogger(__name__)

Arrays = dict[str, np.ndarray]

# What Paddle's C++ errors become: InvalidArgument is a ValueError, OutOfRange an IndexError, and so on.
PADDLE_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, SystemError, MemoryError)
PROGRAM_SUFFIXES = (".json", ".pdmodel")  # new IR first, as paddle itself prefers it


class Backend(Protocol):
    """Anything that turns named input arrays into named output arrays."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once.

        Args:
            inputs: arrays by input name; `x` is the image batch, float32 [B, C, H, W].

        Returns:
            Arrays by prediction name.
        """
        ...


@dataclass(frozen=True)
class RuntimeOptions:
    """How an exported model is run; the defaults are what export verifies against.

    The GPU options are passed on to paddle as they are and have been verified on no GPU machine yet.

    Args:
        use_gpu: run on a GPU; refused when paddle has no CUDA.
        gpu_id: which GPU.
        gpu_mem: megabytes of GPU memory taken at start.
        cpu_threads: threads of one operator on the CPU; None leaves paddle's own choice.
        mkldnn: use oneDNN on the CPU. Off by default: paddle 3.3.1 cannot run every `.json` program with it,
            and its sums differ, by 1e-4 in the outputs of a deep network.
    """

    use_gpu: bool = False
    gpu_id: int = 0
    gpu_mem: int = 500
    cpu_threads: int | None = None
    mkldnn: bool = False


def find_program(folder: str | Path, stem: str = "inference") -> tuple[Path, Path]:
    """Return the program and parameter files of an exported folder.

    Raises:
        CheckpointError: the folder or one of the files is missing; says what is there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder", "export one with tools/export_model.py")
    params = folder / f"{stem}.pdiparams"
    for suffix in PROGRAM_SUFFIXES:
        program = folder / f"{stem}{suffix}"
        if program.is_file() and params.is_file():
            return program, params
    there = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    raise CheckpointError(
        f"{folder}: an exported model is {stem}.json or {stem}.pdmodel with {stem}.pdiparams; found {there}",
        "export one with tools/export_model.py",
    )


class PaddleBackend:
    """An exported model run by `paddle.inference`.

    Args:
        folder: holds `inference.json` or `inference.pdmodel`, and `inference.pdiparams`.
        outputs: names given to the outputs in their order; the program itself only knows
            `fetch_name_0`, `fetch_name_1` ... None keeps the program's names.
        options: how to run it.

    Raises:
        CheckpointError: files are missing, or paddle cannot read them.
        PpocrError: a GPU is asked for and paddle has none.
    """

    def __init__(
        self, folder: str | Path, outputs: Sequence[str] | None = None, options: RuntimeOptions | None = None
    ) -> None:
        self.program, self.params = find_program(folder)
        self.options = options or RuntimeOptions()
        self.mkldnn = self.options.mkldnn
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
        if self.options.use_gpu:
            check_gpu()
            config.enable_use_gpu(self.options.gpu_mem, self.options.gpu_id)
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
        missing = [name for name in self.input_names if name not in inputs]
        if missing:
            raise PpocrError(f"{self.program}: input {', '.join(missing)} is not given")
        try:
            return self._run(inputs)
        except PADDLE_ERRORS as err:
            if not self.mkldnn or self.options.use_gpu:
                shapes = {name: list(inputs[name].shape) for name in self.input_names}
                raise PpocrError(f"{self.program}: paddle fails on inputs {shapes}: {last_line(err)}") from err
            logger.warning("%s: fails with oneDNN (%s); going on without it", self.program, last_line(err))
        self.mkldnn = False
        self._create()
        return self.run(inputs)

    def _run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        for name in self.input_names:
            handle = self._predictor.get_input_handle(name)
            array = np.ascontiguousarray(inputs[name])
            handle.reshape(array.shape)
            handle.copy_from_cpu(array)
        self._predictor.run()
        return {
            name: self._predictor.get_output_handle(theirs).copy_to_cpu() for theirs, name in self.output_names.items()
        }


class DygraphBackend:
    """A model in memory, run as evaluation runs it.

    Args:
        model: takes the image tensor and a dict of further tensors, and returns a dict.
        outputs: predictions to return; None returns every tensor.
    """

    def __init__(self, model: Any, outputs: Sequence[str] | None = None) -> None:
        self.model = model
        self.outputs = outputs

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once in evaluation mode; see `Backend.run`."""
        import paddle

        from ppocr.task import to_numpy

        was_training = self.model.training
        self.model.eval()
        tensors = {name: paddle.to_tensor(array) for name, array in inputs.items()}
        image = tensors.pop("x")
        try:
            with paddle.no_grad():
                preds = self.model(image, tensors)
        finally:
            if was_training:
                self.model.train()
        names = preds if self.outputs is None else self.outputs
        return {n: to_numpy(preds[n]) for n in names if isinstance(preds[n], paddle.Tensor)}


class OnnxBackend:
    """A model converted to ONNX, run by onnxruntime.

    Args:
        path: the `.onnx` file.
        outputs: names given to the outputs in their order; None keeps the file's.
        options: how to run it; `cpu_threads` and `use_gpu` are read.

    Raises:
        PpocrError: onnxruntime is not installed.
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
        if options.cpu_threads:
            settings.intra_op_num_threads = options.cpu_threads
        provider = "CUDAExecutionProvider" if options.use_gpu else "CPUExecutionProvider"
        try:
            self._session = onnxruntime.InferenceSession(str(path), settings, providers=[provider])
        except Exception as err:  # onnxruntime's errors share no public base class
            raise CheckpointError(f"{path}: onnxruntime cannot load it: {last_line(err)}") from err
        self.input_names = [i.name for i in self._session.get_inputs()]
        self.output_names = list(outputs) if outputs else [o.name for o in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once; see `Backend.run`.

        Raises:
            PpocrError: an input is missing, or onnxruntime fails on it.
        """
        missing = [name for name in self.input_names if name not in inputs]
        if missing:
            raise PpocrError(f"{self.path}: input {', '.join(missing)} is not given")
        try:
            found = self._session.run(None, {name: np.ascontiguousarray(inputs[name]) for name in self.input_names})
        except Exception as err:  # onnxruntime's errors share no public base class
            shapes = {name: list(inputs[name].shape) for name in self.input_names}
            raise PpocrError(f"{self.path}: onnxruntime fails on inputs {shapes}: {last_line(err)}") from err
        return dict(zip(self.output_names, found))


def check_gpu() -> None:
    """Raise PpocrError when this paddle cannot use a GPU."""
    import paddle

    if not paddle.is_compiled_with_cuda():
        raise PpocrError("a GPU is asked for, but this paddle is built for the CPU only", "use --use_gpu=false")


def last_line(err: BaseException) -> str:
    """Return the informative end of a paddle error, whose first lines are a C++ trace."""
    lines = [line.strip() for line in str(err).splitlines() if line.strip()]
    telling = [line for line in lines if "Error:" in line] or lines[-1:]
    return one_line(telling[0][:300]) if telling else type(err).__name__
