"""What recognisers, detectors and classifiers say of one image: each post-processing names its type as `result`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from ppocr.utils.draw import choose_font, draw_line
from ppocr.utils.draw_regions import draw_regions


class Recognition(NamedTuple):
    """The text of one line.

    Args:
        text: as read.
        confidence: 0 to 1.
    """

    text: str
    confidence: float

    @property
    def decision(self) -> str:
        """The text."""
        return self.text


class Classification(NamedTuple):
    """The class of one image.

    Args:
        label: its name, or its number where classes have no names.
        probability: 0 to 1.
    """

    label: str | int
    probability: float

    @property
    def decision(self) -> str | int:
        """The label."""
        return self.label


@dataclass(frozen=True)
class Detection:
    """Regions found in one image, in the pixels of that image.

    Args:
        points: corners of each region, int64 [P, 2] as (x, y): P is 4 for boxes and varies for polygons.
        scores: float32 [K], the mean probability inside each region, 0 to 1.
        peak: the highest probability of the whole map, which tells why nothing was found.
    """

    points: Sequence[np.ndarray]
    scores: np.ndarray
    peak: float = float("nan")

    @property
    def decision(self) -> str:
        """The polygons, without their scores."""
        return self.to_json()

    def __len__(self) -> int:
        return len(self.points)

    def to_json(self) -> str:
        """Return the regions as label files write them, with an empty transcription each."""
        return json.dumps([{"transcription": "", "points": np.asarray(p).tolist()} for p in self.points])

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return an image with the outlines of the regions, uint8 [H, W, 3]; the given one is not changed."""
        return draw_regions(image, self.points)


@dataclass(frozen=True)
class Direction:
    """How an image lies, by a classifier whose labels are degrees.

    Args:
        label: the class's name; the first whole number in it is the angle ("180", "180_degree").
        probability: 0 to 1.
        threshold: probability from which the label is believed.
    """

    label: str | int
    probability: float
    threshold: float = 0.0

    @property
    def decision(self) -> str | int:
        """The label."""
        return self.label

    @property
    def degrees(self) -> int:
        """0, 90, 180 or 270: how far the image has been turned clockwise; 0 where that is not believed or not said."""
        number = re.search(r"\d+", str(self.label))
        degrees = int(number[0]) if number else 0
        return degrees if degrees in _UPRIGHT and self.probability >= self.threshold else 0

    def upright(self, image: np.ndarray) -> np.ndarray:
        """Return an image, uint8 [H, W, 3], turned back."""
        return cv2.rotate(image, _UPRIGHT[self.degrees]) if self.degrees else image

    def to_json(self) -> str:
        """Return label and probability as a JSON list."""
        return json.dumps([self.label, round(float(self.probability), 6)])

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return an image turned back, uint8 [H', W', 3], with label and probability below it."""
        text = f"{self.label} ({self.probability:.3f})"
        font, missing = choose_font([text])
        return draw_line(self.upright(image), text, font, missing=missing)


_UPRIGHT = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
