"""Rendered blocks of words, and their placement on a page: a perspective plane or an arc."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

WORDS_FILE = Path(__file__).with_name("words.txt")
ASCII = "".join(map(chr, range(33, 127)))
MOST_FONTS = 60  # a machine may have thousands
BUILT_IN = ("pillow", "hershey simplex", "hershey complex", "hershey duplex")  # available on every system
HERSHEY = {
    "hershey simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "hershey complex": cv2.FONT_HERSHEY_COMPLEX,
    "hershey duplex": cv2.FONT_HERSHEY_DUPLEX,
}
HERSHEY_SIZE = 30.0  # pixels from ascender to descender at scale 1
MARGIN = 1  # pixels between the ink of a line and its box


@lru_cache(maxsize=1)
def system_fonts() -> tuple[str, ...]:
    """Return the font files of this system that have all of ASCII, at most `MOST_FONTS` of them."""
    from ppocr.utils.fonts import font_files, lacking, load_font

    loaded = {path: load_font(path, 20) for path in sorted(set(font_files()))}
    good = [path for path, font in loaded.items() if font is not None and not lacking(font, ASCII)]
    step = max(len(good) / MOST_FONTS, 1)
    return tuple(good[int(i * step)] for i in range(min(len(good), MOST_FONTS)))


def fonts() -> tuple[str, ...]:
    """Return the font names of `draw_word`: this system's font files and the fonts of the installed packages."""
    return (*system_fonts(), *BUILT_IN)


@lru_cache(maxsize=256)
def _pillow_font(name: str, size: int):  # noqa: ANN202 - Pillow is imported late
    from PIL import ImageFont

    if name == "pillow":
        return ImageFont.load_default(size)
    return ImageFont.truetype(name, size, layout_engine=ImageFont.Layout.BASIC)


def draw_word(text: str, font: str, size: int) -> tuple[np.ndarray, int, int]:
    """Draw a word cut to its ink.

    Args:
        text: without blanks.
        font: one of `fonts()`.
        size: in pixels, of the font's em.

    Returns:
        The ink uint8 [h, w], and the offset (x, y) of its corner from the pen on the baseline.
    """
    if font in HERSHEY:
        scale, thick = size / HERSHEY_SIZE, max(1, round(size / 14))
        (width, height), below = cv2.getTextSize(text, HERSHEY[font], scale, thick)
        pad = size // 2 + thick + 2
        pen = (pad, height + pad)
        canvas = np.zeros((height + below + 2 * pad, width + 2 * pad), np.uint8)
        cv2.putText(canvas, text, pen, HERSHEY[font], scale, 255, thick, cv2.LINE_AA)
    else:
        from PIL import Image, ImageDraw

        face = _pillow_font(font, size)
        left, top, right, bottom = face.getbbox(text, anchor="ls")
        pen = (2 - math.floor(left), 2 - math.floor(top))
        image = Image.new("L", (math.ceil(right) + pen[0] + 2, math.ceil(bottom) + pen[1] + 2))
        ImageDraw.Draw(image).text(pen, text, fill=255, font=face, anchor="ls")
        canvas = np.asarray(image)
    x, y, width, height = cv2.boundingRect(canvas)
    return canvas[y : y + height, x : x + width], x - pen[0], y - pen[1]


class Words:
    """Words of one split: common words, capitalised in three ways, and numbers, prices, times, codes and the like.

    A token belongs to a split by a checksum of its letters, so no token is ever in both.

    Args:
        test: whether the words are the held-out ones, a fifth of all.
    """

    def __init__(self, test: bool) -> None:
        self.test = test
        self._common = [w for w in WORDS_FILE.read_text(encoding="utf-8").split() if self.has(w)]

    def has(self, token: str) -> bool:
        """Return whether a token belongs to this split."""
        return (zlib.crc32(token.lower().encode()) % 5 == 0) == self.test

    def sample(self, rng: np.random.Generator) -> str:
        """Return a random token."""
        if rng.random() < 0.75:
            word = self._common[int(rng.integers(len(self._common)))]
            style = rng.random()
            return word.upper() if style < 0.3 else word.capitalize() if style < 0.6 else word
        while True:
            token = _mixed(rng)
            if self.has(token):
                return token


