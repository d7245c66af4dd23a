"""Real parts for tests of page reading: drawn pages, and a detector and a recogniser that need no weights.

The detector finds dark pixels, grown to lines. The recogniser is one of random weights: what it reads is nonsense, but
always the same nonsense for the same pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ppocr.codecs.class_names import ClassNames
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.backends.base import Arrays
from ppocr.deploy.inference_config import load
from ppocr.deploy.predictor import Predictor
from ppocr.postprocess.cls import ClsPostProcess
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


def ink_detector(limit: int = 1024) -> Predictor:
    """Return a detector of dark text on a light page, whose longer side is at most `limit`."""
    specs = [
        {"DecodeImage": {"img_mode": "BGR"}},
        {"DetResizeForTest": {"limit_side_len": limit, "limit_type": "max"}},
        {"NormalizeImage": {"scale": "1./127.5", "mean": [1, 1, 1], "std": [1, 1, 1], "order": "hwc"}},
        {"ToCHWImage": None},
        {"KeepKeys": {"keep_keys": ["image", "shape"]}},
    ]
    pipeline = Pipeline.from_config(specs, {}).for_inference()
    return Predictor(pipeline, InkDetector(), DBPostProcess(box_thresh=0.5, unclip_ratio=0.3))


class BorderClassifier:
    """A backend that gives the direction of a page by the border that is black."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Return `cls` for the labels 0, 90, 180 and 270; see `Backend.run`."""
        grey = inputs["x"].mean(axis=1)
        borders = [grey[:, 0], grey[:, :, -1], grey[:, -1], grey[:, :, 0]]
        darkness = np.stack([-border.mean(axis=1) for border in borders], axis=1)
        return {"cls": (darkness == darkness.max(axis=1, keepdims=True)).astype(np.float32)}


def orientation_by_border() -> Predictor:
    """Return a classifier of whole pages whose top has a black border."""
    specs = [{"DecodeImage": {"img_mode": "BGR"}}, {"ResizeImage": {"size": 128}}, {"ToCHWImage": None}]
    pipeline = Pipeline.from_config(specs, {}).for_inference()
    names = ClassNames(("0", "90", "180", "270"))
    return Predictor(pipeline, BorderClassifier(), ClsPostProcess(names))


def random_system(folder: Path, options: SystemOptions | None = None) -> TextSystem:
    """Return a system with a recogniser of random weights, exported to a folder."""
    exported = make_rec(folder).exported
    config = load(exported)
    for spec in config.transforms:
        if "RecResizeImg" in spec:
            spec["RecResizeImg"]["eval_mode"] = True  # lines as long as they are
    rec = Predictor.from_folder(exported, config=config)
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
