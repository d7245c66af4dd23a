"""The detection quick start's twin, small: drawn pages, training, evaluation, export, picture of what was found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.deploy.predictor import Predictor
from ppocr.metrics.det import DetMetric
from ppocr.synthesis.pages import write_pages
from tests.system.project import ROOT, run_tool

CONFIG = "configs/det/quickstart_pages.yml"


@pytest.mark.slow
def test_from_pages_to_regions_of_the_exported_model(tmp_path: Path) -> None:
    data, out = tmp_path / "pages", tmp_path / "out"
    labels = {"Train": write_pages(data, "train", 120, size=320), "Eval": write_pages(data, "test", 24, size=320)}
    options = [f"Global.save_model_dir={out}", "Global.epoch_num=7", "Global.eval_batch_epoch=7"]
    options += ["Train.dataset.transforms.3.EastRandomCropData.size=[224, 224]", "Optimizer.lr.learning_rate=0.005"]
    options += ["Architecture.Backbone.channels=[24, 48, 64, 96]"]
    options += [f"{s}.dataset.label_file_list=[{path}]" for s, path in labels.items()]
    options += [f"{section}.dataset.data_dir={data}" for section in labels]
    trained = run_tool("train.py", "-c", CONFIG, "-o", *options)
    assert trained.returncode == 0, trained.stderr
    best = [f"Global.checkpoints={out}/best_accuracy"]
    measured = run_tool("eval.py", "-c", CONFIG, "-o", *options, *best)
    assert measured.returncode == 0, measured.stderr
    hmean = float(re.search(r"\bhmean: ([0-9.]+)", measured.stdout + measured.stderr).group(1))
    exported = run_tool("export_model.py", "-c", CONFIG, "-o", *options, *best, f"Global.save_inference_dir={out}/inf")
    assert exported.returncode == 0, exported.stderr
    shown = run_tool(
        "contact_sheet.py", f"--det_model_dir={out}/inf", f"--label_file={labels['Eval']}", f"--out={out}/sheet.png"
    )
    assert shown.returncode == 0, shown.stderr
    picture = cv2.imread(str(out / "sheet.png"))
    assert picture is not None and min(picture.shape[:2]) > 300
    assert hmean >= 0.45  # 0.68 where this was written
    assert hmean_of(out / "inf", labels["Eval"]) == pytest.approx(hmean, abs=0.01)  # the exported folder alone
    assert (ROOT / CONFIG).is_file()


def hmean_of(folder: Path, label_file: Path) -> float:
    """Return what an exported model reaches on labelled pages."""
    known = {}
    for row in label_file.read_text(encoding="utf-8").splitlines():
        name, regions = row.split("\t")
        known[str(label_file.parent / name)] = json.loads(regions)
    metric = DetMetric()
    for prediction in Predictor.from_folder(folder).predict(list(known)):
        regions = known[prediction.source]
        polys = [np.array(r["points"], np.float32) for r in regions]
        ignored = np.array([r["transcription"] == "###" for r in regions], bool)
        metric([prediction.result], {"polys": [polys], "ignore_tags": [ignored]})
    return metric.get_metric()["hmean"]
