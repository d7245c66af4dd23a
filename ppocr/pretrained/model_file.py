"""What a reader of inference models hands over: arrays in the order the program uses them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppocr.errors import CheckpointError
from ppocr.suggestions import did_you_mean

WANTED = "name the folder of an exported model (inference.pdiparams and its program) or an .onnx file"
NORMALISATION = "normalisation"  # the operator of an array that belongs to a batch norm


@dataclass(frozen=True)
class FileTensor:
    """One array of an inference model.

    Args:
        name: as the file calls it, e.g. "conv2d_0.w_0".
        array: its values, read-only.
        operator: NORMALISATION for the four arrays of a batch norm, else "".
        structured: the name it had in the network it was saved from, where the file tells.
    """

    name: str
    array: np.ndarray
    operator: str = ""
    structured: str = ""


@dataclass(frozen=True)
class ModelFile:
    """The parameters of an inference model.

    Args:
        path: the file or folder.
        tensors: in the order in which the program first uses them; weight before bias, and for a batch norm weight,
            bias, mean, variance.
        characters: the dictionary the file carries, without blank and space; None where it has none.
    """

    path: Path
    tensors: list[FileTensor] = field(default_factory=list)
    characters: list[str] | None = None

    @property
    def named(self) -> bool:
        """Whether every array has the name it had in the network."""
        return bool(self.tensors) and all(tensor.structured for tensor in self.tensors)


def read_model(path: str | Path) -> ModelFile:
    """Read an official inference folder or an ONNX file.

    Args:
        path: folder of `inference.pdmodel` or `inference.json` with `inference.pdiparams` and perhaps
            `inference.pdiparams.info`; or an `.onnx` file.

    Raises:
        CheckpointError: it is missing, damaged or something else.
    """
    from ppocr.pretrained.onnx_file import read_onnx
    from ppocr.pretrained.paddle_file import read_folder

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
