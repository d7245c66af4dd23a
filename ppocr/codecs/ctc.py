"""Text to CTC class indices and back (Graves et al., ICML 2006)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ppocr.codecs.text import TextCodec, reordered

CHINESE, LATIN = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[a-zA-Z0-9]")
WIDE_GAP = 4  # time steps between two characters that end a word


class CTCCodec(TextCodec):
    """Encodes labels and decodes the best path of CTC probabilities; class 0 is the blank, i+1 the i-th character."""

    before = ("blank",)
    blank_id = padding_id = 0

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
        return [self._row(row[k], None if probs is None else probs[b][k]) for b, (row, k) in enumerate(zip(ids, keep))]

    def positions(self, ids: np.ndarray) -> list[np.ndarray]:
        """Return the time steps of the kept characters of best paths int [B, T]."""
        return [np.flatnonzero(row) for row in self._kept(ids)]

    def middles(self, ids: np.ndarray) -> list[np.ndarray | None]:
        """Return where the characters of decoded texts are.

        Args:
            ids: int [B, T], best class per step.

        Returns:
            For each row float64 [characters], the middle of each in the order of its text as a fraction of the image's
            width; None where a class stands for several characters.
        """
        found: list[np.ndarray | None] = []
        for row, steps in zip(ids, self.positions(ids)):
            text = "".join(self._names[row[steps]])
            middles = (steps + 0.5) / ids.shape[1]
            if self.text_direction != "ltr":
                middles = middles[reordered(text)] if len(text) == len(steps) else middles
            found.append(middles if len(text) == len(steps) else None)
        return found

    def _kept(self, ids: np.ndarray) -> np.ndarray:
        keep = ids != self.blank_id
        keep[:, 1:] &= ids[:, 1:] != ids[:, :-1]
        return keep


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
