"""Choosing the device and the number of CPU threads, and saying which."""

from __future__ import annotations

import os
from typing import Any

import paddle
from paddle.base import core

from ppocr.engine.log import get_logger
from ppocr.errors import ConfigError, Problem
from ppocr.utils.environment import whole_number

# Where Global.use_<key> leads, in the order asked.
_DEVICES = (("use_gpu", "gpu"), ("use_xpu", "xpu"), ("use_npu", "npu"), ("use_mlu", "mlu"), ("use_gcu", "gcu"))


def choose_device(settings: Any, where: str = "") -> str:
    """Set and return the device the configuration asks for.

    Args:
        settings: the `Global` section.
        where: "file:line" of `Global.use_gpu`, for the message.

    Raises:
        ConfigError: the device asked for is not there.
    """
    for key, kind in _DEVICES:
        if getattr(settings, key, False):
            missing = _why_not(kind)
            if missing:
                problem = Problem(where if key == "use_gpu" else "", f"Global.{key}", missing)
                raise ConfigError([problem], f"to run on the CPU: -o Global.{key}=false")
            paddle.set_device(_numbered(kind))
            return paddle.get_device()
    paddle.set_device("cpu")
    return "cpu"


def _numbered(kind: str) -> str:
    """Return the device of this rank: the launcher names it in FLAGS_selected_gpus and the like."""
    chosen = os.environ.get(f"FLAGS_selected_{kind}s", "0").split(",")[0]
    return f"{kind}:{chosen or 0}"


def _why_not(kind: str) -> str:
    """Return why a device cannot be used, or "" when it can."""
    version = paddle.__version__
    if kind == "gpu":
        if not paddle.device.is_compiled_with_cuda():
            return f"a GPU is asked for, but this PaddlePaddle {version} is a CPU build"
        if paddle.device.cuda.device_count() < 1:
            return "a GPU is asked for, but none is visible (see nvidia-smi and CUDA_VISIBLE_DEVICES)"
        return ""
    if kind == "xpu":
        found = paddle.device.is_compiled_with_xpu()
    else:
        found = kind in paddle.device.get_all_custom_device_type()
    return "" if found else f"{kind} is asked for, but this PaddlePaddle {version} has no such device"


def physical_cores() -> int:
    """Return the number of cores this process may run on, two hardware threads counting as one."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    seen = set()
    for cpu in allowed:
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", encoding="ascii") as file:
                seen.add(file.read().strip())
        except OSError:
            seen.add(str(cpu))
    return max(1, len(seen))


def choose_threads(local_ranks: int = 1, workers: int = 0) -> int:
    """Set and return the threads Paddle computes with on a CPU.

    Physical cores are shared by the ranks of this machine; from four cores a rank on, a quarter is left to
    the loader's workers. `PPOCR_THREADS`, or an `OMP_NUM_THREADS` above 1, decides instead when set (Paddle
    itself sets the latter to 1).
    """
    asked = whole_number("PPOCR_THREADS", 0)
    outer = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # "4,2" is for nested loops
    if asked < 1 and outer.isdecimal() and int(outer) > 1:
        asked = int(outer)
    share = max(1, physical_cores() // max(1, local_ranks))
    threads = asked if asked > 0 else max(1, share - min(workers, share // 4))
    core.set_num_threads(threads)
    return threads


def describe(device: str, threads: int) -> str:
    """Return the line that says what training runs on."""
    if device.startswith("cpu"):
        return f"device: cpu, {threads} threads of {physical_cores()} cores, PaddlePaddle {paddle.__version__}"
    name = paddle.device.cuda.get_device_name() if device.startswith("gpu") else device
    return f"device: {device} ({name}), PaddlePaddle {paddle.__version__}"


def memory_megabytes() -> dict[str, float]:
    """Return the memory held now: "rss" of this process and, on a GPU, the peak of "gpu"."""
    found = {}
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            found["rss"] = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        get_logger().debug("no /proc here: memory is not shown")
    if paddle.device.is_compiled_with_cuda() and paddle.device.get_device().startswith("gpu"):
        found["gpu"] = paddle.device.cuda.max_memory_allocated() / 2**20
    return found
