"""Official models of the catalogue for slow tests, and a page with known text."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.system.models import model_folder
from ppocr.utils.paths import PACKAGE

WHEELS = PACKAGE.parent / "pretrain_models" / wheels.CACHE
SMALL = ("PP-OCRv6_small_det", "PP-OCRv6_small_rec", "ch_ppocr_mobile_v2.0_cls")
FIRST_LINES = ["Region-based segmentation", "Let us first determine markers of the coins and the"]


def fill_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder the cache, with the default models in it; skip where they cannot be had.

    Returns:
        The folder of the models.
    """
    for name in ("openvino", "onnxruntime", "onnx"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    monkeypatch.setenv("PPOCR_CACHE", str(cache))
    models = cache / "models"
    models.mkdir(parents=True)
    WHEELS.mkdir(parents=True, exist_ok=True)
    (models / wheels.CACHE).symlink_to(WHEELS)
    try:
        for name in SMALL:
            model_folder(name)
    except PpocrError as error:
        pytest.skip(error.message)
    return models


def write_page(path: Path) -> Path:
    """Write the photograph of a page that scikit-image has, and return its path."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    cv2.imwrite(str(path), data.page())
    return path
