"""Which files make a model: an exported or official folder, one that was converted to ONNX, or an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ppocr.deploy.inference_schema import FILE_NAME
from ppocr.errors import CheckpointError

STEM = "inference"
PROGRAM_SUFFIXES = (".json", ".pdmodel")  # new IR first, as paddle itself prefers it
EXPORT = "export one with tools/export_model.py"


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model.

    Args:
        path: the folder or file the user named.
        program: for Paddle: `inference.json` or `inference.pdmodel`; None where there is none.
        parameters: `inference.pdiparams`, which belongs to it.
        onnx: the ONNX file; None where there is none.
        settings: `inference.yml`; None where there is none.
    """

    path: Path
    program: Path | None = None
    parameters: Path | None = None
    onnx: Path | None = None
    settings: Path | None = None


def find_model(path: str | Path) -> ModelFiles:
    """Return the files of a model.

    Args:
        path: a folder with a Paddle program, `inference.onnx` or both, or an ONNX file, with `inference.yml` beside it
            or not.

    Raises:
        CheckpointError: there is no model; says what is there.
    """
    path = Path(path)
    if is_onnx(path):
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file")
        return ModelFiles(path, onnx=path, settings=_if_there(settings_path(path)))
    settings, onnx = _if_there(settings_path(path)), _if_there(path / f"{STEM}.onnx")
    try:
        program, parameters = find_program(path)
    except CheckpointError:
        if onnx is None:
            raise
        return ModelFiles(path, onnx=onnx, settings=settings)
    return ModelFiles(path, program, parameters, onnx, settings)


def is_onnx(path: str | Path) -> bool:
    """Return whether a path names an ONNX file, which need not be there."""
    return Path(path).suffix == ".onnx" and not Path(path).is_dir()


def settings_path(path: str | Path) -> Path:
    """Return where the `inference.yml` of a folder or an ONNX file lies, if there is one."""
    return Path(path).with_name(FILE_NAME) if is_onnx(path) else Path(path) / FILE_NAME


def find_program(folder: str | Path, stem: str = STEM) -> tuple[Path, Path]:
    """Return the program and parameter files of an exported folder.

    Raises:
        CheckpointError: the folder or one of the files is missing; says what is there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder", EXPORT)
    params = folder / f"{stem}.pdiparams"
    for suffix in PROGRAM_SUFFIXES:
        program = folder / f"{stem}{suffix}"
        if program.is_file() and params.is_file():
            return program, params
    there = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    raise CheckpointError(
        f"{folder}: an exported model is {stem}.json or {stem}.pdmodel with {stem}.pdiparams; found {there}", EXPORT
    )


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
