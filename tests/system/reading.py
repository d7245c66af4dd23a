"""Real parts for tests of page reading: drawn pages, and a detector and a recogniser that need no weights.

The detector finds dark pixels, grown to lines. The recogniser is one of random weights: what it reads is nonsense, but
always the same nonsense for the same pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.backends import Arrays
from ppocr.deploy.predictor import Predictor
from ppocr.postprocess.db import DBPostProcess
from ppocr.system.options import SystemOptions
from ppocr.system.text_system import TextSystem
from tests.deploy.kinds import make_rec

DARK = 128
GROWN = (25, 3)  # width and height by which ink is grown, so that letters join to lines and lines stay apart


class InkDetector:
    """A backend that gives 0.9 on and near dark pixels, 0.1 elsewhere."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Return `maps`; see `Backend.run`."""
        ink = (inputs["x"].min(axis=1) < 0).astype(np.uint8)  # scaled to [-1, 1]
        grown = [cv2.dilate(each, np.ones(GROWN[::-1], np.uint8)) for each in ink]
        return {"maps": np.stack(grown)[:, None].astype(np.float32) * 0.8 + 0.1}


def ink_detector() -> Predictor:
    """Return a detector of dark text on a light page, at the size of the page."""
    specs = [
        {"DecodeImage": {"img_mode": "BGR"}},
        {"DetResizeForTest": {"limit_side_len": 1024, "limit_type": "max"}},
        {"NormalizeImage": {"scale": "1./127.5", "mean": [1, 1, 1], "std": [1, 1, 1], "order": "hwc"}},
        {"ToCHWImage": None},
        {"KeepKeys": {"keep_keys": ["image", "shape"]}},
    ]
    pipeline = Pipeline.from_config(specs, {}).for_inference()
    return Predictor(pipeline, InkDetector(), DBPostProcess(box_thresh=0.5, unclip_ratio=0.3))


def random_system(folder: Path, options: SystemOptions | None = None) -> TextSystem:
    """Return a system with a recogniser of random weights, exported to a folder."""
    rec = Predictor.from_folder(make_rec(folder).exported)
    return TextSystem(ink_detector(), rec, options=options or SystemOptions(drop_score=0))


def draw_page(lines: Sequence[tuple[int, int, str]], size: tuple[int, int] = (320, 480)) -> np.ndarray:
    """Return a white page, uint8 [H, W, 3], with black lines of text.

    Args:
        lines: x and y of the lower left corner, and the text, of each.
        size: height and width.
    """
    page = np.full((*size, 3), 255, np.uint8)
    for x, y, text in lines:
        cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
    return page
