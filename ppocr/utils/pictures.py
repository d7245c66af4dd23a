"""Pictures for people: images with text below them, with polygons in them, and many of them in one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ppocr.utils.fonts import choose_font, drawable

Color = tuple[int, int, int]  # blue, green, red

BLACK, GREEN, RED, GREY = (0, 0, 0), (0, 170, 0), (0, 0, 255), (150, 150, 150)
MARGIN = 4  # pixels around a caption and around a tile


def captioned(image: np.ndarray, text: str, color: Color = BLACK) -> np.ndarray:
    """Return an image with a line of text below it, uint8 [H', W', 3].

    Args:
        image: uint8 [H, W, 3], blue-green-red; not changed.
        text: what to write; characters no font has are written as code points.
        color: of the text.
    """
    from PIL import Image, ImageDraw

    font, missing = choose_font(text)
    text = drawable(text, missing)
    left, _, right, bottom = font.getbbox(text or " ")
    width = max(image.shape[1], int(right - left) + 2 * MARGIN)
    canvas = np.full((image.shape[0] + int(bottom) + 2 * MARGIN, width, 3), 255, np.uint8)
    canvas[: image.shape[0], : image.shape[1]] = image
    picture = Image.fromarray(canvas)
    ImageDraw.Draw(picture).text((MARGIN, image.shape[0] + MARGIN), text, fill=color, font=font)
    return np.asarray(picture)


def outlined(
    image: np.ndarray, polygons: Sequence[np.ndarray], color: Color = RED, width: int | None = None
) -> np.ndarray:
    """Return an image with the outlines of polygons, uint8 [H, W, 3].

    Args:
        image: uint8 [H, W, 3], blue-green-red; not changed.
        polygons: [P, 2] each.
        color: of the lines.
        width: of the lines in pixels; by the image's size when None.
    """
    width = width or max(1, round(max(image.shape[:2]) / 700))
    picture = image.copy()
    outlines = [np.rint(np.asarray(p, np.float64)).astype(np.int32).reshape(-1, 1, 2) for p in polygons]
    cv2.polylines(picture, outlines, True, color, width, cv2.LINE_AA)
    return picture


def with_labelled_polygons(image: np.ndarray, polygons: Sequence[np.ndarray], ignored: Sequence[bool]) -> np.ndarray:
    """Return an image with labelled polygons in green and ignored ones in grey, wide enough to draw others over them.

    Args:
        image: uint8 [H, W, 3], blue-green-red; not changed.
        polygons: [P, 2] each.
        ignored: which of them do not count.
    """
    width = max(3, round(max(image.shape[:2]) / 250))
    picture = outlined(image, [p for p, skip in zip(polygons, ignored) if skip], GREY, width)
    return outlined(picture, [p for p, skip in zip(polygons, ignored) if not skip], GREEN, width)


def tiled(pictures: Sequence[np.ndarray], columns: int, width: int | None = None) -> np.ndarray:
    """Return pictures side by side in rows, uint8 [H, W, 3].

    Args:
        pictures: uint8 [H, W, 3] each.
        columns: pictures in a row.
        width: scale each to this, without a margin; None: keep their sizes, and a margin around each.
    """
    if width is None:
        pictures = [np.pad(p, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255) for p in pictures]
    else:
        pictures = [cv2.resize(p, (width, max(1, round(p.shape[0] * width / p.shape[1])))) for p in pictures]
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    heights = [max(p.shape[0] for p in row) for row in rows]
    width = max((p.shape[1] for p in pictures), default=1)
    canvas = np.full((max(sum(heights), 1), width * max(min(columns, len(pictures)), 1), 3), 255, np.uint8)
    for y, row in zip(np.cumsum([0, *heights]), rows):
        for column, picture in enumerate(row):
            canvas[y : y + picture.shape[0], column * width : column * width + picture.shape[1]] = picture
    return canvas
