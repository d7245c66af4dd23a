"""Pictures of pages: the lines in colour, and beside them their texts at the same places."""

from __future__ import annotations

import colorsys
import unicodedata
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ppocr.results.lines import TextLine, right_to_left, size_of
from ppocr.utils.fonts import choose_font, drawable

SMALLEST, LARGEST = 4, 400  # pixels of a font's size
FILL = 0.5  # how much of the colour covers a line
LINE_HEIGHT = 0.8  # of a box that the font's size takes, as capitals with descenders fit
_TURN = 0.618  # of the colour wheel between neighbours: such steps do not come back to the same colours soon


def beside_texts(image: np.ndarray, lines: Sequence[TextLine]) -> np.ndarray:
    """Return an image with its lines in colour, and to the right of it their texts in the same places.

    Args:
        image: uint8 [H, W, 3], blue-green-red; not changed.
        lines: polygons in its pixels.

    Returns:
        uint8 [H, 2 W, 3].
    """
    left, right = image.copy(), np.full_like(image, 255)
    for number, line in enumerate(lines):
        color = _color(number)
        outline = np.rint(np.asarray(line.polygon, np.float64)).astype(np.int32).reshape(-1, 1, 2)
        cv2.fillPoly(left, [outline], color)
        cv2.polylines(right, [outline], True, color, 1)
        if line.text.strip():
            _write(right, line)
    left = cv2.addWeighted(left, FILL, image, 1 - FILL, 0)
    return np.concatenate([left, right], axis=1)


def _color(number: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number * _TURN % 1, 0.9, 0.85)
    return round(255 * blue), round(255 * green), round(255 * red)


def _write(canvas: np.ndarray, line: TextLine) -> None:
    """Write the text of a line into its box."""
    upright = line.tall and _stacked(line.text)
    corners = np.roll(line.corners, 1, axis=0) if upright else line.corners
    width, height = (max(1, round(side)) for side in size_of(corners))
    shape = canvas.shape
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, None)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, (shape[1], shape[0]))
    if left >= right or top >= bottom or max(width, height) > 4 * max(shape):
        return  # outside the image
    picture = _column(line.text, width, height) if upright else _row(line.text, width, height)
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    target = (corners - (left, top)).astype(np.float32)
    if abs(cv2.contourArea(target)) < 1:
        return  # a box without an inside
    matrix = cv2.getPerspectiveTransform(source, target)
    size = int(right - left), int(bottom - top)
    drawn = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_AREA, borderValue=255)
    part = canvas[top:bottom, left:right]
    np.minimum(part, drawn[..., None], out=part)


def _stacked(text: str) -> bool:
    """Return whether the characters of vertical text stand upright, one below the other: wide ones, as Han and kana."""
    return any(unicodedata.east_asian_width(character) in "WF" for character in text)


def _row(text: str, width: int, height: int) -> np.ndarray:
    """Return dark text on white that fills a box as far as its proportions allow, uint8 [height, width]."""
    from PIL import Image, ImageDraw

    text, font = _font(text, height * LINE_HEIGHT)
    length = font.getlength(text)
    if length > width:
        text, font = _font(text, height * LINE_HEIGHT * width / length)
    picture = Image.new("L", (width, height), 255)
    start, anchor = (width, "rm") if right_to_left(text) else (0, "lm")
    ImageDraw.Draw(picture).text((start, height / 2), text, fill=0, font=font, anchor=anchor)
    return np.asarray(picture)


def _column(text: str, width: int, height: int) -> np.ndarray:
    """Return the characters of a text one below the other, uint8 [height, width]."""
    from PIL import Image, ImageDraw

    characters = [character for character in text if not character.isspace()]
    step = height / len(characters)
    picture = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(picture)
    for number, character in enumerate(characters):
        size = min(step, width) * LINE_HEIGHT
        shown, font = _font(character, size)
        if font.getlength(shown) > width:
            shown, font = _font(character, size * width / font.getlength(shown))
        draw.text((width / 2, (number + 0.5) * step), shown, fill=0, font=font, anchor="mm")
    return np.asarray(picture)


def _font(text: str, size: float) -> tuple[str, Any]:
    """Return a text as it can be drawn, and a font of a size for it."""
    font, missing = choose_font(text)
    size = min(max(round(size), SMALLEST), LARGEST)
    return _ordered(drawable(text, missing)), font.font_variant(size=size)


def _ordered(text: str) -> str:
    """Return a text in the order it is drawn in: right-to-left scripts need that where Pillow does not do it itself."""
    from PIL import features

    if features.check("raqm"):
        return text
    try:
        from bidi.algorithm import get_display
    except ImportError:
        return text
    return str(get_display(text))
