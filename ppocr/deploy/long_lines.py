"""Lines too long for a recogniser: cut where there is no text, and joined after reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ppocr.results import Recognition

# characters of scripts without spaces, each a word of its own: kana, Han with its punctuation, full-width forms
SINGLE = re.compile("[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003134f]")
SEARCHED = 0.3  # of the longest piece: how far from its end a gap is looked for
WORD_GAP = 0.18  # heights: background of this width is a gap between words
BACKGROUND = 0.25  # of a line's contrast: columns of less contrast are background


@dataclass(frozen=True)
class Piece:
    """A part of a long line.

    Args:
        start: column of the line it begins at.
        end: column it ends before.
        spaced: whether a gap between words is before it.
    """

    start: int
    end: int
    spaced: bool = False


def cut(image: np.ndarray, longest: int) -> list[Piece]:
    """Return the pieces of a line from left to right.

    Args:
        image: uint8 [h, w, 3].
        longest: columns of a piece.
    """
    height, width = image.shape[:2]
    if width <= longest:
        return [Piece(0, width)]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    contrast = (grey.max(axis=0) - grey.min(axis=0)).astype(np.float32)
    empty = contrast < BACKGROUND * float(np.percentile(contrast, 95))
    pieces = []
    start, spaced = 0, False
    while width - start > longest:
        first = start + max(1, int((1 - SEARCHED) * longest))
        place, gap = _best_place(empty[first : start + longest], contrast[first : start + longest])
        pieces.append(Piece(start, first + place, spaced))
        start, spaced = first + place, gap >= WORD_GAP * height
    return [*pieces, Piece(start, width, spaced)]


def _best_place(empty: np.ndarray, contrast: np.ndarray) -> tuple[int, int]:
    """Return the middle and the width of the widest run of empty columns; where there is none, of least contrast."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return int(np.argmin(contrast)), 0
    widest = int(np.argmax(ends - starts))
    return int(starts[widest] + ends[widest]) // 2, int(ends[widest] - starts[widest])


def joined(pieces: Sequence[Piece], read: Sequence[Recognition]) -> Recognition:
    """Return what is read of a line, of what is read of its pieces; the confidence is the mean over the characters.

    Args:
        pieces: of the line.
        read: of each piece.
    """
    width = pieces[-1].end
    text, weighted, middles = "", 0.0, []
    known = all(each.positions is not None for each in read)
    for piece, each in zip(pieces, read):
        if piece.spaced and _takes_space(text, each.text):
            text += " "
            middles.append(np.array([piece.start / width]))
        text += each.text
        weighted += each.confidence * len(each.text)
        if each.positions is not None:
            middles.append((piece.start + each.positions * (piece.end - piece.start)) / width)
    characters = sum(len(each.text) for each in read)
    positions = np.concatenate(middles) if known and middles else None
    return Recognition(text, weighted / characters if characters else 0.0, positions)


def _takes_space(before: str, after: str) -> bool:
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return False
    return not (SINGLE.match(before[-1]) or SINGLE.match(after[0]))
