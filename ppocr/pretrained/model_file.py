"""What a reader of inference models hands over: arrays in the order the program uses them."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppocr.errors import CheckpointError

MOST_AXES, LARGEST_AXIS = 8, 2**31  # of an array; the networks have up to five
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


def check_shape(shape: Sequence[int], name: str) -> None:
    """Refuse a shape that no parameter of a network has, before anything is allocated for it.

    Args:
        shape: as the file gives it.
        name: of the array, for the message.

    Raises:
        ValueError: more than eight axes, or negative or huge ones.
    """
    if len(shape) > MOST_AXES or not all(0 <= size <= LARGEST_AXIS for size in shape):
        shown = f"{list(shape[:MOST_AXES])}{' and more' if len(shape) > MOST_AXES else ''}"
        raise ValueError(f"{name or 'an array'} has the impossible shape {shown}")


def check_names(names: Iterable[str | bytes]) -> None:
    """Raise ValueError where a name is not UTF-8; protobuf gives such a text as bytes."""
    if any(isinstance(name, bytes) for name in names):
        raise ValueError("a name in it is not UTF-8")


@contextlib.contextmanager
def damage_named(path: Path, what: str) -> Iterator[None]:
    """Turn the errors that parsing damaged bytes raises into a CheckpointError of one line.

    Args:
        path: the file.
        what: what it should be, such as "an ONNX file".
    """
    from google.protobuf.message import DecodeError

    try:
        yield
    except (DecodeError, ValueError, TypeError, LookupError, AttributeError, RecursionError, struct.error) as error:
        said = " ".join(str(error).split())[:200] if isinstance(error, (DecodeError, ValueError)) else ""
        reason = said or "it ends early or is incomplete"
        raise CheckpointError(f"{path}: damaged or not {what}: {reason}") from error
