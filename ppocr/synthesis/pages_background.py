"""Backgrounds of pages: paper, gradients, textures, and clutter with the statistics of photographs, without text."""

from __future__ import annotations

import math

import cv2
import numpy as np


def background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return a background of a random kind: uint8 [height, width, 3]."""
    kind = rng.random()
    if kind >= 0.6:
        return _scene(rng, height, width)
    if kind < 0.2:
        image = np.tile(color(rng), (height, width, 1))
    elif kind < 0.4:
        image = _gradient(rng, height, width)
    else:
        image = color(rng) + _texture(rng, height, width) * rng.uniform(8, 40)
    if kind < 0.4 and rng.random() < 0.3:
        image = _ruled(rng, image)
    drawn = _bytes(image)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 9))):
            _clutter(rng, drawn)
    return drawn


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8))


def color(rng: np.random.Generator) -> np.ndarray:
    """Return a colour: float32 [3], often grey, light or dark."""
    grey = rng.uniform(20, 250)
    return np.clip(grey + rng.normal(0, rng.choice([4, 25, 60]), 3), 0, 255).astype(np.float32)


def _gradient(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    angle = rng.uniform(0, 2 * math.pi)
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    weight = ((x * math.cos(angle) + y * math.sin(angle)) / 2.9 + 0.5)[..., None]
    first = color(rng)
    second = color(rng) if rng.random() < 0.5 else np.clip(first + rng.uniform(-70, 70), 0, 255)
    return (first * weight + second * (1 - weight)).astype(np.float32)


def _texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return noise of several scales, about -1 to 1: float32 [height, width, 1]."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    decay = rng.uniform(0.5, 0.9)
    for cells in (3, 8, 24, 64):
        grid = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= decay
    total += weight * 0.5 * rng.normal(0, 1, (height, width)).astype(np.float32)
    return (total / 2.5)[..., None]


def _ruled(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Draw ruled or squared paper."""
    step, shade = int(rng.integers(14, 50)), rng.uniform(-45, 30)
    image[int(rng.integers(step)) :: step] += shade
    if rng.random() < 0.5:
        image[:, int(rng.integers(step)) :: step] += shade
    return image


