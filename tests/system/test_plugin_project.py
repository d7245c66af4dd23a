"""A folder of a user's own parts, named in `Global.plugins` alone: each kind trains, resumes, exports and predicts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from tests.system.det_project import make_det_project
from tests.system.project import ROOT, Project, make_project, run_tool

PARTS = Path(__file__).parent / "plugin_parts"
EPOCHS, RESUMED_FROM = 16, 8
SEVERAL = """\
import json, sys
from ppocr import commands
for name, arguments in json.loads(sys.argv[1]):
    sys.argv = [name, *arguments]
    if code := commands.run(name):
        sys.exit(f"{name} ended with {code}")
"""
PAIR = """\
  name: Pair
  Networks:
    Small:
      Backbone: {name: PlainConvNet, channels: [4, 8, 8]}
      Head: {name: SARHead, enc_dim: 16, d_k: 16, max_text_length: 8}
    Large:
      Backbone: {name: PlainConvNet, channels: [8, 16, 16]}
      Head: {name: SARHead, enc_dim: 24, d_k: 24, max_text_length: 8}
"""
GRID_CONFIG = """\
Global:
  use_gpu: false
  seed: 3
  print_batch_step: 1
  save_epoch_step: 1
  eval_batch_epoch: 1
  save_model_dir: {folder}/out
  epoch_num: 1
  character_dict_path: {folder}/tokens.txt
Optimizer: {{name: Adam, lr: {{name: Const, learning_rate: 0.002}}}}
Architecture:
  model_type: grid
  Backbone: {{name: GridNet, width: 8}}
  Head: {{name: GridHead}}
Loss: {{name: GridLoss}}
PostProcess: {{name: GridDecode}}
Metric: {{name: GridMetric}}
Train: &train
  dataset: &dataset
    name: SimpleDataSet
    data_dir: {folder}/images
    label_file_list: [{folder}/train.txt]
    transforms:
    - DecodeImage: {{img_mode: BGR, channel_first: false}}
    - DetResizeForTest: {{image_shape: [64, 64]}}
    - GridLabelEncode: {{length: 12}}
    - NormalizeImage: {{scale: 1./255., mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], order: hwc}}
    - ToCHWImage:
    - KeepKeys: {{keep_keys: [image, shape, structure, boxes, box_mask, tokens]}}
  loader: {{shuffle: true, batch_size_per_card: 4, drop_last: true, num_workers: 0}}
Eval:
  dataset: *dataset
  loader: {{shuffle: false, batch_size_per_card: 4, drop_last: false, num_workers: 0}}
