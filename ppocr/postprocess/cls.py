"""Class probabilities to labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ppocr.codecs.class_names import ClassNames
from ppocr.postprocess.base import PostProcess
from ppocr.registry import POSTPROCESSES
from ppocr.results import Classification

Label = str | int


@POSTPROCESSES.register("ClsPostProcess")
class ClsPostProcess(PostProcess):
    """Names the most probable class of each image.

    Args:
        label_list: names of the classes in order; without it, classes are told by number.

    Raises:
        ConfigError: two classes have one name.
    """

    requires = ("cls",)
    dimensions = (2,)
    result = Classification
    from_global = ("label_list",)

    def __init__(self, label_list: Sequence[str] | None = None) -> None:
        self.labels = None if label_list is None else ClassNames(label_list)

    @property
    def classes(self) -> int | None:
        """Number of classes the head must have; None where any number will do."""
        return None if self.labels is None else self.labels.num_classes

    def inference_config(self) -> dict[str, Any]:
        """Return the arguments that build this again."""
        return {} if self.labels is None else {"label_list": list(self.labels.names)}

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Classification]:
        """Return (label, probability) per image.

        Args:
            preds: `cls` float [B, C], probabilities.
            batch: not read.
        """
        probabilities = np.asarray(preds["cls"])
        best = probabilities.argmax(axis=1).tolist()
        names: Sequence[Label] = best if self.labels is None else self.labels.decode(best)
        return [Classification(name, float(row[number])) for name, number, row in zip(names, best, probabilities)]
