"""What detectors find in one image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppocr.utils.draw_regions import draw_regions


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

    def __len__(self) -> int:
        return len(self.points)

    def to_json(self) -> str:
        """Return the regions as label files write them, with an empty transcription each."""
        return json.dumps([{"transcription": "", "points": np.asarray(p).tolist()} for p in self.points])

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return an image with the outlines of the regions, uint8 [H, W, 3]; the given one is not changed."""
        return draw_regions(image, self.points)