def _scene(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return an image with the statistics of a photograph: surfaces, textures, objects, blur by distance."""
    image = _gradient(rng, height, width) + _texture(rng, height, width) * rng.uniform(5, 25)
    for _ in range(int(rng.integers(2, 6))):  # large surfaces: sky, walls, ground
        corners = rng.uniform(-0.3, 1.3, (int(rng.integers(3, 6)), 2)) * (width, height)
        mask = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(corners.astype(np.int32)), 255, cv2.LINE_AA)
        part = color(rng) + _texture(rng, height, width) * rng.uniform(2, 25)
        alpha = mask[..., None].astype(np.float32) / 255
        image = image * (1 - alpha) + part * alpha
    drawn = _bytes(image)
    count = int(rng.integers(5, 28))
    blurred = int(rng.integers(count))
    for i in range(count):
        _clutter(rng, drawn)
        if i == blurred:  # all objects so far are out of focus
            drawn = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.6, 3))
    if rng.random() < 0.3:  # darker towards the corners
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        drawn = _bytes(drawn * (1 - rng.uniform(0.1, 0.45) * (x * x + y * y) / 2)[..., None])
    return drawn


def _clutter(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw one object that is not text."""
    height, width = image.shape[:2]
    kinds = (_strokes, _outline, _blob, _bars, _grid, _dots, _leaves, _zigzag, _panel)
    draw = kinds[int(rng.integers(len(kinds)))]
    centre = rng.uniform(0, 1, 2) * (width, height)
    size = min(height, width) * rng.uniform(0.03, 0.3)
    around = image[int(min(centre[1], height - 1)), int(min(centre[0], width - 1))]
    ink = color(rng) if rng.random() < 0.5 else np.clip(around + rng.uniform(-60, 60), 0, 255)
    draw(rng, image, centre, size, tuple(float(v) for v in ink))


def _points(points: np.ndarray) -> list[np.ndarray]:
    return [np.round(points).astype(np.int32)]


def _turned(rng: np.random.Generator, points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return points rotated by a random, mostly small angle and moved to a centre."""
    angle = rng.normal(0, 0.15) if rng.random() < 0.7 else rng.uniform(0, math.pi)
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]]) + centre


def _strokes(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Wires, branches, cracks: a few long lines."""
    for _ in range(int(rng.integers(1, 5))):
        ends = centre + rng.normal(0, 2.5 * size, (2, 2))
        cv2.polylines(image, _points(ends), False, ink, int(rng.integers(1, 6)), cv2.LINE_AA)


def _outline(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Frames and rings."""
    thick = int(rng.integers(1, 8))
    if rng.random() < 0.5:
        axes = (int(size * rng.uniform(0.3, 1.2)) + 1, int(size * rng.uniform(0.3, 1.2)) + 1)
        cv2.ellipse(image, (int(centre[0]), int(centre[1])), axes, rng.uniform(0, 180), 0, 360, ink, thick, cv2.LINE_AA)
        return
    half = size * rng.uniform(0.3, 1.3, 2)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    cv2.polylines(image, _points(_turned(rng, corners, centre)), True, ink, thick, cv2.LINE_AA)


def _blob(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Stones, heads, boxes: one filled shape."""
    count = int(rng.integers(3, 9))
    around = np.sort(rng.uniform(0, 2 * math.pi, count))
    radius = size * rng.uniform(0.4, 1.2, count)
    shape = np.stack([np.cos(around), np.sin(around)], 1) * radius[:, None]
    cv2.fillPoly(image, _points(shape + centre), ink, cv2.LINE_AA)


def _bars(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Fences, blinds, stairs, zebra crossings: parallel bars of one length."""
    count, gap = int(rng.integers(4, 14)), size * rng.uniform(0.12, 0.35)
    half, thick = size * rng.uniform(0.2, 1.4), max(1, int(gap * rng.uniform(0.15, 0.6)))
    turn = _turned(rng, np.array([[1.0, 0], [0, 1.0]]), np.zeros(2))
    along, across = (turn[0], turn[1]) if rng.random() < 0.5 else (turn[1], turn[0])
    for i in range(count):
        middle = centre + along * gap * (i - count / 2)
        ends = np.stack([middle - across * half, middle + across * half])
        cv2.polylines(image, _points(ends), False, ink, thick, cv2.LINE_AA)


def _grid(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Windows, tiles, bricks: a grid of boxes, filled or not."""
    columns, rows = int(rng.integers(2, 8)), int(rng.integers(2, 6))
    cell = np.array([rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.5)]) * size + 4
    fill, share, shift = rng.random() < 0.6, rng.uniform(0.5, 0.9), 0.5 * (rng.random() < 0.4)
    turn = _turned(rng, np.array([[1.0, 0], [0, 1.0]]), np.zeros(2))
    for row in range(rows):
        for column in range(columns):
            corner = np.array([column - columns / 2 + shift * (row % 2), row - rows / 2]) * cell
            box = (corner + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * cell * share) @ turn + centre
            if fill:
                cv2.fillPoly(image, _points(box), ink, cv2.LINE_AA)
            else:
                cv2.polylines(image, _points(box), True, ink, 1, cv2.LINE_AA)


def _dots(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Lamps, rivets, beads: equal discs in a row."""
    count, step = int(rng.integers(3, 12)), size * rng.uniform(0.15, 0.5)
    radius = max(1, int(step * rng.uniform(0.2, 0.45)))
    row = _turned(rng, np.stack([(np.arange(count) - count / 2) * step, np.zeros(count)], 1), centre)
    for x, y in np.round(row).astype(int):
        cv2.circle(image, (int(x), int(y)), radius, ink, -1, cv2.LINE_AA)


def _leaves(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Foliage, gravel: a heap of small ellipses of like colours."""
    for _ in range(int(rng.integers(10, 60))):
        x, y = (centre + rng.normal(0, 0.5 * size, 2)).astype(int)
        axes = (int(rng.integers(2, 3 + int(size) // 6)), int(rng.integers(1, 2 + int(size) // 10)))
        shade = tuple(float(np.clip(v + rng.normal(0, 25), 0, 255)) for v in ink)
        cv2.ellipse(image, (int(x), int(y)), axes, rng.uniform(0, 180), 0, 360, shade, -1, cv2.LINE_AA)


def _zigzag(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Roofs, mountains, waves: one line that goes up and down."""
    count = int(rng.integers(4, 20))
    x = np.linspace(-size, size, count) * rng.uniform(0.5, 2)
    y = np.where(np.arange(count) % 2, 1, -1) * size * rng.uniform(0.05, 0.4) * rng.uniform(0.5, 1.2, count)
    line = _turned(rng, np.stack([x, y], 1), centre)
    cv2.polylines(image, _points(line), False, ink, int(rng.integers(1, 5)), cv2.LINE_AA)


def _panel(rng: np.random.Generator, image: np.ndarray, centre: np.ndarray, size: float, ink: tuple) -> None:
    """Empty signs, so that a plain panel alone is no sign of text."""
    half = size * np.array([rng.uniform(0.3, 1.2), rng.uniform(0.1, 0.5)])
    corners = _turned(rng, np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half, centre)
    cv2.fillPoly(image, _points(corners), ink, cv2.LINE_AA)
    if rng.random() < 0.3:
        frame = (float(rng.uniform(0, 255)),) * 3
        cv2.polylines(image, _points(corners), True, frame, int(rng.integers(1, 4)), cv2.LINE_AA)
