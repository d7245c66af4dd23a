"""Dictionaries: which characters a recogniser knows, and in which order."""

from __future__ import annotations

import hashlib
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
        return _load(path, bool(use_space_char))

    @classmethod
    def of(cls, entries: Sequence[str], use_space_char: bool, **further: Any) -> Vocabulary:
        """Return the vocabulary of a dictionary's entries, and the space where asked for."""
        space = (" ",) if use_space_char else ()
        return cls((*entries, *space), space=bool(use_space_char), **further)

    @property
    def sha256(self) -> str:
        """Hash of the characters and their order; equal hashes mean interchangeable heads."""
        return hashlib.sha256("\n".join(self.characters).encode("utf-8")).hexdigest()


@lru_cache(maxsize=64)
def _load(path: str | None, use_space_char: bool) -> Vocabulary:
    if path is None:
        return Vocabulary(DEFAULT_CHARACTERS, lower=True)
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
    return Vocabulary.of(entries, use_space_char, path=path, warnings=warnings)


def _oddities(path: str, entries: Sequence[str], use_space_char: bool) -> list[str]:
    """Return a line for each kind of odd entry."""
    first: dict[str, int] = {}
    doubled, blank, longer = [], [], []
    for number, entry in enumerate(entries, start=1):
        if entry in first:
            doubled.append(f"{number} ({entry!r}, first in line {first[entry]})")
        first.setdefault(entry, number)
        if entry == "":
            blank.append(str(number))
        elif len(entry) > 1:
            longer.append(f"{number} ({entry!r})")
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
