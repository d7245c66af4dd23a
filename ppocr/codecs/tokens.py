"""What the codecs of decoders that write one character after another have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ppocr.codecs.ctc import CTCCodec, reorder
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.ranges import TextDirection

TOKENS = 2  # the start and the end of a label


class ClassTable(NamedTuple):
    """What the entries of a parameter along one axis stand for.

    Args:
        classes: one for each entry.
        axis: the axis.
    """

    classes: tuple[str, ...]
    axis: int = -1


class TokenCodec:
    """Encodes labels as start, characters, end, padding.

    A subclass lays out its classes in `_layout`, where it sets `start_id`, `end_id`, `padding_id` and, for classes that
    are not written, `hidden`.

    Args:
        vocabulary: the characters.
        text_direction: see `CTCCodec`: all heads of a network read a line from the same side.
    """

    start_id: int
    end_id: int
    padding_id: int
    hidden: tuple[int, ...] = ()

    def __init__(self, vocabulary: Vocabulary, text_direction: TextDirection = "ltr") -> None:
        self.vocabulary = vocabulary
        self.text_direction = text_direction
        first, classes = self._layout(vocabulary.characters)
        self.classes = tuple(classes)
        self._ids = {c: i for i, c in enumerate(vocabulary.characters, start=first)}  # of doubled entries the last
        self._names = np.array(self.classes, dtype=object)

    @classmethod
    def from_options(
        cls,
        character_dict_path: str | None = None,
        use_space_char: bool = False,
        text_direction: TextDirection | None = None,
    ) -> TokenCodec:
        """Build a codec from the keys of a configuration; see `CTCCodec.from_options`."""
        direction = CTCCodec.from_options(character_dict_path, use_space_char, None, text_direction).text_direction
        return cls(Vocabulary.load(character_dict_path, use_space_char), direction)

    def _layout(self, characters: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        """Return the class of the first character and the name of every class."""
        raise TypeError(f"{type(self).__name__} does not implement _layout")

    @property
    def num_classes(self) -> int:
        """Number of classes, the special ones included."""
        return len(self.classes)

    def encode(self, text: str) -> list[int]:
        """Return the class numbers of a label's characters, leaving out those the vocabulary lacks."""
        ids = self._ids
        if self.text_direction == "rtl":
            text = reorder(text)
        return [ids[c] for c in self._folded(text) if c in ids]

    def padded(self, ids: Sequence[int], length: int) -> np.ndarray:
        """Return int64 [length]: start, the characters, end, padding; characters that do not fit are cut off."""
        label = np.full(length, self.padding_id, np.int64)
        ids = ids[: length - TOKENS]
        label[0] = self.start_id
        label[1 : len(ids) + 1] = ids
        label[len(ids) + 1] = self.end_id
        return label

    def unknown(self, text: str) -> str:
        """Return the characters of a label that the vocabulary lacks, in order."""
        return "".join(c for c in self._folded(text) if c not in self._ids)

    def reference(self, text: str) -> str:
        """Return a label in the order and case that decoded texts have, to be compared with them."""
        text = self._folded(text)
        return reorder(text) if self.text_direction == "visual" else text

    def decode(self, ids: np.ndarray, probs: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Return the texts of class numbers, each up to its end token.

        Args:
            ids: int [B, T]; labels, and predictions whose start and end differ, may begin with the start token.
            probs: float [B, T], the probability of each; None for labels.

        Returns:
            (text, confidence) per row; the confidence is the mean over the characters, 0.0 for an empty text.
        """
        ids = np.asarray(ids)
        started = np.zeros(ids.shape, bool)
        if probs is None or self.start_id != self.end_id:
            started[:, 0] = ids[:, 0] == self.start_id
        ended = np.logical_or.accumulate((ids == self.end_id) & ~started, axis=1)
        # upstream: NRTR predicts one class more than there are names; it is left out
        keep = ~(started | ended | np.isin(ids, self.hidden) | (ids >= self.num_classes))
        return [self._row(row[k], None if probs is None else probs[b][k]) for b, (row, k) in enumerate(zip(ids, keep))]

    def _row(self, ids: np.ndarray, probs: np.ndarray | None) -> tuple[str, float]:
        text = "".join(self._names[ids])
        shown = text if self.text_direction == "ltr" else reorder(text)
        if probs is None:
            return shown, 1.0 if ids.size else 0.0
        return shown, float(probs.mean()) if ids.size else 0.0

    def _folded(self, text: str) -> str:
        return text.lower() if self.vocabulary.lower else text
