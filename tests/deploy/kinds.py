"""A small recogniser, detector and classifier, each with configuration, weights, images and exported folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle

from ppocr.build import build_task
from ppocr.config.loader import load_config
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.export import export
from ppocr.engine.checkpoint import save_checkpoint
from ppocr.engine.start import trained_task
from ppocr.task import Task
from tests.deploy.parts import small_project, spread_out
from tests.system.det_project import make_det_project
from tests.system.project import make_project


@dataclass(frozen=True)
class Kind:
    """A model on disk.

    Args:
        config: its configuration; the weights are those it infers with.
        weights: prefix of their files.
        exported: folder for prediction.
        images: that it reads.
        labels: label file of them.
    """

    config: Path
    weights: Path
    exported: Path
    images: list[Path]
    labels: Path


CLS_CHANGES = (
    ("  model_type: rec\n  algorithm: CRNN\n", "  model_type: cls\n"),
    ("PlainConvNet, channels: [8, 8, 16, 16]", "MobileNetV3, scale: 0.35, model_name: small"),
    ("  Neck: {name: SequenceEncoder, encoder_type: reshape}\n", ""),
    ("{name: CTCHead, fc_decay: 0.0}", "{name: ClsHead, class_dim: 2}"),
    ("CTCLoss", "ClsLoss"),
    ("CTCLabelDecode", "ClsPostProcess"),
    ("RecMetric", "ClsMetric"),
    ("    - RecAug:\n", ""),
    ("CTCLabelEncode", "ClsLabelEncode"),
    ("RecResizeImg", "ClsResizeImg"),
    ("[image, label, length]", "[image, label]"),
)


def make_rec(folder: Path) -> Kind:
    """Write a recogniser of 16 characters and the space."""
    made = small_project(folder, "reshape")
    export(made.task, made.cfg, folder / "exported")
    return Kind(made.config_path, made.weights, folder / "exported", made.images, folder / "labels.txt")


def make_det(folder: Path) -> Kind:
    """Write a detector whose threshold lies where its random weights find something."""
    project = make_det_project(folder, pages=3)
    text = project.config.read_text(encoding="utf-8")
    task = _with_weights(project.config, folder, spread=False)
    task.model.eval()
    images = sorted((folder / "images").iterdir())
    pipeline = task.eval_pipeline.for_inference()
    sample = pipeline({"image": images[0].read_bytes(), "text": "", "label": "", "index": 0})
    maps = DygraphBackend(task.model, ("maps",)).run({"x": sample["image"][None]})["maps"]
    thresh = float(np.quantile(maps, 0.7))
    text = text.replace("thresh: 0.3, box_thresh: 0.6", f"thresh: {thresh:.6f}, box_thresh: 0.1")
    project.config.write_text(text, encoding="utf-8")
    return _exported(project.config, folder, images, folder / "test.txt")


def make_cls(folder: Path) -> Kind:
    """Write a classifier of the labels 0 and 180."""
    project = make_project(folder, lines=4)
    text = project.config.read_text(encoding="utf-8")
    for old, new in CLS_CHANGES:
        assert old in text
        text = text.replace(old, new)
    text = text.replace("  max_text_length: 8\n", "  label_list: ['0', '180']\n")
    text = text.replace(f"  character_dict_path: {folder}/dict.txt\n", "")
    project.config.write_text(text, encoding="utf-8")
    for name in ("train.txt", "test.txt"):
        rows = "".join(f"line {i}.jpg\t{180 if i % 2 else 0}\n" for i in range(4))
        (folder / name).write_text(rows, encoding="utf-8")
    _with_weights(project.config, folder)
    return _exported(project.config, folder, sorted((folder / "images").iterdir()), folder / "test.txt")


MAKERS: dict[str, Callable[[Path], Kind]] = {"rec": make_rec, "det": make_det, "cls": make_cls}


def _with_weights(config: Path, folder: Path, spread: bool = True) -> Task:
    """Build the network, give it weights by which images differ, and save them; return the task."""
    paddle.seed(3)
    task = build_task(load_config(config, []), "infer")
    if spread:
        spread_out(task.model)
    (folder / "out").mkdir()
    params = {key: value.numpy() for key, value in task.model.state_dict().items()}
    save_checkpoint(folder / "out" / "best_accuracy", params, {}, {}, {})
    return task


def _exported(config: Path, folder: Path, images: list[Path], labels: Path) -> Kind:
    cfg = load_config(config, [f"Global.pretrained_model={folder}/out/best_accuracy"])
    export(trained_task(cfg, "infer"), cfg, folder / "exported")
    return Kind(config, folder / "out" / "best_accuracy", folder / "exported", images, labels)
