"""Training on real street photographs: overfitted, and reproduced by the exported model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.predictor import Predictor
from ppocr.engine.runs import train
from ppocr.metrics.det import DetMetric
from ppocr.synthesis.pages import write_pages
from tests.system.project import ROOT, SHARED, run_tool

PAGES = SHARED / "data" / "det"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGES.is_dir(), reason="the street photographs (../shared/data/det) are not here"),
]

ROUNDS = 10
# Dice finds the words soon but joins close ones for good; cross entropy, slow from nothing, parts them in the end:
# with few easy pixels among those it counts, single photographs, and what a batch norm or an edge looks for kept
PARTING = ["Loss.main_loss_type=BCELoss", "Loss.ohem_ratio=1", "Optimizer.lr.learning_rate=0.005"]
PARTING += ["Train.loader.batch_size_per_card=1", "Global.freeze=['*bn*', 'backbone.stem*']"]

CONFIG = """\
Global:
  use_gpu: false
  seed: 1
  epoch_num: 10
  print_batch_step: 50
  save_model_dir: {folder}/out
  save_inference_dir: {folder}/inference
  save_res_path: {folder}/found.txt
  infer_img: {pages}/ic15_toy
  save_epoch_step: 1000
  eval_batch_epoch: 10
Architecture:
  model_type: det
  algorithm: DB
  Backbone: {{name: PlainConvNet, stem: 16, channels: [24, 48, 96, 128], depths: [1, 2, 2, 2]}}
  Neck: {{name: DBFPN, out_channels: 32}}
  Head: {{name: DBHead, k: 50}}
Loss: {{name: DBLoss, balance_loss: true, main_loss_type: DiceLoss, alpha: 5, beta: 10, ohem_ratio: 3}}
Optimizer: {{name: Adam, beta2: 0.99, lr: {{name: Cosine, learning_rate: 0.004, warmup_epoch: 1}}}}
PostProcess: {{name: DBPostProcess, thresh: 0.3, box_thresh: 0.6, max_candidates: 1000, unclip_ratio: 1.9,
  box_type: poly}}
Metric: {{name: DetMetric, main_indicator: hmean}}
Train:
  dataset:
    name: SimpleDataSet
    data_dir: {pages}
    label_file_list: [{pages}/ic15_toy.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - DetLabelEncode:
    # no part as large as the whole can be cut out, so this scales the whole photograph
    - EastRandomCropData: {{size: [1024, 576], max_tries: 1, min_crop_side_ratio: 1.0, keep_ratio: true}}
    - MakeBorderMap: {{shrink_ratio: 0.4, thresh_min: 0.3, thresh_max: 0.7}}
    - MakeShrinkMap: {{shrink_ratio: 0.4, min_text_size: 4}}
    - NormalizeImage: &norm
        {{scale: 1./255., mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], order: hwc}}
    - ToCHWImage:
    - KeepKeys: {{keep_keys: [image, threshold_map, threshold_mask, shrink_map, shrink_mask]}}
  loader: {{shuffle: true, batch_size_per_card: 2, drop_last: false, num_workers: 1}}
Eval:
  dataset:
    name: SimpleDataSet
    data_dir: {pages}
    label_file_list: [{pages}/ic15_toy.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - DetLabelEncode:
    - DetResizeForTest: {{image_shape: [576, 1024]}}
    - NormalizeImage: *norm
    - ToCHWImage:
    - KeepKeys: {{keep_keys: [image, shape, polys, ignore_tags]}}
  loader: {{shuffle: false, batch_size_per_card: 1, drop_last: false, num_workers: 0}}
"""


def start(folder: Path) -> str:
    """Train on drawn pages for a short while: photographs, nearly all background, teach little at first."""
    labels = write_pages(folder / "drawn", "train", 160, size=320, by_word=True)
    options = [f"Global.save_model_dir={folder}/start", "Global.epoch_num=8", "Global.eval_batch_epoch=8"]
    options += ["Train.dataset.transforms.3.EastRandomCropData.size=[224, 224]", "Optimizer.lr.learning_rate=0.005"]
    for section in ("Train", "Eval"):
        options += [f"{section}.dataset.data_dir={folder}/drawn", f"{section}.dataset.label_file_list=[{labels}]"]
    train(load_config(ROOT / "configs/det/quickstart_pages.yml", options))
    return f"{folder}/start/latest"


def labels() -> dict[str, list[dict]]:
    rows = (row.split("\t") for row in (PAGES / "ic15_toy.txt").read_text(encoding="utf-8-sig").splitlines())
    return {Path(name).name: json.loads(regions) for name, regions in rows}


def test_overfits_street_photographs(tmp_path: Path) -> None:
    path = tmp_path / "pages.yml"
    path.write_text(CONFIG.format(folder=tmp_path, pages=PAGES), encoding="utf-8")
    weights, stage = start(tmp_path), ["Global.epoch_num=5", f"Global.save_model_dir={tmp_path}/first"]
    train(load_config(path, [f"Global.pretrained_model={weights}", "Global.eval_batch_epoch=5", *stage]))
    weights = f"{tmp_path}/first/latest"
    for _ in range(ROUNDS):  # which pair of words parts when hangs on the last bit: the rate starts anew until all have
        best = train(load_config(path, [f"Global.pretrained_model={weights}", *PARTING]))
        weights = f"{tmp_path}/out/latest"
        if best.value >= 0.95:
            break
    assert best.value >= 0.95
    weights = f"Global.pretrained_model={tmp_path}/out/best_accuracy"
    for tool in ("infer_det.py", "export_model.py"):
        done = run_tool(tool, "-c", str(path), "-o", weights)
        assert done.returncode == 0, done.stderr
    lines = (tmp_path / "found.txt").read_text(encoding="utf-8").splitlines()
    trained = {Path(name).name: json.loads(regions) for name, regions in (line.split("\t") for line in lines)}
    exported = Predictor.from_folder(tmp_path / "inference").predict(sorted((PAGES / "ic15_toy").iterdir()))
    metric, known = DetMetric(), labels()
    for prediction in exported:
        name = Path(prediction.source).name
        assert [p.tolist() for p in prediction.result.points] == [r["points"] for r in trained[name]], name
        polys = [np.array(r["points"], np.float32) for r in known[name]]
        ignored = np.array([r["transcription"] in ("###", "*") for r in known[name]])
        metric([prediction.result], {"polys": [polys], "ignore_tags": [ignored]})
    assert metric.get_metric()["hmean"] == pytest.approx(best.value, abs=0.03)