def _mixed(rng: np.random.Generator) -> str:
    """Return a number, price, time, date, percentage or code."""

    def number(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    kind = number(0, 7)
    if kind == 0:
        return str(number(10, 10 ** number(2, 6)))
    if kind == 1:
        return f"${number(1, 200)}.{number(0, 100):02d}"
    if kind == 2:
        return f"{number(0, 24)}:{number(0, 60):02d}"
    if kind == 3:
        return f"{number(1, 29)}/{number(1, 13)}/{number(1950, 2030)}"
    if kind == 4:
        return f"{number(5, 100)}%"
    letters = "".join(chr(number(65, 91)) for _ in range(number(1, 4)))
    return f"{letters}-{number(10, 1000)}" if kind == 5 else f"{number(1, 100)}{letters}"


Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Block:
    """A rendered block of words.

    Args:
        ink: uint8 [H, W], 255 on the letters.
        edge: uint8 [H, W], the letters with their outline, a superset of `ink`.
        lines: each line of words and its left, top, right and bottom, `MARGIN` outside its ink.
        words: each word and its box.
        size: font size in pixels.
    """

    ink: np.ndarray
    edge: np.ndarray
    lines: list[tuple[str, Box]]
    words: list[tuple[str, Box]]
    size: int


def draw_block(
    lines: Sequence[Sequence[str]], font: str, size: int, *, outline: int = 0, border: int = 0, align: float = 0.0
) -> Block:
    """Draw lines of words.

    Args:
        lines: the words of each line.
        font: one of `fonts()`.
        size: of the font in pixels.
        outline: pixels that the outline reaches beyond the letters.
        border: empty pixels around the block.
        align: 0 for left-aligned lines, 0.5 for centred, 1 for right-aligned.

    Returns:
        The block.
    """
    space, leading = max(round(0.34 * size), 4) + 2 * outline, round(1.35 * size) + 2 * outline
    drawn = [[draw_word(word, font, size) for word in line] for line in lines]
    widths = [sum(ink.shape[1] + space for ink, _, _ in line) - space for line in drawn]
    pad = outline + MARGIN + 2 + border
    above = max(-y for _, _, y in drawn[0])
    below = max(ink.shape[0] + y for ink, _, y in drawn[-1])
    height = above + max(below, 1) + leading * (len(lines) - 1) + 2 * pad
    canvas = np.zeros((height, max(widths) + 2 * pad), np.uint8)
    grow = outline + MARGIN
    line_boxes: list[tuple[str, Box]] = []
    word_boxes: list[tuple[str, Box]] = []
    for row, parts in enumerate(drawn):
        x = left = pad + round((max(widths) - widths[row]) * align)
        tops = [pad + above + row * leading + dy for _, _, dy in parts]
        for (ink, _, _), y, word in zip(parts, tops, lines[row]):
            part = canvas[y : y + ink.shape[0], x : x + ink.shape[1]]
            np.maximum(part, ink, out=part)
            word_boxes.append((word, (x - grow, y - grow, x + ink.shape[1] + grow, y + ink.shape[0] + grow)))
            x += ink.shape[1] + space
        bottom = max(y + ink.shape[0] for (ink, _, _), y in zip(parts, tops))
        box = (left - grow, min(tops) - grow, x - space + grow, bottom + grow)
        line_boxes.append((" ".join(lines[row]), box))
    edge = canvas
    if outline:
        edge = cv2.dilate(canvas, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * outline + 1, 2 * outline + 1)))
    return Block(canvas, edge, line_boxes, word_boxes, size)


