"""A small real recogniser with its configuration, weights and images, for the tests of deployment."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import paddle

from ppocr.build import build_task
from ppocr.config.loader import load_config
from ppocr.engine.checkpoint import save_checkpoint

CHARACTERS = "0123456789abcdef"
SHAPE = [3, 32, 100]

CONFIG = """
Global:
  use_gpu: false
  epoch_num: 1
  save_model_dir: {folder}/out
  character_dict_path: {folder}/dict.txt
  max_text_length: 25
  use_space_char: true
  infer_img: {folder}/images
  save_res_path: {folder}/out/predicts.txt
Optimizer:
  name: Adam
  lr: {{learning_rate: 0.001}}
Architecture:
  model_type: rec
  algorithm: CRNN
  Transform:
  Backbone: {{name: MobileNetV3, scale: 0.35, model_name: small, small_stride: [1, 2, 2, 2]}}
  Neck: {{name: SequenceEncoder, encoder_type: {encoder}, hidden_size: 16}}
  Head: {{name: CTCHead, fc_decay: 0.0}}
Loss: {{name: CTCLoss}}
PostProcess: {{name: CTCLabelDecode}}
Metric: {{name: RecMetric, main_indicator: acc}}
Train: &data
  dataset:
    name: SimpleDataSet
    data_dir: {folder}/images
    label_file_list: ["{folder}/labels.txt"]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - CTCLabelEncode:
    - RecResizeImg: {{image_shape: [3, 32, 100]}}
    - KeepKeys: {{keep_keys: [image, label, length]}}
  loader: {{shuffle: false, batch_size_per_card: 4, drop_last: false, num_workers: 0}}
Eval: *data
"""

SIZES = [(32, 40), (40, 90), (30, 96), (64, 64), (20, 30), (48, 150)]


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a noisy gradient image, uint8 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    base = np.linspace(0, 200, width)[None, :, None] + rng.uniform(0, 55, (height, width, 3))
    return base.astype(np.uint8)


def small_project(folder: Path, encoder: str = "rnn") -> SimpleNamespace:
    """Write a configuration, dictionary, images and random weights; return them with the task built.

    Returns:
        `.cfg`, `.task`, `.config_path`, `.weights` (prefix), `.images` (paths).
    """
    (folder / "images").mkdir(parents=True)
    (folder / "dict.txt").write_text("\n".join(CHARACTERS) + "\n", encoding="utf-8")
    paths = []
    for number, (height, width) in enumerate(SIZES):
        paths.append(folder / "images" / f"line {number}.png")
        paths[-1].write_bytes(cv2.imencode(".png", image(height, width, number))[1].tobytes())
    labels = "".join(f"{path.name}\t{'ab c'[: 1 + number % 4]}\n" for number, path in enumerate(paths))
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    config_path = folder / "config.yml"
    config_path.write_text(CONFIG.format(folder=folder.as_posix(), encoder=encoder), encoding="utf-8")
    cfg = load_config(config_path, [])
    paddle.seed(3)
    task = build_task(cfg, "infer")
    spread_out(task.model)
    task.model.eval()
    weights = folder / "out" / "best_accuracy"
    weights.parent.mkdir()
    params = {key: value.numpy() for key, value in task.model.state_dict().items()}
    save_checkpoint(weights, params, {}, {}, {})
    return SimpleNamespace(cfg=cfg, task=task, config_path=config_path, weights=weights, images=paths)


def with_other_weights(model: paddle.nn.Layer, change: float = 1e-2) -> paddle.nn.Layer:
    """Return a copy of a network with the first weight of a convolution wrong, in place of what `fuse` returns."""
    wrong = copy.deepcopy(model)
    weight = next(p for p in wrong.parameters() if p.ndim == 4)
    first = paddle.arange(weight.size).reshape(weight.shape) == 0
    weight.set_value(weight + change * first.astype("float32"))
    return wrong


def spread_out(model: paddle.nn.Layer) -> None:
    """Enlarge random weights, so that different images give different texts."""
    rng = np.random.default_rng(5)
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            fan = int(np.prod(parameter.shape)) / parameter.shape[0 if parameter.ndim > 2 else 1]
            scale = 6.0 if name.startswith("head") else 2.0
            parameter.set_value((rng.standard_normal(parameter.shape) * np.sqrt(scale / fan)).astype("float32"))
