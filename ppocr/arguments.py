"""Command-line arguments that a part declares, each with the parameter of its constructor that it overrules."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Argument:
    """An argument of the predicting commands that overrules what `inference.yml` says of one part.

    Args:
        name: without the dashes; "{kind}" in it stands for "rec", "det" or "cls", whichever command reads it.
        parameter: of the part's constructor.
        help: shown by `--help`.
        type: turns the text into a value; raises ArgumentTypeError or ValueError.
        choices: the only texts allowed; None for any.
        instead_of: other parameters that no longer count when this argument is given.
        keys: from the value and the part's section to the keys to put into it, where they are not just the parameter
            with the value; raises ConfigError when the value contradicts the section.
    """

    name: str
    parameter: str
    help: str
    type: Callable[[str], Any] = str
    choices: tuple[str, ...] | None = None
    instead_of: tuple[str, ...] = ()
    keys: Callable[[Any, Mapping[str, Any]], dict[str, Any]] | None = None

    def overrule(self, section: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """Return a part's section of `inference.yml` with the value in it."""
        kept = {key: old for key, old in section.items() if key not in self.instead_of}
        return {**kept, **(self.keys(value, section) if self.keys else {self.parameter: value})}


def true_or_false(text: str) -> bool:
    """Return the truth value of an argument's text."""
    known = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return known[text.lower()]
