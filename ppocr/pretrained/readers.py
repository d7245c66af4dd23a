"""Reads an inference model of either kind: Paddle's folder or an ONNX file."""

from __future__ import annotations

import os
from pathlib import Path

from ppocr.errors import CheckpointError
from ppocr.pretrained.model_file import ModelFile
from ppocr.pretrained.onnx_file import read_onnx
from ppocr.pretrained.paddle_file import read_folder
from ppocr.suggestions import did_you_mean

WANTED = "name the folder of an exported model (inference.pdiparams and its program) or an .onnx file"


def read_model(path: str | Path) -> ModelFile:
    """Read an official inference folder or an ONNX file.

    Args:
        path: folder of `inference.pdmodel` or `inference.json` with `inference.pdiparams` and perhaps
            `inference.pdiparams.info`; or an `.onnx` file.

    Raises:
        CheckpointError: it is missing, damaged or something else.
    """
    path = Path(path)
    if not path.exists():
        try:
            beside = sorted(os.listdir(path.parent))
        except OSError:  # no folder, or a closed one: there is nothing to suggest
            beside = []
        raise CheckpointError(f"{path}: no such file or folder{did_you_mean(path.name, beside)}", WANTED)
    if path.is_dir():
        return read_folder(path)
    if path.suffix.lower() == ".onnx":
        return read_onnx(path)
    raise CheckpointError(f"{path}: is no inference model", WANTED)
