"""What the command lines of `tools/infer/predict_*.py` share: runtime flags, refusals, obsolete flags."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence

from ppocr.deploy.backends import RuntimeOptions
from ppocr.errors import ConfigError
from ppocr.suggestions import did_you_mean

logger = logging.getLogger(__name__)

OBSOLETE = {
    "show_log": "log lines go to stderr, results to stdout",
    "use_angle_cls": "this command does one thing",
    "use_tensorrt": "the model runs in Paddle itself",
    "ir_optim": "Paddle decides",
    "precision": "the model's own precision counts",
    "use_mp": "one process does it",
    "total_process_num": "one process does it",
    "warmup": "the first image is one",
    "benchmark": "see benchmarks/",
}


def true_or_false(text: str) -> bool:
    """Return the truth value of a flag's text."""
    known = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return known[text.lower()]


def make_parser(description: str, obsolete: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return a parser with the flags every predicting command has.

    Args:
        description: shown by `--help`.
        obsolete: flags of this command that are accepted and not read, with the reason.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    add = parser.add_argument
    add("--image_dir", required=True, help="an image, a folder, or a text file that lists images")
    add("--use_gpu", type=true_or_false, default=False, help="default false; GPU running is not verified yet")
    add("--gpu_id", type=int, default=0)
    add("--gpu_mem", type=int, default=500, help="megabytes")
    add("--cpu_threads", type=int, help="threads of one operator")
    add(
        "--enable_mkldnn",
        type=true_or_false,
        default=False,
        help="oneDNN on the CPU: faster, less exact (default false)",
    )
    add("--save_res_path", help="results file")
    add("--debug", action="store_true", help="show tracebacks")
    for name, reason in {**OBSOLETE, **obsolete}.items():
        add(f"--{name}", help=f"accepted and not read: {reason}")
    return parser


def parse(
    parser: argparse.ArgumentParser, obsolete: Mapping[str, str], arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Return the checked flags.

    Args:
        parser: from `make_parser`.
        obsolete: as given to it.
        arguments: instead of those of the process.

    Raises:
        ConfigError: a flag is unknown; names the nearest one.
    """
    flags, unknown = parser.parse_known_args(arguments)
    if unknown:
        known = [option.lstrip("-") for action in parser._actions for option in action.option_strings]
        name = unknown[0].split("=")[0].lstrip("-")
        raise ConfigError(f"{unknown[0]}: unknown flag{did_you_mean(name, known)}", "see --help")
    for name, reason in {**OBSOLETE, **obsolete}.items():
        if getattr(flags, name) is not None:
            logger.info("--%s is not read: %s", name, reason)
    return flags


def runtime_options(flags: argparse.Namespace) -> RuntimeOptions:
    """Return how the flags want the model to run."""
    return RuntimeOptions(flags.use_gpu, flags.gpu_id, flags.gpu_mem, flags.cpu_threads, flags.enable_mkldnn)
