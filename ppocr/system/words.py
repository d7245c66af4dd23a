"""Where the words of a line are on the page, by the positions of its characters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ppocr.deploy.long_lines import SINGLE
from ppocr.results import Word
from ppocr.system.crop import LineCrop


def words_of(text: str, middles: np.ndarray, crop: LineCrop) -> tuple[Word, ...]:
    """Return the words of a line in the order of its text.

    Args:
        text: of the line.
        middles: float [len(text)], the middle of each character as a fraction of the crop's width.
        crop: of the line.
    """
    if not text:
        return ()
    height, width = crop.image.shape[:2]
    lefts, rights = _extents(np.asarray(middles, np.float64))
    found = []
    for start, end in _spans(text):
        left, right = lefts[start:end].min() * width, rights[start:end].max() * width
        corners = crop.on_page(np.array([(left, 0), (right, 0), (right, height), (left, height)]))
        found.append(Word(text[start:end], np.rint(corners).astype(np.int64)))
    return tuple(found)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each word: what spaces separate, and characters of scripts without spaces one by one."""
    start = 0
    for i, character in enumerate(text):
        single = SINGLE.match(character) is not None
        if character.isspace() or single:
            if start < i:
                yield start, i
            if single and not character.isspace():
                yield i, i + 1
            start = i + 1
    if start < len(text):
        yield start, len(text)


def _extents(middles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each character begins and ends, as fractions of the width: halfway to its neighbours."""
    order = np.argsort(middles, kind="stable")
    sorted_ = middles[order]
    if len(middles) == 1:
        return np.zeros(1), np.ones(1)
    between = (sorted_[1:] + sorted_[:-1]) / 2
    half = float(np.median(np.diff(sorted_))) / 2
    edges = np.concatenate([[sorted_[0] - half], between, [sorted_[-1] + half]]).clip(0, 1)
    lefts, rights = np.empty_like(middles), np.empty_like(middles)
    lefts[order], rights[order] = edges[:-1], edges[1:]
    return lefts, rights
