"""Networks of every kind are trained and evaluated by two processes, whose metrics are those of one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from ppocr.config.loader import load_config
from ppocr.engine.runs import evaluate_weights
from tests.system.det_project import make_det_project
from tests.system.project import ROOT, Project, line_image, make_project

pytestmark = pytest.mark.slow

LINES = 7  # an odd number: one rank evaluates more than the other
LSTM = "Architecture.Neck={name: SequenceEncoder, encoder_type: rnn, hidden_size: 16}"
MULTI = [
    "Architecture.Neck=null",
    "Architecture.Head={name: MultiHead, head_list: [{CTCHead: {Neck: {name: svtr, dims: 16, depth: 1, "
    "hidden_dims: 16}}}, {SARHead: {enc_dim: 16, d_k: 16, max_text_length: 8}}]}",
    "Loss={name: MultiLoss, loss_config_list: [{CTCLoss: null}, {SARLoss: null}]}",
    "Train.dataset.transforms.2={MultiLabelEncode: null}",
    "Eval.dataset.transforms.1={MultiLabelEncode: null}",
    "Train.dataset.transforms.4.KeepKeys.keep_keys=[image, label_ctc, label_sar, length, valid_ratio]",
    "Eval.dataset.transforms.3.KeepKeys.keep_keys=[image, label_ctc, label_sar, length, valid_ratio]",
]
RATE = "Optimizer.lr.learning_rate=0.0001"


def lines_project(folder: Path, *options: str) -> tuple[Project, list[str]]:
    return make_project(folder, LINES), [RATE, "Train.loader.batch_size_per_card=3", *options]


def pages_project(folder: Path) -> tuple[Project, list[str]]:
    """An untrained detector takes a page for one region: on every third page that is right."""
    project = make_det_project(folder, LINES)
    path = folder / "test.txt"
    rows = [row.partition("\t")[::2] for row in path.read_text(encoding="utf-8").splitlines()]
    for i in range(0, LINES, 3):
        height, width = cv2.imread(str(folder / "images" / rows[i][0])).shape[:2]
        whole = [{"transcription": "page", "points": [[0, 0], [width, 0], [width, height], [0, height]]}]
        rows[i] = rows[i][0], json.dumps(whole)
    path.write_text("".join(f"{name}\t{label}\n" for name, label in rows), encoding="utf-8")
    options = ["Train.loader.batch_size_per_card=2", "PostProcess.thresh=0.2", "PostProcess.box_thresh=0.2"]
    return project, [RATE, *options]


def directions_project(folder: Path) -> tuple[Project, list[str]]:
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(LINES):
        image = line_image(str(1234 + i))
        image = cv2.rotate(image, cv2.ROTATE_180) if i % 2 else image
        (folder / "images" / f"{i}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        rows.append(f"{i}.png\t{180 if i % 2 else 0}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    options = ["Global.use_gpu=false", "Global.seed=3", f"Global.save_model_dir={folder}/out"]
    options += ["Global.eval_batch_step=0", "Global.eval_batch_epoch=1"]
    for section in ("Train", "Eval"):
        options += [f"{section}.dataset.data_dir={folder}/images", f"{section}.loader.batch_size_per_card=3"]
        options += [f"{section}.dataset.label_file_list=[{folder}/labels.txt]", f"{section}.loader.num_workers=0"]
    return Project(folder, ROOT / "configs/cls/cls_mv3.yml"), options


NETWORKS = {
    "rnn": lambda folder: lines_project(folder, LSTM),
    "det": pages_project,
    "cls": directions_project,
    "multi": lambda folder: lines_project(folder, *MULTI),
}
VALUE = re.compile(r"INFO: (\w+): ([-+.e0-9]+)$", re.MULTILINE)


def launch(plan: list[tuple[str, list[str]]], folder: Path) -> subprocess.CompletedProcess:
    """Run the commands of a plan, one after the other, in two processes."""
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    command = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--backend", "gloo"]
    command += ["--log_dir", str(folder / "log"), str(ROOT / "tests/system/ranks.py"), str(folder / "plan.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PPOCR_THREADS": "1"}
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=180, text=True, capture_output=True)


def test_two_processes_train_every_kind_of_network_and_measure_what_one_measures(tmp_path: Path) -> None:
    plan, asked = [], {}
    for name, make in NETWORKS.items():
        project, options = make(tmp_path / name)
        asked[name] = load_config(str(project.config), [*options, f"Global.checkpoints={project.out}/latest"])
        plan.append(("train", ["-c", str(project.config), "-o", *options, "Global.epoch_num=1"]))
        plan.append(("eval", ["-c", str(project.config), "-o", *options, f"Global.checkpoints={project.out}/latest"]))
    done = launch(plan, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    log = (tmp_path / "log" / "workerlog.0").read_text(encoding="utf-8")
    parts = re.split(r"^=== \d+$", log, flags=re.MULTILINE)[1:]
    for name, training, evaluation in zip(NETWORKS, parts[::2], parts[1::2]):
        assert f"images {LINES}/{LINES}" in training, name
        found = {key: float(value) for key, value in VALUE.findall(evaluation)}
        alone = evaluate_weights(asked[name]).metrics
        assert found == pytest.approx(alone, rel=1e-4), name
        assert any(0 < value < 1 for value in found.values()), name
