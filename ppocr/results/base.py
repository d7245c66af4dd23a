"""What a network says of one image: one class for each kind of answer, named as `result` by its post-processings.

A new kind is a class derived from `Result`, here or in a plug-in. Commands, reports, results files and pictures show it
through `to_json`, `to_line`, `str` and `draw_on`; what it is called and which commands print it stands in `described`
and `kind`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import cv2
import numpy as np

from ppocr.utils.pictures import captioned, outlined
from ppocr.utils.text import one_line

KINDS: dict[str, type[Result]] = {}  # by `kind`; a plug-in's classes add theirs


class Result:
    """One answer to one image; `str` of it is what the ecosystem's commands print.

    Attributes:
        described: what answers of this kind are, for messages.
        kind: stands for it in the names of commands and CLI arguments: predict_rec, --rec_model_dir.

    Raises:
        TypeError: another class has a subclass's `kind`.
    """

    described: ClassVar[str] = ""
    kind: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        kind = vars(cls).get("kind")
        if not kind:
            return
        present = KINDS.get(kind, cls)
        if (present.__module__, present.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.__name__}.kind is {kind!r}, as that of {present.__module__}.{present.__name__}")
        KINDS[kind] = cls

    @property
    def decision(self) -> Any:
        """The answer without how certain it is, to be compared."""
        return self.to_json()

    @property
    def certainty(self) -> float | None:
        """The probability of the decision, 0 to 1; None where the answer has several parts."""
        return None

    def to_json(self) -> str:
        """Return the answer as JSON."""
        raise TypeError(f"{type(self).__name__} does not implement to_json")

    def to_line(self) -> str:
        """Return the fields of a results file that stand behind the image's path, tabs between them."""
        raise TypeError(f"{type(self).__name__} does not implement to_line")

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return a picture of the answer, uint8 [H', W', 3].

        Args:
            image: uint8 [H, W, 3], blue-green-red; not changed.
        """
        raise TypeError(f"{type(self).__name__} does not implement draw_on")

    def __str__(self) -> str:
        return self.to_json()


class _OneAnswer(Result):
    """A decision and its probability."""

    def to_line(self) -> str:
        """Return decision, tab, probability."""
        return f"{one_line(str(self.decision))}\t{np.float32(self.certainty)!s}"

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return the image with decision and probability below it."""
        return captioned(image, f"{self.decision} ({self.certainty:.3f})")

    def __str__(self) -> str:
        # the network computes in float32: further digits say nothing
        return f"({self.decision!r}, {np.float32(self.certainty)!s})"


@dataclass(frozen=True)
class Recognition(_OneAnswer):
    """The text of one line.

    Args:
        text: as decoded.
        confidence: 0 to 1, the mean probability of its characters.
        positions: float64 [len(text)], the middle of each character as a fraction of the image's width; None where
            they were not asked for or are unknown.
    """

    text: str
    confidence: float
    positions: np.ndarray | None = field(default=None, compare=False, repr=False)
    described = "texts of lines"
    kind = "rec"

    @property
    def decision(self) -> str:
        """The text."""
        return self.text

    @property
    def certainty(self) -> float:
        """The confidence."""
        return self.confidence

    def to_json(self) -> str:
        """Return text and confidence by name."""
        return json.dumps({"text": self.text, "confidence": round(float(self.confidence), 6)})


@dataclass(frozen=True)
class Classification(_OneAnswer):
    """The class of one image. A label of directions says how far an image has been rotated: "180", "180_degree".

    Args:
        label: name of the class, or its index where classes have no names.
        probability: 0 to 1.
        threshold: probability from which `degrees` believes the label.
    """

    label: str | int
    probability: float
    threshold: float = 0.0
    described = "classes of images"
    kind = "cls"

    @property
    def decision(self) -> str | int:
        """The label."""
        return self.label

    @property
    def certainty(self) -> float:
        """The probability."""
        return self.probability

    @property
    def degrees(self) -> int:
        """0, 90, 180 or 270: clockwise rotation of the image by its label; 0 where that is not believed or no angle."""
        number = re.search(r"\d+", str(self.label))
        degrees = int(number[0]) if number else 0
        return degrees if degrees in _UPRIGHT and self.probability >= self.threshold else 0

    def upright(self, image: np.ndarray) -> np.ndarray:
        """Return an image, uint8 [H, W, 3], rotated back."""
        return cv2.rotate(image, _UPRIGHT[self.degrees]) if self.degrees else image

    def to_json(self) -> str:
        """Return label and probability by name."""
        return json.dumps({"label": self.label, "probability": round(float(self.probability), 6)})

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return the image rotated back, with label and probability below it."""
        return super().draw_on(self.upright(image))


_UPRIGHT = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True)
class Detection(Result):
    """The text instances detected in one image, in the pixels of that image.

    Args:
        points: polygon of each text instance, int64 [P, 2] as (x, y): P is 4 for boxes and varies for polygons.
        scores: float32 [K], the mean probability inside each polygon, 0 to 1.
        peak: the highest probability of the whole map, which explains why nothing was detected.
    """

    points: Sequence[np.ndarray]
    scores: np.ndarray
    peak: float = float("nan")
    described = "places of text"
    kind = "det"

    def __len__(self) -> int:
        return len(self.points)

    def to_json(self) -> str:
        """Return the polygons as label files hold them, with an empty transcription each."""
        return json.dumps([{"transcription": "", "points": points} for points in self._points()])

    def to_line(self) -> str:
        """Return the polygons as the deployed command writes them, without any names."""
        return json.dumps(self._points())

    def _points(self) -> list[Any]:
        return [np.asarray(points).tolist() for points in self.points]

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        """Return the image with the outlines of the polygons in red."""
        return outlined(image, self.points)


@dataclass(frozen=True)
class OfModels(Result):
    """The answers of several models to one image; that of the first is shown.

    Args:
        by_model: the answer of each, by its name.
    """

    by_model: Mapping[str, Result]

    @property
    def first(self) -> Result:
        """The answer that is shown."""
        return next(iter(self.by_model.values()))

    @property
    def decision(self) -> Any:
        """That of the first; see the base class."""
        return self.first.decision

    @property
    def certainty(self) -> float | None:
        """That of the first; see the base class."""
        return self.first.certainty
