"""The interface of what runs a network, its options, and what its errors have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from ppocr.errors import PpocrError, one_line

Arrays = dict[str, np.ndarray]
BackendName = Literal["paddle", "onnxruntime", "openvino", "auto"]
Precision = Literal["fp32", "fp16", "int8", "auto"]


class Backend(Protocol):
    """Anything that turns named input arrays into named output arrays; several threads may call it at once."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Run the network once.

        Args:
            inputs: arrays by input name; `x` is the image batch, float32 [B, C, H, W].

        Returns:
            Arrays by prediction name; they stay as they are when the backend runs again.
        """
        ...


class FileBackend(Backend, Protocol):
    """A backend whose network comes from a file.

    Attributes:
        input_names: of the network, in its order.
        streams: runs at once that it has processors set aside for.
    """

    input_names: list[str]
    streams: int


@dataclass(frozen=True)
class RuntimeOptions:
    """How an exported model is run; the defaults are what export verifies against.

    The GPU options are passed on to the engine as they are and have been verified on no GPU machine yet.

    Args:
        backend: the engine; "auto" takes the fastest that is installed and gives the same outputs.
        precision: "fp32"; "auto" leaves the choice to the engine (OpenVINO: bfloat16 where the CPU has it);
            "fp16" and "int8" are for Paddle on a GPU.
        use_gpu: run on a GPU; refused when the engine has no CUDA.
        gpu_id: which GPU.
        gpu_mem: megabytes of GPU memory taken at start, by Paddle.
        cpu_threads: threads of one operator on the CPU; None leaves the engine's own choice.
        streams: runs at once on the CPU, each with its part of the processors: what many small images take least
            time with, one a run. OpenVINO and ONNX Runtime; others have one.
        cached_kernels: kernels OpenVINO keeps of sizes of images it has seen; 0 keeps its memory flat over any sizes.
        mkldnn: use oneDNN in Paddle on the CPU. Off by default: paddle 3.3.1 cannot run every `.json` program with it,
            and its sums differ, by 1e-4 in the outputs of a deep network. "auto" tries it where Paddle is left.
        memory_optim: let Paddle reuse the memory of intermediate tensors.
        use_tensorrt: run what TensorRT can in it; Paddle on a GPU.
        min_subgraph_size: operators of the smallest part of a network that is given to TensorRT.
    """

    backend: BackendName = "paddle"
    precision: Precision = "fp32"
    use_gpu: bool = False
    gpu_id: int = 0
    gpu_mem: int = 500
    cpu_threads: int | None = None
    streams: int = 1
    cached_kernels: int = 0
    mkldnn: bool = False
    memory_optim: bool = False
    use_tensorrt: bool = False
    min_subgraph_size: int = 15


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_inputs(model: object, names: Sequence[str], inputs: Mapping[str, np.ndarray]) -> None:
    """Raise PpocrError when an input of a model is not given."""
    missing = [name for name in names if name not in inputs]
    if missing:
        raise PpocrError(f"{model}: input {', '.join(missing)} is not given")


def fails_on(model: object, engine: str, inputs: Mapping[str, np.ndarray], err: BaseException) -> PpocrError:
    """Return the error of an engine that fails on some inputs."""
    shapes = {name: list(array.shape) for name, array in inputs.items()}
    text = f"{model}: {engine} fails on inputs {shapes}: {last_line(err)}"
    return PpocrError(text, "is it a model of another task, or of another image size?")


def last_line(err: BaseException) -> str:
    """Return the informative end of an engine's error, whose first lines may be a C++ trace."""
    lines = [line.strip() for line in str(err).splitlines() if line.strip()]
    telling = [line for line in lines if "Error:" in line] or lines[-1:]
    return one_line(telling[0][:300]) if telling else type(err).__name__