class Plane:
    """A block under rotation, shear and perspective; its labels are quadrilaterals.

    Args:
        shape: height and width of the block.
        angle: of the rotation, in degrees, clockwise.
        shear: of the letters, as a fraction of their height.
        depth: perspective, by how much the far end is smaller, -0.5 to 0.5.
    """

    def __init__(self, shape: tuple[int, ...], angle: float, shear: float = 0.0, depth: float = 0.0) -> None:
        height, width = shape[:2]
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
        perspective = np.array([[1, shear, 0], [0, 1, 0], [depth / max(width, 1), 0, 1.0]])
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        self.matrix = turn @ perspective @ centre
        outline = self.polygon((0, 0, width, height))
        low = np.floor(outline.min(0))
        self.matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]]) @ self.matrix
        self.outline = outline - low
        self.size = tuple(int(v) for v in np.ceil(self.outline.max(0)))  # width, height

    def polygon(self, box: Sequence[float]) -> np.ndarray:
        """Return the polygon of a box of the block on the page: float64 [4, 2], clockwise from its top left corner."""
        left, top, right, bottom = box
        corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1.0]]) @ self.matrix.T
        return corners[:, :2] / corners[:, 2:]

    def warp(self, flat: np.ndarray) -> np.ndarray:
        """Return a mask of the block warped onto the page: uint8, `size`."""
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        return cv2.warpPerspective(flat, np.linalg.inv(half) @ self.matrix @ half, self.size, flags=cv2.INTER_LINEAR)


class Arc:
    """A line bent around a circle and rotated; its labels have ten or more points.

    Args:
        shape: height and width of the block.
        radius: of the line's middle, in pixels; more than the height.
        angle: of the rotation, in degrees, clockwise.
        smile: whether the ends point up instead of down.
    """

    def __init__(self, shape: tuple[int, ...], radius: float, angle: float = 0.0, smile: bool = False) -> None:
        self._height, self._width = shape[:2]
        self._radius, self._sign = float(radius), -1.0 if smile else 1.0
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        self._turn = np.array([[cos, -sin], [sin, cos]])
        self._low = np.zeros(2)
        outline = self.polygon((0, 0, self._width, self._height))
        self._low = np.floor(outline.min(0))
        self.outline = outline - self._low
        self.size = tuple(int(v) for v in np.ceil(self.outline.max(0)))

    def polygon(self, box: Sequence[float]) -> np.ndarray:
        """Return the polygon of a box of the block on the page: float64 [2 k, 2], k >= 5, clockwise from the top left.

        The points of the outer edge lie slightly outside the circle, so that the chords between them do not cut it.
        """
        left, top, right, bottom = box
        steps = max(4, math.ceil((right - left) / self._radius / math.radians(10)))
        x = np.linspace(left, right, steps + 1)
        outer = 1 / math.cos((right - left) / self._radius / steps / 2)
        upper, lower = (outer, 1.0) if self._sign > 0 else (1.0, outer)
        return np.concatenate([self._positions(x, top, upper), self._positions(x[::-1], bottom, lower)]) - self._low

    def _positions(self, x: np.ndarray, y: float, stretch: float) -> np.ndarray:
        """Return the page positions of block positions at one height, their radius stretched: float64 [N, 2]."""
        around = (x - self._width / 2) / self._radius
        radius = (self._radius + self._sign * (self._height / 2 - y)) * stretch
        return np.stack([radius * np.sin(around), -self._sign * radius * np.cos(around)], 1) @ self._turn.T

    def warp(self, flat: np.ndarray) -> np.ndarray:
        """Return a mask of the block warped onto the page: uint8, `size`."""
        x, y = np.meshgrid(np.arange(self.size[0]) + 0.5, np.arange(self.size[1]) + 0.5)
        page = np.stack([x + self._low[0], y + self._low[1]], -1) @ self._turn
        radius = np.hypot(page[..., 0], page[..., 1])
        around = np.arctan2(page[..., 0], -self._sign * page[..., 1])
        flat_x = around * self._radius + self._width / 2 - 0.5
        flat_y = self._height / 2 - self._sign * (radius - self._radius) - 0.5
        return cv2.remap(flat, flat_x.astype(np.float32), flat_y.astype(np.float32), cv2.INTER_LINEAR)
