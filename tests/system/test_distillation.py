"""A student learns from a teacher: trained, resumed bit for bit, evaluated, exported without its teacher, predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.from_weights import export_weights, infer
from ppocr.deploy.predictor import Predictor
from ppocr.engine.checkpoint import load_checkpoint
from ppocr.engine.runs import evaluate_weights, train
from ppocr.errors import CheckpointError, ConfigError
from ppocr.metrics.distillation import DistillationMetric
from ppocr.postprocess.ctc import CTCLabelDecode
from ppocr.postprocess.distillation import DistillationCTCLabelDecode
from ppocr.registry import POSTPROCESSES
from ppocr.results import OfModels, Recognition
from tests.conformance import load
from tests.system.project import Project, make_project

MODEL = "{model_type: rec, algorithm: CRNN, return_all_feats: true, "
MODEL += "Backbone: {name: PlainConvNet, channels: [8, 8, 16, 16]}, "
MODEL += "Neck: {name: SequenceEncoder, encoder_type: reshape}, Head: {name: CTCHead, fc_decay: 0.0}"
LOSSES = """\
- DistillationCTCLoss: {weight: 1.0, model_name_list: [Student], key: head_out}
  - DistillationDMLLoss:
      {weight: 1.0, act: softmax, use_log: true, model_name_pairs: [[Student, Teacher]], key: head_out, name: dml}
  - DistillationDistanceLoss: {weight: 0.5, mode: l2, model_name_pairs: [[Student, Teacher]], key: backbone_out}"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a small project whose student learns from a frozen teacher."""
    made = make_project(tmp_path_factory.mktemp("distillation") / "p")
    text = made.config.read_text(encoding="utf-8")
    start, end = text.index("Architecture:"), text.index("Train:")
    sections = (
        "Architecture:\n  name: DistillationModel\n  algorithm: Distillation\n  model_type: rec\n  Models:\n"
        f"    Teacher: {MODEL}, freeze_params: true}}\n    Student: {MODEL}}}\n"
        f"Loss:\n  name: CombinedLoss\n  loss_config_list:\n  {LOSSES}\n"
        "PostProcess: {name: DistillationCTCLabelDecode, model_name: [Student, Teacher], key: head_out}\n"
        "Metric: {name: DistillationMetric, base_metric_name: RecMetric, main_indicator: acc, key: Student}\n"
    )
    made.config.write_text(text[:start] + sections + text[end:], encoding="utf-8")
    train(load_config(made.config, ["Global.epoch_num=2"]))
    return made


def arrays(folder: Path, name: str = "latest") -> dict[str, np.ndarray]:
    return {k: v for k, v in load_checkpoint(folder / name).params.items() if isinstance(v, np.ndarray)}


def test_a_resumed_run_equals_an_uninterrupted_one_and_the_teacher_never_changes(project: Project) -> None:
    whole = arrays(project.out)
    out = project.folder / "halves"
    options = [f"Global.save_model_dir={out}"]
    first = load_config(project.config, [*options, "Global.epoch_num=1", "Optimizer.lr.name=Const"])
    whole_const = project.folder / "whole"
    train(
        load_config(
            project.config, [f"Global.save_model_dir={whole_const}", "Global.epoch_num=2", "Optimizer.lr.name=Const"]
        )
    )
    train(first)
    half = arrays(out)
    again = ["Global.epoch_num=2", "Optimizer.lr.name=Const", f"Global.checkpoints={out}/latest"]
    train(load_config(project.config, [*options, *again]))
    for name, value in arrays(whole_const).items():
        np.testing.assert_array_equal(arrays(out)[name], value, err_msg=name)
    teacher = [name for name in whole if name.startswith("Teacher.")]
    assert teacher and all(np.array_equal(half[name], arrays(out)[name]) for name in teacher)
    assert any(not np.array_equal(half[name], arrays(out)[name]) for name in half if name.startswith("Student."))


def test_the_scores_of_both_are_told_and_the_student_decides(project: Project) -> None:
    cfg = load_config(project.config, [f"Global.checkpoints={project.out}/latest"])
    found = evaluate_weights(cfg)
    assert found.main_indicator == "acc" and {"acc", "Teacher_acc"} <= set(found.metrics)


