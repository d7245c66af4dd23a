"""Checks of what a file holds against what is read from it, before anything is taken over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from ppocr.errors import CheckpointError

LARGEST = 2**53  # no count of a run comes near it, and floats hold it exactly
PLAIN = BeforeValidator(lambda value: value.item() if isinstance(value, np.generic) else value)
Whole = Annotated[int, Field(ge=0, le=LARGEST), PLAIN]
Positive = Annotated[int, Field(ge=1, le=LARGEST), PLAIN]
Number = Annotated[float, Field(ge=-math.inf, lt=math.inf), PLAIN]  # neither NaN nor infinite, but perhaps -inf
NonNegative = Annotated[float, Field(ge=0, lt=math.inf), PLAIN]
Boolean = Annotated[bool, PLAIN]
ByName = dict[str, Any]
# by the beginnings of the names of pydantic's errors
_WORDS = {"int": "a whole number", "string": "a text", "bool": "True or False", "dict": "values by name"}
_WORDS |= {"is_instance": "a list", "sequence": "a list", "too": "a list of that length"}


def shown(value: object) -> str:
    """Return a short text of a value that may be anything."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, np.integer)):
        return str(value) if abs(int(value)) <= LARGEST else "a number beyond all counts"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):g}"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    kind = type(value).__name__
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def require(value: Any, kind: Any, path: str | Path, hint: str = "", place: str = "") -> None:
    """Refuse a file whose content is not of a type.

    Args:
        value: the content.
        kind: the type, of Python's values or numpy's; TypedDicts say which names must be there.
        path: of the file.
        hint: see `PpocrError`.
        place: where in the file the value stands.

    Raises:
        CheckpointError: naming the file, the entry and what is wrong with it.
    """
    try:
        _adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        said = _said(error.errors(include_url=False)[0], place)
        raise CheckpointError(f"{path}: {' '.join(said.split())}", hint) from None


@cache
def _adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind)


def _said(problem: Mapping[str, Any], place: str) -> str:
    """Return one of pydantic's errors in words."""
    kind, loc = problem["type"], problem["loc"]
    of_key = loc[-1:] == ("[key]",)
    where = ".".join(str(step) for step in (place, *loc[: -2 if of_key else None]) if step != "")
    if of_key:
        return f"{where or 'it'} has {shown(problem['input'])} where a name is expected"
    if kind in ("missing", "extra_forbidden"):
        return f"{where} is {'missing' if kind == 'missing' else 'unknown'}"
    least = f" of at least {problem['ctx']['ge']:g}" if kind == "greater_than_equal" else ""
    words = next((words for start, words in _WORDS.items() if kind.startswith(start)), "a number")
    return f"{where or 'it'} is {shown(problem['input'])}, not {words}{least}"
