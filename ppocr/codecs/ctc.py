"""Text to CTC class numbers and back (Graves et al., ICML 2006)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import TextDirection

BLANK = "blank"
LEFT_TO_RIGHT = re.compile(r"[a-zA-Z0-9 :*./%+-]")
CHINESE, LATIN = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[a-zA-Z0-9]")
WIDE_GAP = 4  # time steps between two characters that end a word


class CTCCodec:
    """Encodes labels and decodes the best path of CTC probabilities.

    Args:
        vocabulary: the characters; class 0 is the blank, class i+1 the i-th of them.
        max_text_length: longest label in characters, or None.
        text_direction: "ltr"; "rtl" for right-to-left labels written in logical order, encoded in the order
            the eye sees them from the left; "visual" for labels that are already written in that order, as
            the official Arabic sets are (decoded texts are logical in both).
    """

    padding_id = 0

    def __init__(
        self, vocabulary: Vocabulary, max_text_length: int | None = None, text_direction: TextDirection = "ltr"
    ) -> None:
        self.vocabulary = vocabulary
        self.max_text_length = max_text_length
        self.text_direction = text_direction
        self.classes: tuple[str, ...] = (BLANK, *vocabulary.characters)
        self._ids = {c: i for i, c in enumerate(vocabulary.characters, start=1)}  # of doubled entries the last
        self._characters = np.array(self.classes, dtype=object)

    @classmethod
    def from_options(
        cls,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        max_text_length: int | None = None,
        text_direction: TextDirection | None = None,
    ) -> CTCCodec:
        """Build a codec from the keys of a configuration.

        Args:
            character_dict_path: see `Vocabulary.load`.
            use_space_char: see `Vocabulary.load`.
            max_text_length: see the class.
            text_direction: None: "visual" when the path contains "arabic", else "ltr".
        """
        if text_direction is None:
            # upstream: a path with "arabic" in it turns on reversal of decoded texts
            text_direction = "visual" if character_dict_path and "arabic" in character_dict_path else "ltr"
        return cls(Vocabulary.load(character_dict_path, use_space_char), max_text_length, text_direction)

    def with_dictionary(self, path: str) -> CTCCodec:
        """Return the same codec over another dictionary; it knows the space if this one does."""
        space = self.classes[-1] == " "
        return CTCCodec(Vocabulary.load(path, space), self.max_text_length, self.text_direction)

    @property
    def num_classes(self) -> int:
        """Number of classes, the blank included."""
        return len(self.classes)

    def encode(self, text: str) -> list[int]:
        """Return the class numbers of a label, leaving out characters the vocabulary lacks."""
        if self.text_direction == "rtl":
            text = reorder(text)
        ids = self._ids
        return [ids[c] for c in self._folded(text) if c in ids]

    def unknown(self, text: str) -> str:
        """Return the characters of a label that the vocabulary lacks, in order."""
        ids = self._ids
        return "".join(c for c in self._folded(text) if c not in ids)

    def reference(self, text: str) -> str:
        """Return a label in the order and case that decoded texts have, to be compared with them."""
        text = self._folded(text)
        return reorder(text) if self.text_direction == "visual" else text

    @staticmethod
    def required_steps(ids: Sequence[int]) -> int:
        """Return the fewest time steps CTC can align a label with: one each, and a blank between equal neighbours."""
        return len(ids) + sum(a == b for a, b in zip(ids, ids[1:]))

    def decode(self, ids: np.ndarray, probs: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Collapse best paths to texts.

        Args:
            ids: int [B, T], best class per step.
            probs: float [B, T], its probability; None counts as 1.

        Returns:
            (text, confidence) per row; the confidence is the mean over kept steps, 0.0 for an empty text.
        """
        keep = self._kept(ids)
        return [self._row(row, keep[b], None if probs is None else probs[b]) for b, row in enumerate(ids)]

    def positions(self, ids: np.ndarray) -> list[np.ndarray]:
        """Return the time steps of the kept characters of best paths int [B, T]."""
        return [np.flatnonzero(row) for row in self._kept(ids)]

    def _kept(self, ids: np.ndarray) -> np.ndarray:
        keep = ids != 0
        keep[:, 1:] &= ids[:, 1:] != ids[:, :-1]
        return keep

    def _row(self, ids: np.ndarray, keep: np.ndarray, probs: np.ndarray | None) -> tuple[str, float]:
        text = "".join(self._characters[ids[keep]])
        if probs is None:
            return self._shown(text), 1.0 if text else 0.0
        kept = probs[keep]
        return self._shown(text), float(kept.mean()) if kept.size else 0.0

    def _folded(self, text: str) -> str:
        return text.lower() if self.vocabulary.lower else text

    def _shown(self, text: str) -> str:
        return text if self.text_direction == "ltr" else reorder(text)


def reorder(text: str) -> str:
    """Return a text with its runs in opposite order: between visual and logical order of right-to-left script.

    Runs of digits, Latin letters and signs keep their inner order. Doing it twice gives the text back.
    """
    runs: list[str] = []
    inside = False
    for character in text:
        left_to_right = LEFT_TO_RIGHT.match(character) is not None
        if left_to_right and inside:
            runs[-1] += character
        else:
            runs.append(character)
        inside = left_to_right
    return "".join(reversed(runs))


def split_words(text: str, steps: np.ndarray) -> tuple[list[list[str]], list[list[int]], list[str]]:
    """Group the characters of a text into words, with the time steps they were read at.

    Args:
        text: decoded text.
        steps: int [len(text)], time step of each character.

    Returns:
        Characters per word, time steps per word, and the kind of each word: "cn" or "en&num".
        Other characters separate words, but a hyphen inside a Latin word and the dot of a number belong to it.
    """
    words: list[list[str]] = []
    places: list[list[int]] = []
    kinds: list[str] = []
    before: str | None = None
    for i, character in enumerate(text):
        kind = "cn" if CHINESE.match(character) else "en&num" if LATIN.match(character) else None
        if before == "en&num" and (character == "-" or (character == "." and text[i + 1 : i + 2].isdigit())):
            kind = "en&num"
        if kind is not None:
            if kind != before or steps[i] - steps[i - 1] > WIDE_GAP:
                words.append([])
                places.append([])
                kinds.append(kind)
            words[-1].append(character)
            places[-1].append(int(steps[i]))
        before = kind
    return words, places, kinds


def best_path(probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the best class and its probability per step: int64 [B, T] and float [B, T] of float [B, T, C]."""
    ids = probs.argmax(axis=2)
    return ids, np.take_along_axis(probs, ids[..., None], axis=2)[..., 0]


def word_box(text: str, steps: np.ndarray, width_in_steps: float) -> list[Any]:
    """Return the word boxes of one line as the ecosystem's runtimes exchange them."""
    words, places, kinds = split_words(text, steps)
    return [width_in_steps, words, places, kinds]