"""


@dataclass(frozen=True)
class Kind:
    """One of the things a user may add.

    Args:
        base: the small project it starts from.
        file: of its parts.
        changes: to that project's configuration.
        typo: a declaration, and a misspelling of it.
        reported: of the misspelling.
        logged: of its losses and metric.
        exported: post-processing that the exported folder names.
        arguments: for the command that predicts.
        options: that mean the same to the command that infers.
    """

    base: str
    file: str
    changes: Mapping[str, str]
    typo: tuple[str, str]
    reported: str
    logged: Sequence[str]
    exported: str
    arguments: Sequence[str] = ()
    options: Sequence[str] = ()


KINDS = {
    "attention": Kind(
        "rec",
        "attention.py",
        {
            "{name: CTCHead, fc_decay: 0.0}": "{name: GruHead, hidden: 16}",
            "CTCLabelEncode": "GruLabelEncode",
            "CTCLoss": "GruLoss",
            "CTCLabelDecode": "GruLabelDecode",
            "max_text_length: 8": "max_text_length: 9",
        },
        ("targets = (", "target = ("),
        "GruHead.target is no declaration of a Head, did you mean targets?",
        ("acc", "norm_edit_dis"),
        "GruLabelDecode",
    ),
    "detector": Kind(
        "det",
        "text_map.py",
        {
            "MobileNetV3, model_name: small, scale: 0.35": "PlainConvNet, stem: 4, channels: [8, 8, 8, 8]",
            "  Neck: {name: DBFPN, out_channels: 16}\n": "",
            "{name: DBHead, k: 50}": "{name: TextMapHead}",
            "Loss: {.*}": "Loss: {name: TextMapLoss}",
            "PostProcess: {.*}": "PostProcess: {name: TextMapBoxes, thresh: 0.6}",
            "    - MakeBorderMap: {.*}\n": "",
            "MakeShrinkMap: {.*}": "MakeTextMap: {margin: 1}",
            "threshold_map, threshold_mask, shrink_map, shrink_mask": "text_map, text_mask",
        },
        ("arguments = (", "argument = ("),
        "TextMapBoxes.argument is no declaration of a PostProcess, did you mean arguments?",
        ("precision", "hmean"),
        "TextMapBoxes",
        ("--text_map_thresh=0.4", "--draw=false"),
        ("PostProcess.thresh=0.4",),
    ),
    "table": Kind(
        "grid",
        "grid.py",
        {},
        ("main_indicator =", "main_indicater ="),
        "GridMetric.main_indicater is no declaration of a Metric, did you mean main_indicator?",
        ("loss_structure", "loss_boxes", "same_length"),
        "GridDecode",
    ),
    "two models": Kind(
        "rec",
        "pair.py",
        {
            r"  Backbone: .*\n  Neck: .*\n  Head: .*\n": PAIR,
            "CTCLabelEncode": "SARLabelEncode",
            "CTCLoss": "PairLoss",
            "CTCLabelDecode": "PairDecode",
            "[image, label, length]": "[image, label, valid_ratio]",
            "max_text_length: 8\n": "max_text_length: 9\n",
            "    - RecAug:\n": "",
        },
        ("model_sections = (", "model_section = ("),
        "Pair.model_section is no declaration of a Architecture, did you mean model_sections?",
        ("loss_Small.sar", "loss_distance", "acc"),
        "SARLabelDecode",
    ),
}


def make_grid_project(folder: Path) -> Project:
    """Write a project with eight pictures of grids."""
    (folder / "images").mkdir(parents=True)
    (folder / "tokens.txt").write_text("<tr>\n</tr>\n<td>\n", encoding="utf-8")
    rows = []
    for i in range(8):
        lines, columns = 1 + i % 2, 1 + i % 3
        image = np.full((48, 80, 3), 255, np.uint8)
        cells = [[4 + 24 * x, 4 + 20 * y, 24 + 24 * x, 20 + 20 * y] for y in range(lines) for x in range(columns)]
        for left, top, right, bottom in cells:
            cv2.rectangle(image, (left, top), (right, bottom), (0, 0, 0))
        (folder / "images" / f"grid {i}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        tokens = ["<tr>", *["<td>"] * columns, "</tr>"] * lines
        rows.append(f"grid {i}.png\t{json.dumps({'tokens': tokens, 'cells': cells})}\n")
    (folder / "train.txt").write_text("".join(rows), encoding="utf-8")
    (folder / "config.yml").write_text(GRID_CONFIG.format(folder=folder), encoding="utf-8")
    return Project(folder, folder / "config.yml")


MAKERS = {"rec": make_project, "det": make_det_project, "grid": make_grid_project}


def make(kind: Kind, folder: Path) -> Project:
    """Write the project of a kind, its configuration naming a copy of the plug-ins."""
    project = MAKERS[kind.base](folder)
    shutil.copytree(PARTS, folder / "parts", ignore=shutil.ignore_patterns("__pycache__"))
    text = project.config.read_text(encoding="utf-8")
    common = {
        "epoch_num: 1": f"epoch_num: {EPOCHS}",
        "save_epoch_step: 1": f"save_epoch_step: {RESUMED_FROM}",
        "eval_batch_epoch: 1": f"eval_batch_epoch: {RESUMED_FROM}",
        "learning_rate: 0.002": "learning_rate: 0.02",
        "seed: 3\n": f"seed: 3\n  plugins: [{folder}/parts]\n",
    }
    for old, new in {**common, **kind.changes}.items():
        text, count = re.subn(old if ".*" in old else re.escape(old), lambda _, new=new: new, text)
        assert count, old
    project.config.write_text(text, encoding="utf-8")
    return project


def several(*commands: tuple[str, Sequence[str]]) -> str:
    """Run some commands one after another in a new process, and return what was written to both streams."""
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL, json.dumps(commands)], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kind, Project]:
    """A kind, and its project trained, evaluated, exported and predicted with by the commands of its weights."""
    kind = KINDS[request.param]
    project = make(kind, tmp_path_factory.mktemp("plugins") / "project")
    weights = f"Global.checkpoints={project.out}/latest"
    files = [f"Global.infer_img={project.folder}/images", f"Global.save_res_path={project.folder}/infer.txt"]
    common = ["-c", str(project.config), "-o", weights]
    shown = several(
        ("train", common[:2]),
        ("eval", common),
        ("export_model", [*common, f"Global.save_inference_dir={project.folder}/made"]),
        ("infer", [*common, *files, *kind.options, "--draw"]),
    )
    assert all(f" {name} " in shown for name in kind.logged), shown
    return kind, project


def numbers_and_rest(line: str) -> tuple[list[float], str]:
    """Return the numbers in a line of results, and the line without them and the folder of its image."""
    path, _, rest = line.partition("\t")
    number = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
    return [float(n) for n in re.findall(number, rest)], f"{Path(path).name}\t{re.sub(number, '#', rest)}"


@pytest.mark.slow
def test_what_is_exported_predicts_as_the_trained_network(trained: tuple[Kind, Project]) -> None:
    kind, project = trained
    assert f"\n  name: {kind.exported}\n" in (project.folder / "made/inference.yml").read_text(encoding="utf-8")
    results = project.folder / "predict.txt"
    common = [f"--image_dir={project.folder}/images", f"--model_dir={project.folder}/made"]
    own = ["--plugins", f"{project.folder}/parts", f"--save_res_path={results}", *kind.arguments]
    done = run_tool("infer/predict.py", *common, *own)
    assert done.returncode == 0, done.stderr
    lines = [place.read_text(encoding="utf-8").splitlines() for place in (project.folder / "infer.txt", results)]
    assert len(lines[0]) == 8 and len({line.partition("\t")[2] for line in lines[0]}) > 1
    for trained_line, exported_line in zip(*lines, strict=True):
        (wanted, before), (found, after) = numbers_and_rest(trained_line), numbers_and_rest(exported_line)
        assert before == after and wanted == pytest.approx(found, abs=0.11)
    assert len(list((project.folder / "infer_results").iterdir())) == 8


@pytest.mark.slow
def test_a_resumed_run_ends_as_the_uninterrupted_one(trained: tuple[Kind, Project]) -> None:
    _, project = trained
    start = f"Global.checkpoints={project.out}/iter_epoch_{RESUMED_FROM}"
    again = project.folder / "again"
    done = run_tool("train.py", "-c", str(project.config), "-o", start, f"Global.save_model_dir={again}")
    assert done.returncode == 0, done.stderr
    for name in ("latest.pdparams", "latest.pdopt"):
        whole, resumed = (paddle.load(str(folder / name), return_numpy=True) for folder in (project.out, again))
        assert whole.keys() == resumed.keys()
        for key, value in whole.items():
            assert np.array_equal(value, resumed[key]), key


def test_a_misspelt_declaration_of_each_kind_is_reported_in_one_line(tmp_path: Path) -> None:
    configs = []
    for name, kind in KINDS.items():
        project = make(kind, tmp_path / name)
        text = (project.folder / "parts" / kind.file).read_text(encoding="utf-8")
        shutil.rmtree(project.folder / "parts")
        (project.folder / "parts").mkdir()
        assert kind.typo[0] in text
        (project.folder / "parts" / kind.file).write_text(text.replace(*kind.typo), encoding="utf-8")
        configs.append(str(project.config))
    code = (
        "import sys\nfrom ppocr.config.loader import load_config\nfrom ppocr.errors import PpocrError\n"
        "for path in sys.argv[1:]:\n    try:\n        load_config(path)\n"
        "    except PpocrError as error:\n        print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, *configs], capture_output=True, text=True, check=True, cwd=ROOT)
    lines = done.stdout.splitlines()
    assert len(lines) == len(KINDS)
    for line, kind in zip(lines, KINDS.values()):
        assert f"{kind.file}:" in line and kind.reported in line
