"""Class probabilities to labels."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from ppocr.arguments import Argument
from ppocr.codecs.class_names import ClassNames
from ppocr.config.ranges import Probability
from ppocr.declarations import Filled
from ppocr.errors import ConfigError
from ppocr.postprocess.base import PostProcess
from ppocr.registry import POSTPROCESSES
from ppocr.results import Classification

THRESHOLD = 0.9  # upstream: probability from which the ecosystem's commands rotate a line


def names_in(text: str) -> list[str]:
    """Return the names in "['0', '180']" or "0,180".

    Raises:
        ArgumentTypeError: there are fewer than two.
    """
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        found = text.strip("[] ").split(",")
    names = [str(name).strip() for name in found] if isinstance(found, (list, tuple)) else []
    if len(names) < 2 or not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names, such as \"['0', '180']\"")
    return names


def _as_many(names: list[str], section: Mapping[str, Any]) -> dict[str, Any]:
    known = section.get("label_list")
    if known is not None and len(known) != len(names):
        raise ConfigError(f"--label_list names {len(names)} classes, the model has {len(known)}: {', '.join(known)}")
    return {"label_list": names}


@POSTPROCESSES.register("ClsPostProcess")
class ClsPostProcess(PostProcess):
    """Names the most probable class of each image.

    Args:
        codec: names of the classes; None: labels are class indices.
        thresh: probability from which a label of directions is believed, and the image rotated by `draw_on`.
    """

    requires = ("cls",)
    dimensions = (2,)
    result = Classification
    arguments = (
        Argument(
            "label_list", "label_list", "names of the classes in order: \"['0', '180']\"", names_in, keys=_as_many
        ),
        Argument("cls_thresh", "thresh", f"probability from which --draw rotates a line (default {THRESHOLD})", float),
    )
    codec_class = ClassNames

    def __init__(self, codec: Filled[ClassNames | None] = None, thresh: Probability = THRESHOLD) -> None:
        super().__init__(codec)
        self.thresh = thresh

    def inference_config(self) -> dict[str, Any]:
        """Return the arguments that build this again."""
        return super().inference_config() | ({} if self.thresh == THRESHOLD else {"thresh": self.thresh})

    def __call__(self, preds: Mapping[str, np.ndarray], batch: Mapping[str, Any] | None = None) -> list[Classification]:
        """Return (label, probability) per image.

        Args:
            preds: `cls` float [B, C], probabilities.
            batch: unused.
        """
        probabilities = np.asarray(preds["cls"])
        best, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
        named = zip(best.tolist(), sure.tolist()) if self.codec is None else self.codec.decode(best, sure)
        return [Classification(label, probability, self.thresh) for label, probability in named]
