"""Training with batches of several sizes: interrupted and gone on with equals uninterrupted, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.config.loader import load_config
from ppocr.engine import runs
from tests.system.project import make_project

SAMPLER = (
    "{name: MultiScaleSampler, scales: [[96, 32], [128, 32]], first_bs: 4, fix_bs: false, divided_factor: [8, 16]}"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    text = make_project(tmp_path / "project", lines=10).config.read_text(encoding="utf-8")
    for old, new in (
        ("    name: SimpleDataSet\n", "    name: MultiScaleDataSet\n    ext_op_transform_idx: 1\n"),
        ("    - RecAug:\n", "    - RecConAug: {ext_data_num: 2, image_shape: [32, 160, 3]}\n    - RecAug:\n"),
        ("    - RecResizeImg: {image_shape: [3, 32, 96]}\n", ""),
        ("Eval:\n", f"  sampler: {SAMPLER}\nEval:\n"),
        ("epoch_num: 1", "epoch_num: 2"),
        ("eval_batch_epoch: 1", "eval_batch_step: [0, 3]"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    return path


def train(config: Path, *options: str):
    return runs.train(load_config(config, list(options)))


def test_going_on_in_the_middle_of_an_epoch(config: Path, tmp_path: Path) -> None:
    best = train(config, f"Global.save_model_dir={tmp_path}/whole")
    assert (best.epoch, best.global_step) == (1, 3), "of four steps: the checkpoint is in the middle of an epoch"
    options = [f"Global.checkpoints={tmp_path}/whole/best_accuracy", f"Global.save_model_dir={tmp_path}/parts"]
    train(config, *options)
    for name in ("latest.pdparams", "latest.pdopt"):
        whole, parts = ((tmp_path / folder / name).read_bytes() for folder in ("whole", "parts"))
        assert whole == parts
    train(config, f"Global.save_model_dir={tmp_path}/other", "Global.seed=4")
    assert (tmp_path / "other" / "latest.pdparams").read_bytes() != whole
