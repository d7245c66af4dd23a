"""`OCR`: pages in, text out, from Python."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ppocr.deploy.predictor import Predictor
from ppocr.deploy.runtime import runtime_options
from ppocr.errors import ConfigError, DataError, SampleError
from ppocr.results import Page
from ppocr.system.crop import LineCrop
from ppocr.system.line_reader import LineReader
from ppocr.system.opening import chosen, is_address, open_model
from ppocr.system.options import SystemOptions, line_runtime
from ppocr.system.page_detector import PageDetector
from ppocr.system.page_result import PageResult
from ppocr.system.pages import PageImage, PageProblem, read_pages
from ppocr.system.parameters import settled
from ppocr.system.reading_order import reading_order
from ppocr.system.text_system import TextSystem

logger = logging.getLogger(__name__)

READING = ("page_num", "dpi", "every_frame")  # parameters of `read_pages`
MODEL_SOURCE = "PADDLE_PDX_MODEL_SOURCE"  # the ecosystem's choice of a server
Box = list[list[float]]


class OCR:
    """Reads the text of pages.

    Models are named by folder or ONNX file (`det_model_dir`), or by their name in the catalogue (`det_model`). Without
    any, detector and recogniser are PP-OCRv6 small. The parameters of both generations of the ecosystem's `PaddleOCR`
    are accepted; what they ask for and is not done here is refused. docs/reading.md lists them.

    Args:
        det_model_dir: of the detector.
        rec_model_dir: of the recogniser.
        cls_model_dir: of the classifier of lines by the angles 0 and 180.
        use_angle_cls: classify lines, and turn those that are upside down; by default where a classifier is named.
        lang: of the text: "ch" (with English), "en", "chinese_cht" or "japan"; others need a recogniser of their own.
        device: "cpu", "gpu" or "gpu:N".
        backend: "openvino", "onnxruntime", "paddle", or "auto" for the fastest of them.
        precision: "fp32"; "auto" is the engine's own choice, faster and less exact.
        others: `det_model`, `rec_model`, `cls_model`, thresholds, batch sizes and all others.

    Attributes:
        system: detector, classifier and recogniser.
        straight: the same without the classifier.

    Raises:
        ConfigError: a parameter is unknown or cannot be honoured, or a model is one of another task.
        PpocrError: a model is missing or damaged, or no engine runs it.
    """

    def __init__(
        self,
        det_model_dir: Any = None,
        rec_model_dir: Any = None,
        cls_model_dir: Any = None,
        *,
        use_angle_cls: bool | None = None,
        lang: str | None = None,
        device: str | None = None,
        backend: str | None = None,
        precision: str | None = None,
        **others: Any,
    ) -> None:
        own = {
            "det_model_dir": det_model_dir,
            "rec_model_dir": rec_model_dir,
            "cls_model_dir": cls_model_dir,
            "use_angle_cls": use_angle_cls,
            "lang": lang,
            "device": device,
            "backend": backend,
            "precision": precision,
        }
        given = {name: value for name, value in own.items() if value is not None}
        parameters = settled({**given, **others})
        if os.environ.get(MODEL_SOURCE):
            logger.info("%s=%s: models come from the package index", MODEL_SOURCE, os.environ[MODEL_SOURCE])
        options = SystemOptions(**_of(parameters, (field.name for field in fields(SystemOptions))))
        self._reading = _of(parameters, READING)
        models = _opened(parameters)
        self.system = TextSystem(models["det"], models["rec"], models.get("cls"), models.get("orientation"), options)
        self.straight = self.system
        if self.system.cls is not None:
            self.straight = TextSystem(models["det"], models["rec"], None, models.get("orientation"), options)

    def stream(self, source: Any, cls: bool = True, **changes: Any) -> Iterator[PageResult | PageProblem]:
        """Yield what is read of each page, in the order of the pages, or why it cannot be read.

        Args:
            source: path of an image, PDF, TIFF or video; folder or pattern; bytes, file object, array of pixels
                (blue-green-red) or Pillow image; or several of these. See `read_pages`.
            cls: use the classifier of angles, where there is one.
            changes: parameters of `SystemOptions` for these pages, and whether the opened classifiers are used.

        Raises:
            ConfigError: a change is none of those.
            DataError: there is nothing at the path.
        """
        under_way: deque[PageImage | PageProblem] = deque()  # between detection and what is yielded
        system = self._changed(self.system if cls else self.straight, settled(changes))
        settings = _settings(system)
        for read in system.stream(_kept(self._pages(source), under_way)):
            page = under_way.popleft()
            if isinstance(read, Page) and isinstance(page, PageImage):
                yield PageResult.of(read, page, settings)
            elif isinstance(read, PageProblem):
                yield read

    def predict_iter(self, input: Any, cls: bool = True, **changes: Any) -> Iterator[PageResult]:
        """Yield what is read of each page, as soon as it is known.

        Args:
            input: as the source of `stream`.
            cls: likewise.
            changes: likewise.

        Raises:
            ConfigError: a change is none of those.
            DataError: a page cannot be read.
        """
        for read in self.stream(input, cls, **changes):
            yield _read(read)

    def predict(self, input: Any, cls: bool = True, **changes: Any) -> list[PageResult]:
        """Return what is read of each page; see `predict_iter`."""
        return list(self.predict_iter(input, cls, **changes))

    def ocr(self, img: Any, det: bool = True, rec: bool = True, cls: bool = True) -> list[Any]:
        """Return what is read as nested lists.

        Args:
            img: as of `stream`.
            det: find the lines of text; else every image is one line.
            rec: recognise them.
            cls: use the classifier of angles, where there is one.

        Returns:
            For each page its lines in reading order, None where there are none: [box, (text, confidence)] each,
            without `rec` the box alone, [[x, y], ...] with four corners. Without `det` a list of one list, of
            (text, confidence) of each image, without `rec` too of [label, probability].

        Raises:
            ConfigError: nothing is asked for.
            DataError: a page cannot be read.
        """
        if cls and self.system.cls is None:
            logger.info("no classifier of angles: lines are taken for upright; use_angle_cls=True opens one")
        if det and rec:
            return [_nested(page) for page in self.predict_iter(img, cls)]
        if det:
            return [self._boxes(_read(page)) for page in self._pages(img)]
        pages = [_read(page) for page in self._pages(img)]
        if rec:
            return [self._lines(pages, cls)]
        if self.system.cls is None or not cls:
            raise ConfigError("det, rec and cls are all off", "use_angle_cls=True opens the classifier")
        return [self._angles(self.system.cls, pages)]

    def _changed(self, system: TextSystem, changes: Mapping[str, Any]) -> TextSystem:
        """Return a system over the same models with other options.

        Raises:
            ConfigError: a change is about the models themselves, or wants one that is not open.
        """
        if not changes:
            return system
        models = {"use_angle_cls": system.cls, "use_orientation": system.orientation}
        options = _of(changes, (field.name for field in fields(SystemOptions)))
        for name, value in changes.items():
            if name not in options and (name not in models or (value and models[name] is None)):
                raise ConfigError(f"{name}: not for one call", f"give it to the constructor: OCR({name}={value!r})")
        cls, orientation = (model if changes.get(name, True) else None for name, model in models.items())
        return TextSystem(system.det, system.rec, cls, orientation, replace(system.options, **options))

    def _pages(self, source: Any) -> Iterator[PageImage | PageProblem]:
        if isinstance(source, str) and is_address(source):
            raise DataError(f"{source} is an address, and nothing is downloaded", "fetch the file and name its path")
        return read_pages(source, **self._reading)

    def _boxes(self, page: PageImage) -> list[Box] | None:
        system = self.system
        detected = PageDetector(system.det, system.orientation, system.options, system.timings).detect(page)
        order = reading_order(detected.polygons)
        return [_box(detected.as_given(detected.polygons[place.line])) for place in order] or None

    def _lines(self, pages: Iterable[PageImage], cls: bool) -> list[tuple[str, float]]:
        """Return text and confidence of images of lines."""
        system = self.system
        reader = LineReader(system.rec, system.cls if cls else None, system.options, system.timings)
        images = [page.image for page in pages]
        crops = [LineCrop(image, np.zeros((4, 2), np.float32)) for image in images]
        upright = [_good(crop) for crop in reader.upright(crops)]
        return [(each.text, float(each.confidence)) for each in map(_good, reader.read(upright))]

    def _angles(self, classifier: Predictor, pages: Iterable[PageImage]) -> list[list[Any]]:
        """Return label and probability of images of lines."""
        images = [page.image for page in pages]
        found = classifier.predict(images, self.system.options.cls_batch_num)
        results = [_good(each.problem or each.result) for each in found]
        return [[str(each.label), float(each.probability)] for each in results]


class PaddleOCR(OCR):
    """`OCR` by the name that scripts of the ecosystem use."""


def _opened(parameters: Mapping[str, Any]) -> dict[str, Predictor]:
    """Return the models by their role.

    Raises:
        ConfigError: a parameter belongs to another model.
        PpocrError: a model cannot be opened.
    """
    options = runtime_options(parameters)
    sources = chosen(parameters)
    given: dict[str, Mapping[str, Any]] = {"orientation": {}}  # the classifier's parameters are about lines
    run = {"rec": line_runtime(options)}
    return {
        role: open_model(source, run.get(role, options), given.get(role, parameters))
        for role, source in sources.items()
    }


def _settings(system: TextSystem) -> dict[str, Any]:
    """Return what a page's JSON says of how it was read."""
    used = {"use_doc_preprocessor": system.orientation is not None, "use_textline_orientation": system.cls is not None}
    options = system.options
    return {
        "model_settings": used,
        "text_rec_score_thresh": options.drop_score,
        "return_word_box": options.return_word_box,
    }


def _of(parameters: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: parameters[name] for name in names if name in parameters}


def _kept(
    pages: Iterable[PageImage | PageProblem], under_way: deque[PageImage | PageProblem]
) -> Iterator[PageImage | PageProblem]:
    """Yield pages, and put them into a queue too."""
    for page in pages:
        under_way.append(page)
        yield page


def _read(page: Any) -> Any:
    """Return a page that could be read.

    Raises:
        DataError: it could not.
    """
    if isinstance(page, PageProblem):
        raise DataError(f"not read: {page}", "stream() goes on with the others")
    return page


def _good(result: Any) -> Any:
    if isinstance(result, SampleError):
        raise DataError(f"a line cannot be read: {result}")
    return result


def _nested(page: Page) -> list[Any] | None:
    """Return the lines of a page as nested lists."""
    return [[_box(line.polygon), (line.text, float(line.confidence))] for line in page.lines] or None


def _box(polygon: np.ndarray) -> Box:
    return np.asarray(polygon, float).tolist()
