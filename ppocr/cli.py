"""What every command shares: CLI arguments, one-line errors, exit codes, and settings made before Paddle loads."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ppocr.errors import ConfigError, PpocrError
from ppocr.program import INTERRUPTED
from ppocr.utils.environment import check_environment
from ppocr.utils.text import one_line


def main(command: Callable[..., Any], description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Run a command on a configuration and return its exit code.

    Args:
        command: called with the checked configuration; each of its boolean keywords is a CLI argument.
        description: shown by `--help`.
        arguments: instead of those of the process.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("-c", "--config", required=True, help="YAML file")
    parser.add_argument(
        "-o", "--opt", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="set keys: Global.epoch_num=20"
    )
    parser.add_argument("--print-config", action="store_true", help="print the resolved configuration, do nothing else")
    parser.add_argument("-p", "--profiler_options", help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    switches = [name for name, p in inspect.signature(command).parameters.items() if p.default is False]
    for name in switches:
        parser.add_argument(f"--{name}", action="store_true")
    found = parser.parse_args(arguments)

    def run() -> None:
        from ppocr.config.loader import read_document
        from ppocr.config.overrides import apply_overrides

        document = read_document(found.config)
        apply_overrides(document, found.opt)
        prepare_environment(document.tree)
        from ppocr.config.checker import check  # after the environment: it imports Paddle

        config = check(document)
        for line in config.warnings:
            print(f"warning: {one_line(line)}", file=sys.stderr)
        if found.print_config:
            print(config.to_yaml(), end="")
        else:
            command(config, **{name: getattr(found, name) for name in switches})

    return run_guarded(run, debug=found.debug)


def run_guarded(action: Callable[[], Any], *, debug: bool = False) -> int:
    """Run an action; print what a user can repair as one line each and return the exit code."""
    try:
        action()
    except PpocrError as error:
        return _tell(error, debug)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        parts = (error.filename, error.strerror or str(error) or type(error).__name__)
        return _tell(PpocrError(": ".join(str(part) for part in parts if part is not None)), debug)
    return 0


def _tell(error: PpocrError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    lines = [str(p) for p in error.problems] if isinstance(error, ConfigError) else [error.message]
    for line in lines:
        print(f"error: {one_line(line)}", file=sys.stderr)
    if error.hint:
        print(f"hint: {one_line(error.hint)}", file=sys.stderr)
    sys.stderr.flush()
    return error.exit_code


def prepare_environment(tree: Mapping[str, Any] | None = None) -> None:
    """Set what must be set before Paddle is imported.

    On AMD processors MKL takes its slow path unless a variable says otherwise; `PPOCR_NO_MKL_HINT=1` leaves it alone.
    `Global.export_ir: old` selects Paddle's old program format.

    Args:
        tree: the configuration as read.

    Raises:
        PpocrError: an environment variable holds no number where Paddle or we want one.
    """
    check_environment()
    if os.environ.get("PPOCR_NO_MKL_HINT") != "1" and is_amd():
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")
    # lines of the libraries underneath that help nobody: Paddle's about its own operators, OpenCV's about a broken
    # image, which is reported with its file name anyway; set these variables to see them
    for name, level in (("GLOG_minloglevel", "2"), ("OPENCV_LOG_LEVEL", "SILENT")):
        os.environ.setdefault(name, level)
    section = (tree or {}).get("Global")
    if isinstance(section, dict) and section.get("export_ir") == "old":
        os.environ.update({"FLAGS_enable_pir_api": "0"})
    for noise in ("No ccache found", "When training, we now always track"):
        warnings.filterwarnings("ignore", message=noise)


def is_amd() -> bool:
    """Return whether this machine's processor is AMD's."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            return "AuthenticAMD" in file.read(4096)
    except OSError:
        return False