def test_the_exported_student_knows_nothing_of_its_teacher(project: Project) -> None:
    cfg = load_config(project.config, [f"Global.checkpoints={project.out}/latest"])
    folder = export_weights(cfg)
    assert sorted(p.name for p in folder.iterdir()) == ["Student"]
    text = (folder / "Student" / "inference.yml").read_text(encoding="utf-8")
    assert "CTCLabelDecode" in text and "Distillation" not in text and "Teacher" not in text
    images = sorted(map(str, (project.folder / "images").iterdir()))
    exported = [p.result for p in Predictor.from_folder(folder / "Student").predict(images)]
    shown = infer(
        load_config(project.config, [f"Global.checkpoints={project.out}/latest", f"Global.infer_img={images[0]}"])
    )
    assert shown[0].result.text == exported[0].text
    assert all(isinstance(result, Recognition) for result in exported)


def test_a_teacher_starts_from_weights_of_its_own(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    teacher = arrays(project.out)
    single = project.folder / "single.pdparams"
    paddle.save({n.removeprefix("Student."): v for n, v in teacher.items() if n.startswith("Student.")}, str(single))
    out = project.folder / "taught"
    options = [f"Global.save_model_dir={out}", f"Architecture.Models.Teacher.pretrained={single}"]
    train(load_config(project.config, options))
    for name, value in arrays(out).items():
        if name.startswith("Teacher."):
            np.testing.assert_array_equal(value, teacher["Student." + name.removeprefix("Teacher.")], err_msg=name)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        (
            ["Architecture.Models.Teacher.pretrained=nowhere/x"],
            CheckpointError,
            "Architecture.Models.Teacher.pretrained",
        ),
        (["Architecture.freeze_params=true"], ConfigError, "Architecture.freeze_params: unknown key"),
        (["Architecture.Models.Teacher.Backbone.chanels=[1]"], ConfigError, "did you mean channels?"),
        (
            ["Metric={name: RecMetric}"],
            ConfigError,
            "RecMetric takes results of one model, DistillationCTCLabelDecode gives those of several",
        ),
        (["PostProcess.model_name=[Pupil]"], ConfigError, "needs 'Pupil.ctc'"),
        (["Architecture.Models={}"], ConfigError, "expected the sections of networks by name"),
    ],
)
def test_mistakes_are_told(project: Project, options: list[str], error: type, said: str) -> None:
    with pytest.raises(error) as told:
        train(load_config(project.config, [f"Global.save_model_dir={project.folder}/mistake", *options]))
    assert said in str(told.value)


@pytest.mark.parametrize("case", load("postprocess/DistillationCTCLabelDecode.json")["cases"])
def test_decoding_equals_the_reference(case: dict) -> None:
    sequences = np.array(case["sequences"])
    preds = np.full((*sequences.shape, 37), 0.01, np.float32)
    for b, row in enumerate(sequences):
        for t, token in enumerate(row):
            preds[b, t, token] = 0.5 + 0.05 * ((7 * b + 3 * t) % 10)
    decode = POSTPROCESSES.build({"name": "DistillationCTCLabelDecode", **case["args"]})
    found = decode({"Student.ctc": preds, "Teacher.ctc": preds})
    for model, expected in case["result"].items():
        assert [each.by_model[model].text for each in found] == [text for text, _ in expected]
        np.testing.assert_allclose(
            [each.by_model[model].confidence for each in found], [c for _, c in expected], rtol=1e-6
        )
    assert isinstance(decode, DistillationCTCLabelDecode) and type(decode.for_model("Student")) is CTCLabelDecode


def test_scores_equal_the_reference_and_processes_add_up() -> None:
    (case,) = load("metrics/DistillationMetric.json")["cases"]
    results, labels = case["preds"], [text for text, _ in case["preds"]["Student"][1]]
    each = [
        OfModels({model: Recognition(*pairs[0][i]) for model, pairs in results.items()}) for i in range(len(labels))
    ]
    whole = DistillationMetric("Student")
    whole(each, {"text": labels})
    scores = whole.get_metric()
    assert {k: scores[k] for k in case["result"]} == pytest.approx(case["result"], abs=1e-5)
    parts = [DistillationMetric("Student") for _ in each]
    for metric, result, label in zip(parts, each, labels):
        metric([result], {"text": [label]})
    merged = DistillationMetric("Student")
    merged.merge([metric.state() for metric in parts])
    assert merged.get_metric() == scores
