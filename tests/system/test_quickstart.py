"""The quick start's twin, small: data from drawn digits, training, evaluation, export, prediction, contact sheet."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.synthesis.digits import Digits, write_lines
from tests.system.project import ROOT, run_tool

CONFIG = "configs/rec/quickstart_digits.yml"


def drawn_digits(first: int, fonts: list[int]) -> Digits:
    """Digits in several of OpenCV's fonts; the real ones need a download, which `make quickstart` does."""
    images, labels = [], []
    for font in fonts:
        for digit in range(10):
            image = np.zeros((28, 28), np.uint8)
            cv2.putText(image, str(digit), (5, 23), font, 0.85, 255, 2, cv2.LINE_AA)
            images.append(image)
            labels.append(digit)
    return Digits(np.stack(images), np.array(labels), np.arange(first, first + len(images)))


@pytest.mark.slow
def test_from_data_to_predictions_of_the_exported_model(tmp_path: Path) -> None:
    data, out = tmp_path / "digits", tmp_path / "out"
    write_lines(drawn_digits(0, [0, 2, 3]), data, "train", 1600, seed=1)
    write_lines(drawn_digits(100, [0, 2, 3]), data, "test", 100, seed=2)
    options = [f"Global.save_model_dir={out}", "Global.epoch_num=7", "Global.eval_batch_epoch=7"]
    options += ["Optimizer.lr.warmup_epoch=0.2", "Train.loader.batch_size_per_card=16"]
    for section, name in (("Train", "train"), ("Eval", "test")):
        options += [
            f"{section}.dataset.data_dir={data}",
            f"{section}.dataset.label_file_list=[{data}/rec_gt_{name}.txt]",
        ]
    trained = run_tool("train.py", "-c", CONFIG, "-o", *options)
    assert trained.returncode == 0, trained.stderr
    best = [f"Global.checkpoints={out}/best_accuracy"]
    measured = run_tool("eval.py", "-c", CONFIG, "-o", *options, *best)
    assert measured.returncode == 0, measured.stderr
    accuracy = float(re.search(r"\bacc: ([0-9.]+)", measured.stdout + measured.stderr).group(1))
    exported = run_tool(
        "export_model.py", "-c", CONFIG, "-o", *options, *best, f"Global.save_inference_dir={out}/inference"
    )
    assert exported.returncode == 0, exported.stderr
    shown = run_tool(
        "contact_sheet.py",
        f"--rec_model_dir={out}/inference",
        f"--label_file={data}/rec_gt_test.txt",
        f"--out={out}/sheet.png",
    )
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"test/line_00000.jpg -> \d+ \(0\.\d+\)|-> \d* \(", shown.stdout)
    right = int(re.search(r"(\d+) of 100 lines are right", shown.stdout).group(1))
    assert right / 100 == pytest.approx(accuracy, abs=1e-3)  # the exported folder alone gives evaluation's number
    assert right >= 60
    picture = cv2.imread(str(out / "sheet.png"))
    assert picture is not None and min(picture.shape[:2]) > 200
    assert (ROOT / CONFIG).is_file()
