"""How models are run, from the ecosystem's names for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from ppocr.deploy.backends.base import BackendName, Precision, RuntimeOptions
from ppocr.errors import ConfigError
from ppocr.suggestions import did_you_mean

SWITCHES = {  # parameters that choose an engine
    "use_onnx": "onnxruntime",
    "use_openvino": "openvino",
    "use_tensorrt": "paddle",
    "enable_mkldnn": "paddle",
    "enable_hpi": "auto",
}


def runtime_options(given: Mapping[str, Any], default: BackendName = "auto") -> RuntimeOptions:
    """Return how models are to be run.

    Args:
        given: values by parameter name; those that are missing or None have their defaults, others are ignored.
        default: engine where nothing chooses one.

    Raises:
        ConfigError: two engines are chosen, or a value is none of its kind.
    """
    values = {name: value for name, value in given.items() if value is not None}
    gpu, number = _device(values)
    precision = str(values.get("precision", "fp32"))
    if precision not in get_args(Precision):
        raise ConfigError(f"precision={precision}: one of {', '.join(get_args(Precision))}")
    backend = _backend(values) or ("paddle" if gpu else default)
    return RuntimeOptions(
        backend=backend,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        use_gpu=gpu,
        gpu_id=number,
        gpu_mem=values.get("gpu_mem", RuntimeOptions.gpu_mem),
        cpu_threads=values.get("cpu_threads"),
        mkldnn=bool(values.get("enable_mkldnn", False)),
        memory_optim=bool(values.get("enable_memory_optim", False)),
        use_tensorrt=bool(values.get("use_tensorrt", False)),
        min_subgraph_size=values.get("min_subgraph_size", RuntimeOptions.min_subgraph_size),
    )


def _device(values: Mapping[str, Any]) -> tuple[bool, int]:
    """Return whether a GPU is wanted, and which one."""
    use_gpu, number = bool(values.get("use_gpu", False)), values.get("gpu_id", 0)
    if "device" not in values:
        return use_gpu, number
    device = str(values["device"])
    found = re.fullmatch(r"(cpu)|gpu(?::(\d+))?", device)
    if found is None:
        raise ConfigError(f"device={device}: cpu, gpu or gpu:N")
    if use_gpu and found[1]:
        raise ConfigError("device=cpu and use_gpu=true: give one of them")
    return not found[1], int(found[2] or number)


def _backend(values: Mapping[str, Any]) -> str | None:
    """Return the engine that is chosen, None where nothing chooses one."""
    chosen = {name: engine for name, engine in SWITCHES.items() if values.get(name)}
    backend = values.get("backend")
    if backend is not None:
        if backend not in get_args(BackendName):
            near = did_you_mean(str(backend), get_args(BackendName))
            raise ConfigError(f"backend={backend}{near}: one of {', '.join(get_args(BackendName))}")
        chosen["backend"] = backend
    if "backend" in chosen and chosen["backend"] == "auto" and len(chosen) > 1:
        del chosen["backend"]
    if len(set(chosen.values())) > 1:
        raise ConfigError(f"{' and '.join(chosen)} choose different engines", "give one of them")
    return next(iter(chosen.values()), None)
