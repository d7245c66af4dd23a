"""Dictionaries: which characters a recogniser knows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ppocr.errors import PpocrError
from ppocr.utils.encoding import not_utf8
from ppocr.utils.paths import resolve_dictionary

# What a recogniser knows when no dictionary is named; texts are lower-cased then.
DEFAULT_CHARACTERS = tuple("0123456789abcdefghijklmnopqrstuvwxyz")
SHOWN = 5  # line numbers listed per kind of warning


@dataclass(frozen=True)
class Vocabulary:
    """The characters of a dictionary, in the order of its lines.

    Args:
        characters: the entries; an entry is usually one character. Doubled, blank and longer entries are
            kept, because shipped dictionaries contain them and each line is a class of trained networks.
        path: where they were read from, or None.
        lower: whether texts are lower-cased before look-up.
        space: whether the last of them is the space that `use_space_char` adds.
        warnings: what is odd about the file, with line numbers.
    """

    characters: tuple[str, ...]
    path: str | None = None
    lower: bool = False
    space: bool = False
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    @lru_cache(maxsize=64)
    def load(cls, path: str | None, use_space_char: bool = False) -> Vocabulary:
        """Read a dictionary.

        Args:
            path: text file, UTF-8 with or without byte order mark, one entry a line; None for digits and
                lower-case letters.
            use_space_char: adds the space behind the last entry of the file. upstream: without a file it does nothing,
                and checkpoints have as many classes.

        Raises:
            PpocrError: the file is missing, empty or not UTF-8.
        """
        if path is None:
            return cls(DEFAULT_CHARACTERS, lower=True)
        file = resolve_dictionary(path)
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            what = not_utf8(bytes(error.object))
            raise PpocrError(f"dictionary {path} is {what} at byte {error.start}", "save it as UTF-8") from error
        # only these line ends: a dictionary may hold other characters that str.splitlines cuts at
        entries = [line.rstrip("\r") for line in text.split("\n")]
        if entries and entries[-1] == "":
            entries.pop()
        if not entries:
            raise PpocrError(f"dictionary {path} is empty", "it needs one character a line")
        warnings = tuple(_oddities(path, entries, use_space_char))
        return cls.of(entries, use_space_char, path=path, warnings=warnings)

    @classmethod
    def of(cls, entries: Sequence[str], use_space_char: bool, **further: Any) -> Vocabulary:
        """Return the vocabulary of a dictionary's entries, and the space where asked for."""
        space = (" ",) if use_space_char else ()
        return cls((*entries, *space), space=bool(use_space_char), **further)


def _oddities(path: str, entries: Sequence[str], use_space_char: bool) -> list[str]:
    """Return a line for each kind of odd entry."""
    numbered = list(enumerate(entries, start=1))
    first = {entry: number for number, entry in reversed(numbered)}
    doubled = [f"{n} ({entry!r}, first in line {first[entry]})" for n, entry in numbered if first[entry] < n]
    blank = [str(n) for n, entry in numbered if entry == ""]
    longer = [f"{n} ({entry!r})" for n, entry in numbered if len(entry) > 1]
    if use_space_char and " " in first:
        doubled.append(f"{len(entries) + 1} (the space of use_space_char, first in line {first[' ']})")
    kinds = (
        (doubled, "doubled entries; the last of each is used"),
        (blank, "blank entries, classes that no text uses"),
        (longer, "entries longer than one character, which no label is encoded to"),
    )
    return [
        f"dictionary {path}: {len(lines)} {what}: line {', '.join(lines[:SHOWN] + ['...'] * (len(lines) > SHOWN))}"
        for lines, what in kinds
        if lines
    ]
