"""What the codecs of recognisers have in common: a dictionary, and the direction of a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from ppocr.codecs.base import Codec
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import TextDirection
from ppocr.errors import ConfigError

T = TypeVar("T", bound="TextCodec")
LEFT_TO_RIGHT = re.compile(r"[a-zA-Z0-9 :*./%+-]")


class TextCodec(Codec):
    """Encodes and decodes the characters of a dictionary; a subclass names the special classes around them.

    Args:
        vocabulary: the characters.
        text_direction: "ltr"; "rtl" for right-to-left labels written in logical order, encoded in the order
            the eye sees them from the left; "visual" for labels that are already written in that order, as
            the official Arabic sets are (decoded texts are logical in both).

    Attributes:
        before: names of the special classes in front of the characters.
        behind: names of the special classes behind the characters.
    """

    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    def __init__(self, vocabulary: Vocabulary, text_direction: TextDirection = "ltr") -> None:
        self.vocabulary = vocabulary
        self.text_direction = text_direction
        self.warnings = vocabulary.warnings
        self.classes = (*self.before, *vocabulary.characters, *self.behind)
        first = len(self.before)
        self._ids = {c: i for i, c in enumerate(vocabulary.characters, start=first)}  # of doubled entries the last
        self._names = np.array(self.classes, dtype=object)

    @classmethod
    def from_options(
        cls: type[T],
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
        character_dict: Sequence[str] | None = None,
    ) -> T:
        """Build a codec from the keys of a configuration.

        Args:
            character_dict_path: dictionary; None for digits and lower-case letters.
            use_space_char: whether the space is a class of its own behind the dictionary's; of no effect without one.
            text_direction: None: "visual" when the path contains "arabic", else "ltr".
            character_dict: the entries of the dictionary themselves, as `inference.yml` holds them; the path is not
                read then.
        """
        if character_dict is not None:
            return cls(Vocabulary.of(character_dict, use_space_char), text_direction or "ltr")
        # upstream: a path with "arabic" in it turns on reversal of decoded texts
        usual: TextDirection = "visual" if character_dict_path and "arabic" in character_dict_path else "ltr"
        return cls(Vocabulary.load(character_dict_path, use_space_char), text_direction or usual)

    @classmethod
    def of_size(cls: type[T], count: int) -> T:
        """Return a codec of so many `classes` whose characters are placeholders.

        Raises:
            ConfigError: fewer classes than the special ones.
        """
        special = len(cls.before) + len(cls.behind)
        if count < special:
            raise ConfigError(f"{count} classes are too few: {cls.__name__} has {special} beside the characters")
        return cls(Vocabulary(tuple(f"<{i}>" for i in range(count - special))))

    def with_vocabulary(self: T, vocabulary: Vocabulary) -> T:
        """Return the same codec over other characters."""
        return type(self)(vocabulary, self.text_direction)

    def with_dictionary(self: T, path: str) -> T:
        """Return the same codec over the dictionary of a file; it has the space if this one has."""
        return self.with_vocabulary(Vocabulary.load(path, self.vocabulary.space))

    def with_classes(self: T, classes: Sequence[str]) -> T:
        """Return the same codec over the characters among `classes`, which are laid out as this codec's."""
        end = len(classes) - len(self.behind)
        return self.with_vocabulary(Vocabulary(tuple(classes[len(self.before) : end])))

    def options(self) -> dict[str, Any]:
        """Return the arguments of `from_options` that build this codec again without any file."""
        characters, space = list(self.vocabulary.characters), self.vocabulary.space
        return {
            "use_space_char": space,
            "text_direction": self.text_direction,
            "character_dict": characters[:-1] if space else characters,
        }

    def encode(self, text: str) -> list[int]:
        """Return the class indices of a label's characters, leaving out those the vocabulary lacks."""
        ids = self._ids
        if self.text_direction == "rtl":
            text = reorder(text)
        return [ids[c] for c in self._folded(text) if c in ids]

    def unknown(self, text: str) -> str:
        """Return the characters of a label that the vocabulary lacks, in order."""
        ids = self._ids
        return "".join(c for c in self._folded(text) if c not in ids)

    def reference(self, text: str) -> str:
        """Return a label in the order and case that decoded texts have, to be compared with them."""
        text = self._folded(text)
        return reorder(text) if self.text_direction == "visual" else text

    def _folded(self, text: str) -> str:
        return text.lower() if self.vocabulary.lower else text

    def _row(self, ids: np.ndarray, probs: np.ndarray | None) -> tuple[str, float]:
        """Return the text of class indices int [N], and the mean of their probabilities float [N]."""
        text = "".join(self._names[ids])
        shown = text if self.text_direction == "ltr" else reorder(text)
        if not ids.size:
            return shown, 0.0
        return shown, 1.0 if probs is None else float(probs.mean())

    def _facts(self) -> tuple[Any, ...]:
        return self.text_direction, self.vocabulary.lower, self.classes

    def __str__(self) -> str:
        known = self.vocabulary
        entries = "digits and lower-case letters" if known.lower else f"{len(known.characters)} entries"
        space = " with use_space_char" if known.space else ""
        direction = "" if self.text_direction == "ltr" else f", text_direction {self.text_direction}"
        return f"{known.path or entries}{space}{direction}"


def reorder(text: str) -> str:
    """Return a text with its runs in opposite order: between visual and logical order of right-to-left script.

    Runs of digits, Latin letters and signs keep their inner order. Doing it twice gives the text back.
    """
    return "".join(text[i] for i in reordered(text))


def reordered(text: str) -> list[int]:
    """Return the indices of the characters of a text in the order that `reorder` puts them in."""
    runs: list[list[int]] = []
    inside = False
    for i, character in enumerate(text):
        left_to_right = LEFT_TO_RIGHT.match(character) is not None
        if left_to_right and inside:
            runs[-1].append(i)
        else:
            runs.append([i])
        inside = left_to_right
    return [i for run in reversed(runs) for i in run]
