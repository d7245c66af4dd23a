"""A classifier trained, measured, exported and used by the commands; wrong labels reported in one line."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.system.project import ROOT, line_image
from tests.tools.commands import run_command
from tests.tools.test_predict_commands import inferred

LINES = 8


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A classifier of eight lines, trained for one epoch, and its export."""
    folder = tmp_path_factory.mktemp("directions")
    (folder / "images").mkdir()
    rows = []
    for i in range(LINES):
        image = line_image(str(1234 + i), 28 + 4 * (i % 3))
        image = cv2.rotate(image, cv2.ROTATE_180) if i % 2 else image
        (folder / "images" / f"{i}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        rows.append(f"{i}.png\t{180 if i % 2 else 0}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    options = [
        f"{section}.loader.{key}" for section in ("Train", "Eval") for key in ("batch_size_per_card=4", "num_workers=0")
    ]
    options += [f"{s}.dataset.data_dir={folder}/images" for s in ("Train", "Eval")]
    options += [f"{s}.dataset.label_file_list=[{folder}/labels.txt]" for s in ("Train", "Eval")]
    options += ["Global.use_gpu=false", "Global.epoch_num=1", "Global.seed=1", f"Global.save_model_dir={folder}/out"]
    options += [f"Global.save_inference_dir={folder}/inference", f"Global.infer_img={folder}/images"]
    options += ["Global.eval_batch_step=0", "Global.eval_batch_epoch=1", f"Global.save_res_path={folder}/found.txt"]
    made = SimpleNamespace(folder=folder, options=options, inference=folder / "inference")
    made.weights = f"Global.pretrained_model={folder}/out/best_accuracy"
    assert run("train", made) == 0
    assert run("export_model", made, made.weights) == 0
    return made


def run(name: str, project, *options: str, arguments: tuple[str, ...] = ()) -> int:
    """Run a command of the -c kind in this process and return its exit code."""
    config = ROOT / "configs" / "cls" / "cls_mv3.yml"
    return run_command(name, "-c", config, *arguments, "-o", *project.options, *options)


def predict(*arguments: str) -> int:
    """Run predict_cls in this process and return its exit code."""
    return run_command("predict_cls", *arguments)


def predicted(output: str) -> dict[str, tuple[str, float]]:
    found = re.findall(r"^Predicts of (.*):\('(.*)', ([0-9.e-]+)\)$", output, re.M)
    return {Path(path).name: (label, float(probability)) for path, label, probability in found}


def test_trained_and_exported_say_the_same(project, capfd):
    assert run("eval", project, project.weights) == 0
    assert "images 8/8" in capfd.readouterr().out
    assert run("infer_cls", project, project.weights, arguments=("--draw",)) == 0
    expected = inferred(capfd.readouterr().out)
    assert len(expected) == LINES and {label for label, _ in expected.values()} <= {"0", "180"}
    assert len(list((project.folder / "infer_results").iterdir())) == LINES
    images = f"--image_dir={project.folder}/images"
    pictures = project.folder / "pictures"
    arguments = (f"--cls_model_dir={project.inference}", images, "--cls_batch_num=3", f"--draw={pictures}")
    assert predict(*arguments, "--cls_thresh=0.4") == 0
    found = predicted(capfd.readouterr().out)
    assert {name: label for name, (label, _) in found.items()} == {n: label for n, (label, _) in expected.items()}
    assert all(abs(found[name][1] - expected[name][1]) <= 1e-4 for name in expected)
    assert len(list(pictures.iterdir())) == LINES


def test_arguments_overrule_and_stand_in_for_a_missing_inference_yml(project, capfd, tmp_path):
    images = f"--image_dir={project.folder}/images"
    for file in project.inference.iterdir():
        if file.name != "inference.yml":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    found = []
    for folder in (project.inference, tmp_path):
        capfd.readouterr()
        assert predict(f"--cls_model_dir={folder}", images, "--label_list=['up', 'down']") == 0
        found.append(predicted(capfd.readouterr().out))
    assert found[0] == found[1] and {label for label, _ in found[0].values()} <= {"up", "down"}
    assert predict(f"--cls_model_dir={project.inference}", images, "--label_list=a,b,c") == 2
    assert "--label_list names 3 classes, the model has 2: 0, 180" in capfd.readouterr().err
    assert predict(f"--cls_model_dir={tmp_path}", images, "--cls_image_shape=3, 48, 100") == 0
    assert predict(f"--cls_model_dir={tmp_path}", images, "--cls_tresh=0.5") == 2
    assert "did you mean cls_thresh?" in capfd.readouterr().err


def test_an_unknown_label_is_reported_in_one_line(project, capfd, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("0.png\t0\n1.png\t90\n2.png\t0\n3.png\t180\n", encoding="utf-8")
    capfd.readouterr()
    assert run("train", project, f"Train.dataset.label_file_list=[{labels}]", f"Global.save_model_dir={tmp_path}") != 0
    last = [line for line in capfd.readouterr().err.splitlines() if f"{labels}:2" in line][-1]
    assert f"{labels}:2: unknown_label: '90' is none of 0, 180 (Global.label_list)" in last


def test_classes_and_names_must_be_equally_many(project, capfd):
    capfd.readouterr()
    assert run("train", project, "Architecture.Head.class_dim=4") == 2
    assert "ClsHead has 4 classes, ClsPostProcess has names for 2" in capfd.readouterr().err


def test_contact_sheet(project, capfd):
    out = project.folder / "sheet.png"
    arguments = [f"--cls_model_dir={project.inference}", f"--label_file={project.folder}/labels.txt", f"--out={out}"]
    assert run_command("contact_sheet", *arguments, f"--data_dir={project.folder}/images") == 0
    assert re.search(r"\d of 8 lines are right", capfd.readouterr().out)
    assert cv2.imdecode(np.frombuffer(out.read_bytes(), np.uint8), cv2.IMREAD_COLOR) is not None
