"""Convert exported models to ONNX: ppocr onnx inference/rec inference/det"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ppocr.cli import run_guarded


def main() -> int:
    """Parse the command line, convert every folder it names, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="exported, or official, with a program")
    parser.add_argument("--python", help="interpreter with paddle2onnx (default: PPOCR_PADDLE2ONNX_PYTHON, or this)")
    parser.add_argument("--opset", type=int, help="version of ONNX's operators (default 14)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s: %(message)s")

    def run() -> None:
        from ppocr.deploy.onnx import OPSET, convert

        for folder in args.folders:
            print(convert(folder, args.python, args.opset or OPSET))

    return run_guarded(run, debug=args.debug)
