"""The tutorial of text recognition, command by command: data, training, evaluation, prediction, export, deployment.

Its commands stand here as it has them; `-o` makes networks and epochs small and points at the data. What it does on
several GPUs, two gloo processes do here.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from tests.system.project import ROOT, SHARED, line_image

pytestmark = pytest.mark.slow

DRAWN = ("joint", "PAIN", "SLOW", "HOTEL", "america", "727", "Future", "BURGER", "154", "LITTLE", "LOVE", "pacific")
SMALL = [
    *("Global.use_gpu=false", "Global.seed=3", "Train.dataset.data_dir=.", "Eval.dataset.data_dir=."),
    "Train.dataset.label_file_list=[./train_data/rec/rec_gt_train.txt]",
    "Eval.dataset.label_file_list=[./train_data/rec/rec_gt_test.txt]",
    *("Train.loader.batch_size_per_card=4", "Eval.loader.batch_size_per_card=4"),
    *("Train.loader.num_workers=1", "Eval.loader.num_workers=1", "Global.eval_batch_step=[0,2]"),
]
CTC = "Architecture.Head.head_list.0.CTCHead.Neck"
NETWORKS = {
    "configs/rec/rec_icdar15_train.yml": ["Architecture.Backbone.scale=0.35", "Architecture.Backbone.model_name=small"],
    "configs/rec/PP-OCRv3/en_PP-OCRv3_rec.yml": [
        *("Architecture.Backbone.scale=0.25", f"{CTC}.dims=16", f"{CTC}.depth=1", f"{CTC}.hidden_dims=16"),
        *("Architecture.Head.head_list.1.SARHead.enc_dim=16", "Architecture.Head.head_list.1.SARHead.d_k=16"),
        *("Optimizer.lr.warmup_epoch=1", "Optimizer.lr.learning_rate=0.0001"),
    ],
}
IC15, V3 = NETWORKS
TWO = "python3 -m paddle.distributed.launch --nproc_per_node 2 --backend gloo"


@dataclass
class Clone:
    """A clone to work in: its code is this one's, its data and results are its own."""

    folder: Path

    def run(self, command: str, *overrides: str, **environment: str) -> str:
        """Run a command of the tutorial and return what it printed; overrides follow its last argument."""
        words = [sys.executable if word == "python3" else word for word in shlex.split(command)]
        given = {"PPOCR_THREADS": "1", **environment}
        done = subprocess.run(
            [*words, *overrides],
            cwd=self.folder,
            env={**os.environ, **given},
            timeout=300,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def configured(self, command: str, *overrides: str, **environment: str) -> str:
        """Run a command that has a configuration and -o."""
        (config,) = (name for name in NETWORKS if name in command)
        return self.run(command, *SMALL, *NETWORKS[config], *overrides, **environment)


def words() -> list[tuple[str, bytes, str]]:
    """Return suffix, content and text of twelve lines: photographed ones where they are, else drawn ones."""
    labels = SHARED / "data" / "rec" / "ic15_words.txt"
    if labels.is_file():
        rows = [row.split("\t") for row in labels.read_text(encoding="utf-8").splitlines()][: len(DRAWN)]
        return [(Path(path).suffix, (labels.parent / path).read_bytes(), text) for path, text in rows]
    return [(".png", cv2.imencode(".png", line_image(text))[1].tobytes(), text) for text in DRAWN]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The data of section 1, its label files made by gen_label.py from labels as ICDAR has them."""
    made = Clone(tmp_path_factory.mktemp("tutorial"))
    for name in ("configs", "ppocr", "tools"):
        (made.folder / name).symlink_to(ROOT / name, target_is_directory=True)
    for part, count in (("train", len(DRAWN)), ("test", 7)):
        (made.folder / "train_data/rec" / part).mkdir(parents=True)
        rows = []
        for i, (suffix, content, text) in enumerate(words()[:count]):
            relative = f"train_data/rec/{part}/word_{i + 1:03d}{suffix}"
            (made.folder / relative).write_bytes(content)
            rows.append(f'{relative}, "{text}"\n')
        (made.folder / f"gt_{part}.txt").write_text("".join(rows), encoding="utf-8")
        label = f"train_data/rec/rec_gt_{part}.txt"
        made.run(f'python3 ppocr/utils/gen_label.py --mode="rec" --input_path="gt_{part}.txt" --output_label="{label}"')
        first = (made.folder / label).read_text(encoding="utf-8").splitlines()[0]
        assert first == f"{rows[0].split(',')[0]}\t{words()[0][2]}"
    return made


def metrics(printed: str) -> dict[str, float]:
    """Return what eval.py prints last."""
    return {key: float(value) for key, value in re.findall(r"INFO: (\w+): ([-+.e0-9]+)$", printed, re.MULTILINE)}


def results(printed: str) -> dict[str, tuple[str, float]]:
    """Return the text and the confidence by image, as infer_rec.py and predict_rec.py print them."""
    pattern = r"^(?:infer_img: |Predicts of )(\S+?)(?:\n\tresult: |:)\((.*), ([-+.e0-9]+)\)$"
    return {name: (text, float(score)) for name, text, score in re.findall(pattern, printed, re.MULTILINE)}


PROGRAMS = {"0": "inference.pdmodel", "1": "inference.json"}  # by FLAGS_enable_pir_api


def deployed(clone: Clone, config: str, weights: str, shape: str) -> None:
    """Check sections 3.2 and 4: infer_rec.py, the export in both formats, and predict_rec.py, which say the same."""
    named = f"-c {config} -o Global.pretrained_model={weights}"
    printed = clone.configured(f"python3 tools/infer_rec.py {named} Global.infer_img=train_data/rec/test")
    expected = results(printed)
    assert len(expected) == 7 and any(text != "''" for text, _ in expected.values()), printed
    for flag, program in PROGRAMS.items():
        folder = f"inference/{Path(config).stem}_{flag}"
        command = f"python3 tools/export_model.py {named} Global.save_inference_dir=./{folder}/"
        clone.configured(command, FLAGS_enable_pir_api=flag)
        files = {path.name for path in (clone.folder / folder).iterdir()}
        old = {"inference.pdiparams.info"} if flag == "0" else set()
        assert files == {program, "inference.pdiparams", "inference.yml", *old}
        found = results(
            clone.run(
                f'python3 tools/infer/predict_rec.py --image_dir="train_data/rec/test" --rec_model_dir="./{folder}" '
                f'--rec_image_shape="{shape}" --rec_char_dict_path="ppocr/utils/en_dict.txt"'
            )
        )
        assert found.keys() == expected.keys()
        for name, (text, score) in expected.items():
            assert found[name] == (text, pytest.approx(score, abs=1e-4)), name


def test_the_configuration_of_icdar_2015(clone: Clone) -> None:
    train = f"tools/train.py -c {IC15} -o"
    out = clone.folder / "output/rec/ic15"
    clone.configured(f"python3 {train} Global.epoch_num=3")
    files = {path.name for path in out.iterdir()}
    assert files >= {"config.yml", "train.log"} | {
        f"{name}{suffix}"
        for name in ("best_accuracy", "iter_epoch_3", "latest")
        for suffix in (".pdopt", ".pdparams", ".states")
    }
    printed = clone.configured(f"{TWO} {train} Global.checkpoints=./output/rec/ic15/latest Global.epoch_num=4")
    assert "2 processes" in printed and "epoch 4 is done" in printed and "epoch 3 is done" not in printed
    clone.configured(
        f"python3 {train} Global.pretrained_model=./output/rec/ic15/latest Global.use_amp=True "
        "Global.scale_loss=1024.0 Global.use_dynamic_loss_scaling=True",
        *("Global.save_model_dir=output/amp", "Global.epoch_num=1"),
    )
    best = f"tools/eval.py -c {IC15} -o Global.checkpoints=output/rec/ic15/best_accuracy"
    alone = metrics(clone.configured(f"python3 {best}"))
    assert "acc" in alone and metrics(clone.configured(f"{TWO} {best}")) == pytest.approx(alone, abs=1e-6)
    deployed(clone, IC15, "output/rec/ic15/best_accuracy", "3, 32, 100")


def test_the_english_model_of_pp_ocr_v3(clone: Clone) -> None:
    printed = clone.configured(f"{TWO} tools/train.py -c {V3} -o Global.epoch_num=2")
    assert "2 processes" in printed and "epoch 2 is done" in printed
    deployed(clone, V3, "output/v3_en_mobile/best_accuracy", "3, 48, 320")
