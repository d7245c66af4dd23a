"""A whole small project of text detection on disk: pages, label files, configuration."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from tests.system.project import Project

CONFIG = """\
Global:
  use_gpu: false
  seed: 3
  epoch_num: 1
  print_batch_step: 1
  save_model_dir: {folder}/out
  save_epoch_step: 1
  eval_batch_epoch: 1
Optimizer:
  name: Adam
  lr: {{name: Cosine, learning_rate: 0.002}}
Architecture:
  model_type: det
  algorithm: DB
  Backbone: {{name: MobileNetV3, model_name: small, scale: 0.35}}
  Neck: {{name: DBFPN, out_channels: 16}}
  Head: {{name: DBHead, k: 50}}
Loss: {{name: DBLoss, balance_loss: true, main_loss_type: BCELoss, alpha: 5, beta: 10, ohem_ratio: 3}}
PostProcess: {{name: DBPostProcess, thresh: 0.3, box_thresh: 0.6, max_candidates: 1000, unclip_ratio: 1.5}}
Metric: {{name: DetMetric, main_indicator: hmean}}
Train:
  dataset:
    name: SimpleDataSet
    data_dir: {folder}/images
    label_file_list: [{folder}/train.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - DetLabelEncode:
    - IaaAugment:
        augmenter_args:
        - {{type: Fliplr, args: {{p: 0.5}}}}
        - {{type: Affine, args: {{rotate: [-10, 10]}}}}
        - {{type: Resize, args: {{size: [0.5, 2]}}}}
    - EastRandomCropData: {{size: [96, 96], max_tries: 10, keep_ratio: true}}
    - MakeBorderMap: {{shrink_ratio: 0.4, thresh_min: 0.3, thresh_max: 0.7}}
    - MakeShrinkMap: {{shrink_ratio: 0.4, min_text_size: 8}}
    - NormalizeImage: {{scale: 1./255., mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], order: hwc}}
    - ToCHWImage:
    - KeepKeys: {{keep_keys: [image, threshold_map, threshold_mask, shrink_map, shrink_mask]}}
  loader: {{shuffle: true, batch_size_per_card: 4, drop_last: true, num_workers: 0}}
Eval:
  dataset:
    name: SimpleDataSet
    data_dir: {folder}/images
    label_file_list: [{folder}/test.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - DetLabelEncode:
    - DetResizeForTest: {{limit_side_len: 96, limit_type: min}}
    - NormalizeImage: {{scale: 1./255., mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], order: hwc}}
    - ToCHWImage:
    - KeepKeys: {{keep_keys: [image, shape, polys, ignore_tags]}}
  loader: {{shuffle: false, batch_size_per_card: 1, drop_last: false, num_workers: 0}}
"""


def page_image(rng: np.random.Generator, height: int = 128, width: int = 160) -> tuple[np.ndarray, list[dict]]:
    """Return a page with a few digits on it and its regions, as a label file has them."""
    image = np.full((height, width, 3), 255, np.uint8)
    regions = []
    for top in range(8, height - 32, 40):
        text = "".join(map(str, rng.integers(0, 10, 4)))
        left = int(rng.integers(4, width - 100))
        cv2.putText(image, text, (left, top + 22), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
        corners = [[left, top], [left + 76, top], [left + 76, top + 26], [left, top + 26]]
        regions.append({"transcription": text, "points": corners})
    return image, regions


def write_pages(folder: Path, pages: int) -> str:
    """Write `pages` images below `folder` and return the rows of their label file."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(pages):
        image, regions = page_image(rng, height=128 if i % 2 else 96)
        (folder / f"page {i}.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
        rows.append(f"page {i}.jpg\t{json.dumps(regions)}\n")
    return "".join(rows)


def make_det_project(folder: Path, pages: int = 8) -> Project:
    """Write a project with `pages` pages, all of them for training and the same for evaluation."""
    rows = write_pages(folder / "images", pages)
    for name in ("train.txt", "test.txt"):
        (folder / name).write_text(rows, encoding="utf-8")
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
    return Project(folder, config)
