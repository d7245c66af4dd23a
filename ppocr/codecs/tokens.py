"""What the codecs of decoders that decode one character after another have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppocr.codecs.text import TextCodec

TOKENS = 2  # the start and the end of a label


class TokenCodec(TextCodec):
    """Encodes labels as start, characters, end, padding.

    Attributes:
        hidden: token ids that are not written.
    """

    start_id: int
    end_id: int
    padding_id: int
    hidden: tuple[int, ...] = ()

    def padded(self, ids: Sequence[int], length: int) -> np.ndarray:
        """Return int64 [length]: start, the characters, end, padding; characters that do not fit are cut off."""
        label = np.full(length, self.padding_id, np.int64)
        ids = ids[: length - TOKENS]
        label[0] = self.start_id
        label[1 : len(ids) + 1] = ids
        label[len(ids) + 1] = self.end_id
        return label

    def decode(self, ids: np.ndarray, probs: np.ndarray | None = None) -> list[tuple[str, float]]:
        """Return the texts of token ids, each up to its end token.

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
        keep = ~(started | ended | np.isin(ids, self.hidden) | (ids >= len(self.classes)))
        return [self._row(row[k], None if probs is None else probs[b][k]) for b, (row, k) in enumerate(zip(ids, keep))]
