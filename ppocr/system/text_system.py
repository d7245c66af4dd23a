"""From the picture of a page to its lines of text: detector, crops, classifier of angles, recogniser, reading order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ppocr.deploy.predictor import Predictor, readable
from ppocr.errors import PpocrError, SampleError, one_sample
from ppocr.results import Detection, Page, TextLine
from ppocr.system.crop import LineCrop, crop_line
from ppocr.system.line_reader import LineReader
from ppocr.system.options import SystemOptions
from ppocr.system.pages import PageImage, PageProblem
from ppocr.system.reading_order import reading_order
from ppocr.system.timings import Timings


@dataclass
class _Detected:
    """A page whose lines are found and not yet read."""

    page: PageImage
    polygons: Sequence[np.ndarray]
    scores: np.ndarray
    crops: list[LineCrop]
    angle: int = 0


class TextSystem:
    """Reads pages. Several threads may use one at the same time, as far as the backends allow it.

    Args:
        det: finds text instances.
        rec: recognises lines.
        cls: classifies lines by the labels 0 and 180, or None.
        orientation: classifies whole pages by the labels 0, 90, 180 and 270, or None.
        options: thresholds and batch sizes.

    Attributes:
        timings: where the time goes, over all pages since `timings.reset()`.
    """

    def __init__(
        self,
        det: Predictor,
        rec: Predictor,
        cls: Predictor | None = None,
        orientation: Predictor | None = None,
        options: SystemOptions | None = None,
    ) -> None:
        self.det, self.rec, self.cls, self.orientation = det, rec, cls, orientation
        self.options = options or SystemOptions()
        self.timings = Timings()
        self._reader = LineReader(rec, cls, self.options, self.timings)

    def read(self, image: np.ndarray | bytes | str) -> Page:
        """Return the lines of one page.

        Args:
            image: uint8 [H, W, 3] in blue-green-red order or [H, W], an encoded image, or its path.

        Raises:
            SampleError: it cannot be read.
        """
        pixels = self.det.pipeline.transforms[0]({"image": readable(image)})["image"]
        found = next(self.stream([PageImage(pixels, image if isinstance(image, str) else "")]))
        if isinstance(found, PageProblem):
            raise found.problem
        return found

    def stream(self, pages: Iterable[PageImage | PageProblem]) -> Iterator[Page | PageProblem]:
        """Yield what is read of each page, in the order of the pages.

        A page that cannot be read is yielded as its problem, as is one that was one already.

        Args:
            pages: as `read_pages` yields them.
        """
        for page in pages:
            if isinstance(page, PageProblem):
                yield page
                continue
            try:
                with _one_page():
                    result = self._assembled(self._detected(page))
            except SampleError as problem:
                yield PageProblem(page.source, page.number, problem)
                continue
            self.timings.count(pages=1)
            yield result

    def _detected(self, page: PageImage) -> _Detected:
        detection = self._detect(page.image)
        with self.timings.stage("crop"):
            crops = [crop_line(page.image, polygon) for polygon in detection.points]
        return _Detected(page, detection.points, detection.scores, crops)

    def _detect(self, image: np.ndarray) -> Detection:
        with self.timings.stage("resize"):
            sample = self.det.prepare(image)
        with self.timings.stage("det"):
            preds = self.det.forward([sample])
        with self.timings.stage("postprocess"):
            detection = self.det.results(preds, [sample])[0]
        if not len(detection) and np.isnan(detection.peak):
            raise SampleError("non_finite", "the detector's predictions are not finite numbers")
        return detection

    def _assembled(self, detected: _Detected) -> Page:
        crops = _all(self._reader.upright(detected.crops))
        angles = [0 if crop is before else 180 for crop, before in zip(crops, detected.crops)]
        read = _all(self._reader.read(crops))
        lines = [
            TextLine(polygon, result.text, result.confidence, float(score), angle)
            for polygon, score, angle, result in zip(detected.polygons, detected.scores, angles, read)
        ]
        return self._page(detected, lines)

    def _page(self, detected: _Detected, lines: Sequence[TextLine]) -> Page:
        """Return a page of the lines that are confident enough, in reading order."""
        kept = [line for line in lines if line.text and line.confidence >= self.options.drop_score]
        turned = sum(bool(line.angle) for line in kept)
        places = reading_order([line.polygon for line in kept], upside_down=2 * turned > len(kept))
        ordered = tuple(replace(kept[place.line], row=place.row, block=place.block) for place in places)
        height, width = detected.page.image.shape[:2]
        return Page(ordered, height, width, detected.page.source, detected.page.number, detected.angle)


@contextlib.contextmanager
def _one_page() -> Iterator[None]:
    """Make whatever reading a page raises that page's problem: an engine's failure on its sizes must not end a run.

    Raises:
        SampleError: as raised inside, or "failed".
    """
    try:
        with one_sample():
            yield
    except PpocrError as error:
        raise SampleError("failed", error.message) from error


def _all(found: Sequence[Any]) -> list[Any]:
    """Return what was found for each line of a page.

    Raises:
        SampleError: of the first line that has a problem.
    """
    for each in found:
        if isinstance(each, SampleError):
            raise each
    return list(found)
