"""A whole small project on disk: configuration, dictionary, images, labels; used by the whole-system tests."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"

CONFIG = """\
Global:
  use_gpu: false
  seed: 3
  epoch_num: 1
  print_batch_step: 1
  save_model_dir: {folder}/out
  save_epoch_step: 1
  eval_batch_epoch: 1
  character_dict_path: {folder}/dict.txt
  max_text_length: 8
Optimizer:
  name: Adam
  lr: {{name: Cosine, learning_rate: 0.002}}
Architecture:
  model_type: rec
  algorithm: CRNN
  Backbone: {{name: PlainConvNet, channels: [8, 8, 16, 16]}}
  Neck: {{name: SequenceEncoder, encoder_type: reshape}}
  Head: {{name: CTCHead, fc_decay: 0.0}}
Loss: {{name: CTCLoss}}
PostProcess: {{name: CTCLabelDecode}}
Metric: {{name: RecMetric, main_indicator: acc}}
Train:
  dataset:
    name: SimpleDataSet
    data_dir: {folder}/images
    label_file_list: [{folder}/train.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - RecAug:
    - CTCLabelEncode:
    - RecResizeImg: {{image_shape: [3, 32, 96]}}
    - KeepKeys: {{keep_keys: [image, label, length]}}
  loader: {{shuffle: true, batch_size_per_card: 4, drop_last: true, num_workers: 0}}
Eval:
  dataset:
    name: SimpleDataSet
    data_dir: {folder}/images
    label_file_list: [{folder}/test.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - CTCLabelEncode:
    - RecResizeImg: {{image_shape: [3, 32, 96]}}
    - KeepKeys: {{keep_keys: [image, label, length]}}
  loader: {{shuffle: false, batch_size_per_card: 4, drop_last: false, num_workers: 0}}
"""


@dataclass
class Project:
    """Where the parts of a small project are."""

    folder: Path
    config: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def changed(self, name: str, pattern: str, replacement: str) -> Path:
        """Write a copy of the configuration with one thing changed, and return its path."""
        text = self.config.read_text(encoding="utf-8")
        new, count = re.subn(pattern, replacement, text, count=1)
        assert count == 1, f"{pattern!r} is not in the configuration"
        path = self.folder / f"{name}.yml"
        path.write_text(new, encoding="utf-8")
        return path


def line_image(text: str, height: int = 32) -> np.ndarray:
    """Return a text drawn black on white: uint8 [height, W, 3]."""
    image = np.full((32, 16 * len(text) + 12, 3), 255, np.uint8)
    cv2.putText(image, text, (5, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.75, (0, 0, 0), 2)
    return cv2.resize(image, None, fx=height / 32, fy=height / 32)


def make_project(folder: Path, lines: int = 8) -> Project:
    """Write a project with `lines` digit images, all of them for training and the same for evaluation."""
    (folder / "images").mkdir(parents=True)
    (folder / "dict.txt").write_text("".join(f"{d}\n" for d in range(10)), encoding="utf-8")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(lines):
        text = "".join(map(str, rng.integers(0, 10, 1 + i % 4)))
        data = cv2.imencode(".jpg", line_image(text, 28 + 4 * (i % 4)))[1].tobytes()
        (folder / "images" / f"line {i}.jpg").write_bytes(data)
        rows.append(f"line {i}.jpg\t{text}\n")
    for name in ("train.txt", "test.txt"):
        (folder / name).write_text("".join(rows), encoding="utf-8")
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
    return Project(folder, config)


def run_tool(tool: str, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Run a tool of this checkout as a user would and return what it did, output and errors as text."""
    command = [sys.executable, str(ROOT / "tools" / tool), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, **options)
