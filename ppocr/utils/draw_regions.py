"""Pictures of text regions: what was found, and against the labels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

FOUND, LABELLED, IGNORED = (0, 0, 255), (0, 170, 0), (150, 150, 150)  # blue, green, red


def draw_regions(
    image: np.ndarray, points: Sequence[np.ndarray], color: tuple[int, int, int] = FOUND, width: int | None = None
) -> np.ndarray:
    """Return an image with the outlines of regions.

    Args:
        image: uint8 [H, W, 3], blue-green-red; not changed.
        points: [P, 2] each.
        color: blue, green, red.
        width: of the lines in pixels; by the image's size when None.
    """
    width = width or max(1, round(max(image.shape[:2]) / 700))
    picture = image.copy()
    outlines = [np.rint(np.asarray(p, np.float64)).astype(np.int32).reshape(-1, 1, 2) for p in points]
    cv2.polylines(picture, outlines, True, color, width, cv2.LINE_AA)
    return picture


def draw_det_comparison(
    image: np.ndarray, found: Sequence[np.ndarray], labels: Sequence[np.ndarray], ignored: Sequence[bool]
) -> np.ndarray:
    """Return an image with labels in green, ignored ones in grey, and what was found in red over them.

    Args:
        image: uint8 [H, W, 3], blue-green-red.
        found: regions found, [P, 2] each.
        labels: regions labelled, [P, 2] each.
        ignored: which of those do not count.
    """
    thick = max(3, round(max(image.shape[:2]) / 250))
    picture = draw_regions(image, [p for p, skip in zip(labels, ignored) if skip], IGNORED, thick)
    picture = draw_regions(picture, [p for p, skip in zip(labels, ignored) if not skip], LABELLED, thick)
    return draw_regions(picture, found, FOUND)


def grid(pictures: Sequence[np.ndarray], columns: int = 3, width: int = 640) -> np.ndarray:
    """Return pictures scaled to one width and set side by side, uint8 [H, W, 3].

    Args:
        pictures: uint8 [H, W, 3] each, at least one.
        columns: pictures in a row.
        width: of each, in pixels.
    """
    cells = [cv2.resize(p, (width, max(1, round(p.shape[0] * width / p.shape[1])))) for p in pictures]
    rows = []
    for start in range(0, len(cells), columns):
        row = cells[start : start + columns]
        height = max(cell.shape[0] for cell in row)
        line = np.full((height, width * min(columns, len(cells)), 3), 255, np.uint8)
        for place, cell in enumerate(row):
            line[: cell.shape[0], place * width : (place + 1) * width] = cell
        rows.append(line)
    return np.concatenate(rows)
