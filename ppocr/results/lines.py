"""Lines of text on a page, and where they and their words are."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from itertools import groupby

import cv2
import numpy as np

TALL = 1.5  # height by width from which a box holds vertical text, as the ecosystem crops it


@dataclass(frozen=True)
class Word:
    """A word, or a character of scripts without spaces, of a line on a page.

    Args:
        text: its characters.
        polygon: int64 [4, 2] as (x, y) in the pixels of the page's image.
    """

    text: str
    polygon: np.ndarray


@dataclass(frozen=True)
class TextLine:
    """One line of text on a page.

    Args:
        polygon: int64 [P, 2] as (x, y) in the pixels of the page's image, clockwise from the text's upper left.
        text: as recognised; "" where it was only detected.
        confidence: of the text, 0 to 1.
        score: of the detection, 0 to 1.
        angle: degrees clockwise by which the text is rotated in its polygon's crop: 0 or 180.
        words: in the order of the text; () where they were not asked for.
        row: lines of one row of print share this number.
        block: lines of one column or paragraph share this number.
    """

    polygon: np.ndarray
    text: str = ""
    confidence: float = 0.0
    score: float = 0.0
    angle: int = 0
    words: tuple[Word, ...] = ()
    row: int = 0
    block: int = 0

    @property
    def tall(self) -> bool:
        """Whether it is taller than wide: a line of vertical text."""
        width, height = size_of(_four(self.polygon))
        return height >= TALL * width

    @property
    def corners(self) -> np.ndarray:
        """Four corners of its box, float64 [4, 2]: clockwise from where the text's first character has its upper left.

        Text in a tall box runs down; so the first is then the box's upper right.
        """
        corners = np.roll(_four(self.polygon), -1 if self.tall else 0, axis=0)
        return np.roll(corners, -2, axis=0) if self.angle == 180 else corners

    @property
    def degrees(self) -> float:
        """Degrees counter-clockwise from rightwards in which the text runs, above -180 to 180."""
        start, end = self.corners[[0, 3]].mean(0), self.corners[[1, 2]].mean(0)
        return math.degrees(math.atan2(start[1] - end[1], end[0] - start[0]))  # y runs down

    @property
    def located_words(self) -> tuple[Word, ...]:
        """Its words; where they were not asked for, those between spaces, placed as if all characters were as wide."""
        if self.words or not self.text.strip():
            return self.words
        upper_left, upper_right, lower_right, lower_left = self.corners
        found, start = [], 0
        for blank, characters in groupby(self.text, str.isspace):
            text = "".join(characters)
            end = start + len(text)
            left, right = start / len(self.text), end / len(self.text)
            if right_to_left(self.text):
                left, right = 1 - right, 1 - left
            start = end
            if not blank:
                upper = [upper_left + (upper_right - upper_left) * at for at in (left, right)]
                lower = [lower_left + (lower_right - lower_left) * at for at in (right, left)]
                found.append(Word(text, np.rint([*upper, *lower]).astype(np.int64)))
        return tuple(found)


def right_to_left(text: str) -> bool:
    """Return whether a text is written from right to left: by the first of its characters that has a direction."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((direction in ("R", "AL") for direction in directions if direction in ("L", "R", "AL")), False)


def size_of(corners: np.ndarray) -> tuple[float, float]:
    """Return width and height of a box by its four corners, [4, 2]."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return float(max(sides[0], sides[2])), float(max(sides[1], sides[3]))


def bounds(polygon: np.ndarray) -> list[int]:
    """Return left, top, right and bottom of a polygon, [P, 2]."""
    points = np.asarray(polygon)
    return [*map(int, points.min(0)), *map(int, points.max(0))]


def _four(polygon: np.ndarray) -> np.ndarray:
    """Return the corners of a polygon of four, or of the smallest rectangle around another, from the upper left on."""
    if len(polygon) == 4:
        return np.asarray(polygon, np.float64)
    box = cv2.boxPoints(cv2.minAreaRect(np.asarray(polygon, np.float32))).astype(np.float64)
    left = box[np.argsort(box[:, 0], kind="stable")[:2]]
    right = box[np.argsort(box[:, 0], kind="stable")[2:]]
    (top_left, bottom_left), (top_right, bottom_right) = (side[np.argsort(side[:, 1])] for side in (left, right))
    return np.array([top_left, top_right, bottom_right, bottom_left])
