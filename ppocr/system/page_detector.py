"""A page through the classifier of orientations and the detector, to the crops of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppocr.deploy.predictor import Predictor
from ppocr.errors import SampleError
from ppocr.results import Detection
from ppocr.system.crop import LineCrop, crop_line
from ppocr.system.options import SystemOptions
from ppocr.system.pages import PageImage
from ppocr.system.slicing import merged, slices
from ppocr.system.timings import Timings


@dataclass
class DetectedPage:
    """A page whose lines are found and not yet read.

    Args:
        page: as given.
        polygons: of the lines, in the pixels of the upright page.
        scores: of the detections.
        crops: of the lines.
        angle: degrees clockwise by which the page given is rotated.
    """

    page: PageImage
    polygons: Sequence[np.ndarray]
    scores: np.ndarray
    crops: list[LineCrop]
    angle: int = 0

    @property
    def nbytes(self) -> int:
        """Its size in memory, in bytes."""
        return self.page.image.nbytes + sum(crop.image.nbytes for crop in self.crops if crop.image.base is None)

    def as_given(self, points: np.ndarray) -> np.ndarray:
        """Return points (x, y) of the upright page in the pixels of the page as given."""
        height, width = self.page.image.shape[:2]
        x, y = points[..., 0], points[..., 1]
        places = {0: (x, y), 90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x)}
        return np.stack(places[self.angle], axis=-1)


class PageDetector:
    """Finds the lines of pages.

    Args:
        det: finds text instances.
        orientation: classifies whole pages by the labels 0, 90, 180 and 270, or None.
        options: when pages are sliced.
        timings: where the time of the stages is added.
    """

    def __init__(self, det: Predictor, orientation: Predictor | None, options: SystemOptions, timings: Timings) -> None:
        self.det, self.orientation = det, orientation
        self.options, self.timings = options, timings

    def detect(self, page: PageImage) -> DetectedPage:
        """Return the lines of a page.

        Raises:
            SampleError: it is no 8-bit image, or the predictions are not finite.
        """
        image, angle = self._upright(page.image)
        detection = self._detected(image)
        with self.timings.stage("crop"):
            crops = [crop_line(image, polygon) for polygon in detection.points]
        return DetectedPage(page, detection.points, detection.scores, crops, angle)

    def _upright(self, image: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the page rotated back, and the degrees clockwise by which it was rotated."""
        if self.orientation is None:
            return image, 0
        with self.timings.stage("orientation"):
            sample = self.orientation.prepare(image)
            result = self.orientation.results(self.orientation.forward([sample]), [sample])[0]
            return result.upright(image), result.degrees

    def _detected(self, image: np.ndarray) -> Detection:
        """Return the text instances of a page, of its slices where it is large or long."""
        height, width = image.shape[:2]
        resized = self.det.pipeline.output_shape((height, width, 3))[-2:]
        scale = max(resized) / max(height, width) if min(resized) > 0 else 1.0
        parts = slices(height, width, self.options.slice_length, scale)
        found = [self._detected_in(part.of(image)) for part in parts]
        return found[0] if len(found) == 1 else merged(parts, found)

    def _detected_in(self, image: np.ndarray) -> Detection:
        with self.timings.stage("resize"):
            sample = self.det.prepare(image)
        with self.timings.stage("det"):
            preds = self.det.forward([sample])
        with self.timings.stage("postprocess"):
            detection = self.det.results(preds, [sample])[0]
        if not len(detection) and np.isnan(detection.peak):
            raise SampleError("non_finite", "the detector's predictions are not finite numbers")
        return detection
