"""Smooth random warps of a text line, composed on a coarse grid and applied by one resampling.

The distort, stretch and perspective of "Learn to Augment" (Luo et al., CVPR 2020,
https://arxiv.org/abs/2003.06606) bend a line by control points on its upper and lower edge; what lies between
follows by moving least squares (Schaefer et al., SIGGRAPH 2006). Three things keep it cheap: the control points
stay put in the RESULT and their displacements point back into the source, so that the weights depend on the
layout only and are cached; they are complex numbers, for which a similarity is one multiplication; and a smooth
field needs a few nodes per character only.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

# Inner nodes of the grid down and across; one more on each side carries the field past the border.
ROWS, COLUMNS = 4, 24
SEGMENTS = (3, 6)  # fewest and most parts a line is divided into
MOST_POINTS = 2 * SEGMENTS[1] + 2
STRETCH = 0.6  # largest change of a part's width, as a share of it
DRAWS = 2 + 2 * MOST_POINTS + (SEGMENTS[1] - 1) + 4 + 3  # random numbers one warp takes
_ASPECT_STEPS = 4  # cached layouts per doubling of width/height
_HALVES_DOWN = np.arange(ROWS + 2, dtype=np.float32)[:, None] + np.float32(0.5)
_HALVES_ACROSS = np.arange(COLUMNS + 2, dtype=np.float32) + np.float32(0.5)
_LEAST_WIDTH = 1e-3  # keeps a node that falls on a control point from dividing by zero, in line heights

# Field of view of the imagined camera, and how far it may turn: about the vertical, the horizontal, the line of sight.
_VIEW_DISTANCE = 1.3
_YAW, _PITCH, _ROLL = math.radians(12), math.radians(12), math.radians(5)


class Warp:
    """A map from the pixels of the result back to the source, held at the nodes of a coarse grid.

    Args:
        size: (height, width) of both images, in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        height, width = size
        # The full-size map is the grid enlarged, less a margin of about one node on each side.
        self._full = (round(height * (ROWS + 2) / ROWS), round(width * (COLUMNS + 2) / COLUMNS))
        self._margin = ((self._full[0] - height) // 2, (self._full[1] - width) // 2)
        # complex64 [ROWS + 2, COLUMNS + 2]: x + iy in the source, in pixels, where `cv2.resize` will put each node.
        self.points: np.ndarray = np.empty((ROWS + 2, COLUMNS + 2), np.complex64)
        self.points.real = _HALVES_ACROSS * (self._full[1] / (COLUMNS + 2)) - (0.5 + self._margin[1])
        self.points.imag = _HALVES_DOWN * (self._full[0] / (ROWS + 2)) - (0.5 + self._margin[0])

    def distort(self, draws: np.ndarray) -> None:
        """Move control points on both edges at random: sideways by a part of their distance, up and down likewise.

        Args:
            draws: 1 + 2 * MOST_POINTS uniform numbers in [0, 1).
        """
        height, width = self.size
        segments = _pick_segments(draws[0])
        count = 2 * segments + 2
        reach = width / segments / 3
        scale, shift = _distortions(segments)
        moves = (draws[1 : 1 + 2 * count] * scale + shift).astype(np.float32).view(np.complex64)
        moves.real *= reach
        moves.imag *= min(reach, height / 3)
        weights = _weights(segments, round(math.log2(width / height) * _ASPECT_STEPS))
        self.points -= (weights @ moves).reshape(self.points.shape)

    def stretch(self, draws: np.ndarray) -> None:
        """Widen some parts of the line and narrow others.

        Args:
            draws: SEGMENTS[1] uniform numbers in [0, 1).
        """
        segments = _pick_segments(draws[0])
        part = self.size[1] / segments
        source = np.arange(-1, segments + 2) * part  # the ends, and one part beyond each, stay where they are
        target = source.copy()
        target[2:-2] += (draws[1:segments] - 0.5) * (STRETCH * part)
        self.points.real = np.interp(self.points.real, target, source)

    def tilt(self, draws: np.ndarray) -> None:
        """Move each corner towards the middle of its side, up to a third of the height.

        Args:
            draws: 4 uniform numbers in [0, 1): corners clockwise from the upper left.
        """
        height, width = self.size
        upper_left, upper_right, lower_right, lower_left = (draws * (height / 3)).tolist()
        along, down = self.points.real / width, self.points.imag
        top = along * (upper_right - upper_left) + upper_left
        tall = along * (lower_left - lower_right - upper_right + upper_left) + (height - lower_left - upper_left)
        np.maximum(tall, height / 8, out=tall)  # nodes outside the line may lie beyond the vanishing point
        self.points.imag = (down - top) * height / tall

    def turn(self, draws: np.ndarray) -> None:
        """Look at the line from an angle.

        Args:
            draws: 3 uniform numbers in [0, 1).
        """
        height, width = self.size
        yaw, pitch, roll = (2 * draws - 1).tolist()
        roll *= min(_ROLL, height / width / 4)  # the ends of a line rise and fall by an eighth of its height at most
        distance = _VIEW_DISTANCE * max(height, width)
        across, down = math.sin(yaw * _YAW) / distance, math.sin(pitch * _PITCH) / distance
        away = self.points - complex(width / 2, height / 2)
        depth = 1 + away.real * across + away.imag * down
        zoom = 1 + (abs(across) * width + abs(down) * height) / 2  # so that the nearer end is not cut off
        self.points = away * (zoom * complex(math.cos(roll), math.sin(roll))) / depth + complex(width / 2, height / 2)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the warped image; pixels outside the source repeat its border.

        Args:
            image: uint8 [H, W] or [H, W, C] of the given size.
        """
        (height, width), (top, left) = self.size, self._margin
        border = height // 2  # resampling outside the picture is slow, so most of what a warp pulls in is laid round it
        image = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
        points = np.asarray(self.points + complex(border, border), np.complex64)
        nodes = points.view(np.float32).reshape(ROWS + 2, COLUMNS + 2, 2)
        full = cv2.resize(nodes, self._full[::-1])[top : top + height, left : left + width]
        whole, fraction = cv2.convertMaps(full, None, cv2.CV_16SC2)  # fixed point: nearly twice as fast as floats
        return cv2.remap(image, whole, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _pick_segments(draw: float) -> int:
    return SEGMENTS[0] + int(draw * (SEGMENTS[1] - SEGMENTS[0] + 1))


@lru_cache(maxsize=SEGMENTS[1])
def _distortions(segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (scale, shift) that turn uniform numbers (x, y, x, y, ...) into moves: corners inwards, others any way."""
    scale = np.ones((2 * segments + 2, 2))
    shift = np.full((2 * segments + 2, 2), -0.5)
    scale[:4] = [[1, 1], [-1, 1], [-1, -1], [1, -1]]
    shift[:4] = 0
    return scale.ravel(), shift.ravel()


@lru_cache(maxsize=256)
def _weights(segments: int, aspect_step: int) -> np.ndarray:
    """Return complex64 [nodes, points]: how much each control point's displacement moves each node.

    With p the points, v a node, w = 1 / |p - v|^2, p* the weighted mean and p' = p - p*, the similarity that fits
    displacements q best is q* + (v - p*) sum(w conj(p') q) / sum(w |p'|^2): linear in q.

    Args:
        segments: parts of the line; the points are its corners (clockwise from the upper left) and the inner
            boundaries of the parts, upper and lower in turn.
        aspect_step: width/height as a power of two, times `_ASPECT_STEPS`.
    """
    width = 2.0 ** (aspect_step / _ASPECT_STEPS)  # the height is 1
    inner = [at for i in range(1, segments) for at in (width * i / segments, width * i / segments + 1j)]
    p = np.array([0, width, width + 1j, 1j, *inner])
    x = (np.arange(COLUMNS + 2) - 0.5) / COLUMNS * width
    y = (np.arange(ROWS + 2) - 0.5) / ROWS
    v = (x[None, :] + 1j * y[:, None]).reshape(-1, 1)  # [nodes, 1]
    w = 1 / np.maximum(np.abs(p - v), _LEAST_WIDTH) ** 2
    w /= w.sum(axis=1, keepdims=True)
    mean = (w * p).sum(axis=1, keepdims=True)
    centred = p - mean
    spread = (w * np.abs(centred) ** 2).sum(axis=1, keepdims=True)
    return (w + (v - mean) * w * centred.conj() / spread).astype(np.complex64)
