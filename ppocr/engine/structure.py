"""Checks of what a file holds against what is read from it, before anything is taken over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.errors import CheckpointError

LARGEST = 2**53  # no count of a run comes near it, and floats hold it exactly

Check = Callable[[Any, str], None]


class Unfit(Exception):
    """A value is not what is expected at its place; the text names both."""


def shown(value: object) -> str:
    """Return a short text of a value that may be anything."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, np.integer)):
        return str(value) if abs(int(value)) <= LARGEST else "a number beyond all counts"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):g}"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    kind = type(value).__name__
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def whole(low: int = 0, high: int = LARGEST) -> Check:
    """Return a check for a whole number within bounds."""

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise Unfit(f"{place} is {shown(value)}, not a whole number of at least {low}")

    return check


def number(low: float = -math.inf) -> Check:
    """Return a check for a number of at least `low`; NaN and +inf are none, -inf is one only where it is the bound."""

    def check(value: Any, place: str) -> None:
        kinds = (int, float, np.integer, np.floating)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value < math.inf:
            least = "" if low == -math.inf else f" of at least {low:g}"
            raise Unfit(f"{place} is {shown(value)}, not a number{least}")

    return check


def text(value: Any, place: str) -> None:
    """Check for a text."""
    if not isinstance(value, str):
        raise Unfit(f"{place} is {shown(value)}, not a text")


def boolean(value: Any, place: str) -> None:
    """Check for True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise Unfit(f"{place} is {shown(value)}, not True or False")


def maybe(check: Check) -> Check:
    """Return a check that None passes too."""
    return lambda value, place: None if value is None else check(value, place)


def each(check: Check, length: int | None = None) -> Check:
    """Return a check for a list whose items all pass a check."""

    def check_items(value: Any, place: str) -> None:
        if not isinstance(value, (list, tuple)) or (length is not None and len(value) != length):
            raise Unfit(f"{place} is {shown(value)}, not a list" + (f" of {length}" if length is not None else ""))
        for index, item in enumerate(value):
            check(item, f"{place}.{index}")

    return check_items


def table(check: Check) -> Check:
    """Return a check for values by name that all pass a check."""

    def check_values(value: Any, place: str) -> None:
        for name, item in named(value, place).items():
            check(item, f"{place}.{name}")

    return check_values


def record(wanted: Mapping[str, Check], optional: Mapping[str, Check] | None = None, closed: bool = False) -> Check:
    """Return a check for values by name, of which these must be there; others are left alone unless it is closed."""

    def check_values(value: Any, place: str) -> None:
        found = named(value, place)
        for name in wanted:
            if name not in found:
                raise Unfit(f"{place}.{name} is missing" if place else f"{name} is missing")
        for name in found:
            if closed and name not in wanted:
                raise Unfit(f"{place}.{name} is unknown")
        for name, check in {**wanted, **(optional or {})}.items():
            if name in found:
                check(found[name], f"{place}.{name}" if place else name)

    return check_values


def by_name(value: Any, place: str) -> None:
    """Check for values by name, whatever they are."""
    named(value, place)


def named(value: Any, place: str) -> dict[str, Any]:
    """Return a dict whose keys are all texts."""
    if not isinstance(value, dict):
        raise Unfit(f"{place or 'it'} is {shown(value)}, not values by name")
    for key in value:
        if not isinstance(key, str):
            raise Unfit(f"{place or 'it'} has {shown(key)} where a name is expected")
    return value


def require(value: Any, check: Check, path: str | Path, hint: str = "") -> None:
    """Refuse a file whose content does not pass a check.

    Raises:
        CheckpointError: naming the file, the entry and what is wrong with it.
    """
    try:
        check(value, "")
    except Unfit as error:
        raise CheckpointError(f"{path}: {' '.join(str(error).split())}", hint) from None
