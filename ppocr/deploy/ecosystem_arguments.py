"""CLI arguments of all predicting commands: those about engines, and those of the ecosystem that are refused."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from ppocr.arguments import true_or_false
from ppocr.deploy.backends.base import BackendName, Precision, RuntimeOptions
from ppocr.errors import ConfigError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineArgument:
    """An argument.

    Args:
        name: without the dashes.
        type: turns its text into a value.
        help: shown by `--help`.
        choices: the only texts allowed; None for any.
    """

    name: str
    type: Callable[[str], Any]
    help: str
    choices: tuple[str, ...] | None = None


RUNTIME = (  # what `runtime_options` reads
    EngineArgument("backend", str, "engine; auto is the fastest that is installed", get_args(BackendName)),
    EngineArgument("precision", str, "auto: the engine's own choice, faster and less exact", get_args(Precision)),
    EngineArgument("device", str, "cpu, gpu or gpu:N"),
    EngineArgument("use_gpu", true_or_false, "default false; running on a GPU is not verified yet"),
    EngineArgument("gpu_id", int, "which GPU"),
    EngineArgument("gpu_mem", int, f"megabytes of it taken at start (default {RuntimeOptions.gpu_mem})"),
    EngineArgument("cpu_threads", int, "threads of one operator"),
    EngineArgument("enable_mkldnn", true_or_false, "oneDNN in Paddle on the CPU: faster, less exact (default false)"),
    EngineArgument("enable_memory_optim", true_or_false, "let Paddle reuse the memory of intermediate tensors"),
    EngineArgument("use_onnx", true_or_false, "run by ONNX Runtime"),
    EngineArgument("use_openvino", true_or_false, "run by OpenVINO"),
    EngineArgument("enable_hpi", true_or_false, "run by the fastest engine that is installed"),
    EngineArgument("use_tensorrt", true_or_false, "run what TensorRT can in it; Paddle on a GPU"),
    EngineArgument("min_subgraph_size", int, "operators of the smallest part of a network that TensorRT is given"),
)


@dataclass(frozen=True)
class Refused:
    """A parameter of the ecosystem that asks for what is not done here.

    Args:
        harmless: values that ask for nothing, its default first; None always is one.
        reason: why others are refused.
    """

    harmless: tuple[Any, ...]
    reason: str

    def value(self, text: str) -> Any:
        """Return the value of a command line's text, the text itself where it is of another type."""
        for value in self.harmless:
            try:
                made = true_or_false(text) if isinstance(value, bool) else type(value)(text)
            except (ValueError, argparse.ArgumentTypeError):
                continue
            if made == value:
                return made
        return text


def _each(names: str, harmless: tuple[Any, ...], reason: str) -> dict[str, Refused]:
    return dict.fromkeys(names.split(), Refused(harmless, reason))


def _defaults(values: Mapping[str, Any], reason: str) -> dict[str, Refused]:
    return {name: Refused((value,), reason) for name, value in values.items()}


REFUSED: dict[str, Refused] = {
    **_each("use_xpu use_npu use_mlu use_metax_gpu use_gcu", (False,), "models run on the CPU or an NVIDIA GPU"),
    **_each("ir_optim", (True,), "the engine decides how it optimises a network"),
    **_each("use_pdserving", (False,), "there is no serving"),
    **_each("rec_image_inverse", (True,), "no model of this package inverts its images"),
    **_each("max_text_length", (25,), "the network's own length counts"),
    **_each("max_batch_size", (10,), "it is TensorRT's; --rec_batch_num and --det_batch_num say how many images"),
    **_defaults(
        {
            "det_east_score_thresh": 0.8,
            "det_east_cover_thresh": 0.1,
            "det_east_nms_thresh": 0.2,
            "det_sast_score_thresh": 0.5,
            "det_sast_nms_thresh": 0.2,
            "det_pse_thresh": 0.0,
            "det_pse_box_thresh": 0.85,
            "det_pse_min_area": 16,
            "det_pse_scale": 1,
            "scales": "[8, 16, 32]",
            "alpha": 1.0,
            "beta": 1.0,
            "fourier_degree": 5,
        },
        "the post-processing of that algorithm is not part of this package",
    ),
    **_defaults(
        {
            "e2e_algorithm": "PGNet",
            "e2e_model_dir": "",
            "e2e_limit_side_len": 768,
            "e2e_limit_type": "max",
            "e2e_pgnet_score_thresh": 0.5,
            "e2e_char_dict_path": "./ppocr/utils/ic15_dict.txt",
            "e2e_pgnet_valid_set": "totaltext",
            "e2e_pgnet_mode": "fast",
        },
        "there is no end-to-end model",
    ),
    **_defaults(
        {"sr_model_dir": "", "sr_image_shape": "3, 32, 128", "sr_batch_num": 1}, "there is no super-resolution model"
    ),
    **_each("onnx_providers onnx_sess_options", (False,), "--use_gpu and --cpu_threads say it"),
}
UNUSED = {  # accepted with any value
    "show_log": "log lines go to stderr, results to stdout",
    "det_algorithm": "the model's folder says what it is",
    "rec_algorithm": "the model's folder says what it is",
    "save_log_path": "log lines go to stderr",
}


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the arguments about engines, None where they are not given."""
    group = parser.add_argument_group("engine")
    for argument in RUNTIME:
        group.add_argument(f"--{argument.name}", type=argument.type, choices=argument.choices, help=argument.help)


def add_ecosystem(
    parser: argparse.ArgumentParser,
    unused: Mapping[str, str],
    refused: Mapping[str, Refused] | None = None,
    shown: bool = True,
) -> None:
    """Add the arguments of the ecosystem's commands that have no effect, those not there already.

    Args:
        parser: to add them to.
        unused: accepted with any value, with the reason why.
        refused: further ones that are, besides `REFUSED`.
        shown: by `--help`.
    """
    group = parser.add_argument_group("accepted for scripts of the ecosystem")
    reasons = {**UNUSED, **unused}
    for name, reason in reasons.items():
        if f"--{name}" not in parser._option_string_actions:
            group.add_argument(f"--{name}", help=f"unused: {reason}" if shown else argparse.SUPPRESS)
    known = {**REFUSED, **(refused or {})}
    for name, each in known.items():
        if f"--{name}" not in parser._option_string_actions:
            help = f"only {each.harmless[0]!r}: {each.reason}" if shown else argparse.SUPPRESS
            group.add_argument(f"--{name}", type=each.value, help=help)
    parser.set_defaults(unused=reasons, refused=known)


def check_ecosystem(found: Mapping[str, Any]) -> None:
    """Log which arguments that were given have no effect.

    Args:
        found: values by name, None where not given; with `unused` and `refused` as `add_ecosystem` sets them.

    Raises:
        ConfigError: an argument asks for what is not done here.
    """
    for name, reason in found["unused"].items():
        if found.get(name) is not None:
            logger.info("--%s is unused: %s", name, reason)
    for name, refused in found["refused"].items():
        refuse(name, refused, found.get(name), f"--{name}")


def refuse(name: str, refused: Refused, value: Any, shown: str = "") -> None:
    """Raise ConfigError where a value asks for what is not done here.

    Args:
        name: of the parameter.
        refused: what is known of it.
        value: given.
        shown: what the message calls it, its name by default.
    """
    if value is not None and value not in refused.harmless:
        raise ConfigError(f"{shown or name}={value}: not supported: {refused.reason}")
