"""From the picture of a page to its lines of text: detector, crops, classifier of angles, recogniser, reading order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ppocr.deploy.predictor import Predictor, readable
from ppocr.errors import PpocrError, SampleError, one_sample
from ppocr.results import Page, Recognition, TextLine, Word
from ppocr.system.background import Background
from ppocr.system.crop import LineCrop
from ppocr.system.line_reader import LineReader
from ppocr.system.options import SystemOptions
from ppocr.system.page_detector import DetectedPage, PageDetector
from ppocr.system.pages import PageImage, PageProblem
from ppocr.system.reading_order import reading_order
from ppocr.system.timings import Timings
from ppocr.system.words import words_of

PAGES_AHEAD = 4  # pages detected and not yet read; the lines of all of them share batches
BYTES_AHEAD = 256 << 20  # likewise, of their pictures


@dataclass
class _Item:
    """A page on its way: detected, or what is wrong with it."""

    page: DetectedPage | PageProblem

    @property
    def nbytes(self) -> int:
        return self.page.nbytes if isinstance(self.page, DetectedPage) else 0


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
        self._detector = PageDetector(det, orientation, self.options, self.timings)
        self._reader = LineReader(rec, cls, self.options, self.timings)

    def read(self, image: np.ndarray | bytes | str, source: str = "") -> Page:
        """Return the lines of one page.

        Args:
            image: uint8 [H, W, 3] in blue-green-red order or [H, W], an encoded image, or its path.
            source: what names it; a path does by itself.

        Raises:
            SampleError: it cannot be read.
        """
        pixels = self.det.pipeline.transforms[0]({"image": readable(image)})["image"]
        item = self._detected(PageImage(pixels, source or (image if isinstance(image, str) else "")))
        (found,) = self._read([item])
        if isinstance(found, PageProblem):
            raise found.problem
        return found

    def stream(self, pages: Iterable[PageImage | PageProblem]) -> Iterator[Page | PageProblem]:
        """Yield what is read of each page, in the order of the pages.

        A thread detects the next pages while the lines of those before are read. A page that cannot be read is
        yielded as its problem, as is one that was one already. Closing the generator ends the thread.

        Args:
            pages: as `read_pages` yields them; taken from it in the thread.
        """
        with Background(lambda: map(self._detected, pages), PAGES_AHEAD, BYTES_AHEAD) as ahead:
            while items := ahead.take():
                yield from self._read(items)

    def _detected(self, page: PageImage | PageProblem) -> _Item:
        if isinstance(page, PageProblem):
            return _Item(page)
        try:
            with _one_page():
                return _Item(self._detector.detect(page))
        except SampleError as problem:
            return _Item(PageProblem(page.source, page.number, problem))

    def _read(self, items: Sequence[_Item]) -> Iterator[Page | PageProblem]:
        """Yield the results of some pages, whose lines share batches."""
        detected = [item.page for item in items if isinstance(item.page, DetectedPage)]
        crops = [crop for page in detected for crop in page.crops]
        upright = self._reader.upright(crops)
        readable_ = [crop for crop in upright if isinstance(crop, LineCrop)]
        read = iter(self._reader.read(readable_))
        results = iter([(crop, next(read) if isinstance(crop, LineCrop) else crop) for crop in upright])
        for item in items:
            if isinstance(item.page, PageProblem):
                yield item.page
                continue
            lines = [next(results) for _ in item.page.crops]
            yield self._page(item.page, lines)

    def _page(
        self, detected: DetectedPage, lines: Sequence[tuple[LineCrop | SampleError, Recognition | SampleError]]
    ) -> Page | PageProblem:
        """Return a page of the lines that are confident enough, in reading order; or the first problem of a line."""
        page = detected.page
        kept = []
        for number, (crop, result) in enumerate(lines):
            if isinstance(crop, SampleError):
                return PageProblem(page.source, page.number, crop)
            if isinstance(result, SampleError):
                return PageProblem(page.source, page.number, result)
            if result.text and result.confidence >= self.options.drop_score:
                kept.append(self._line(detected, number, crop, result))
        turned = sum(bool(line.angle) for line in kept)
        places = reading_order([line.polygon for line in kept], upside_down=2 * turned > len(kept))
        ordered = [replace(kept[place.line], row=place.row, block=place.block) for place in places]
        height, width = page.image.shape[:2]
        self.timings.count(pages=1)
        given = tuple(_as_given(detected, line) for line in ordered)
        return Page(given, height, width, page.source, page.number, detected.angle, dpi=page.dpi)

    def _line(self, detected: DetectedPage, number: int, crop: LineCrop, result: Recognition) -> TextLine:
        words: tuple[Word, ...] = ()
        if self.options.return_word_box and result.positions is not None:
            words = words_of(result.text, result.positions, crop)
        angle = 0 if crop is detected.crops[number] else 180
        score = float(detected.scores[number])
        return TextLine(detected.polygons[number], result.text, result.confidence, score, angle, words)


def _as_given(detected: DetectedPage, line: TextLine) -> TextLine:
    """Return a line in the pixels of the page as given."""
    if not detected.angle:
        return line
    words = tuple(replace(word, polygon=detected.as_given(word.polygon)) for word in line.words)
    return replace(line, polygon=detected.as_given(line.polygon), words=words)


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
