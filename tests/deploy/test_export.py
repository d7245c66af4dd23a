"""The exported model is the trained model, in both IRs, or there is no exported model."""

from __future__ import annotations

import shutil

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.deploy import export as export_module
from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.export import export, fuse, input_specs
from ppocr.deploy.inference_config import load
from ppocr.deploy.model_files import find_program
from ppocr.deploy.trial_inputs import random_inputs
from ppocr.errors import CheckpointError, ConfigError, PpocrError
from ppocr.modeling.architectures.base import Architecture
from tests.deploy.parts import CHARACTERS, small_project, with_other_weights

NEW_IR = ["inference.json", "inference.pdiparams", "inference.yml"]
OLD_IR = ["inference.pdiparams", "inference.pdiparams.info", "inference.pdmodel", "inference.yml"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A recogniser with a recurrent neck and random weights."""
    return small_project(tmp_path_factory.mktemp("project") / "p")


@pytest.fixture(scope="module")
def exported(project, tmp_path_factory):
    """The recogniser exported in both IRs: folders by the name of the IR."""
    folders = {ir: tmp_path_factory.mktemp(ir) for ir in ("new", "old")}
    for ir, folder in folders.items():
        assert export(project.task, project.cfg, folder, ir) <= 1e-4
    return folders


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("ir", "files"), [("new", NEW_IR), ("old", OLD_IR)])
def test_exported_equals_trained(project, exported, ir, files):
    folder = exported[ir]
    assert names(folder) == files
    config = load(folder)
    trained, exported = DygraphBackend(project.task.model, ["ctc"]), PaddleBackend(folder, config.outputs)
    for width in (40, 100, 333):
        alone, together = (random_inputs(config.inputs, batch, width, seed=1) for batch in (1, 5))
        for inputs in (alone, together):
            expected = trained.run(inputs)["ctc"]
            assert np.abs(exported.run(inputs)["ctc"] - expected).max() <= 1e-4
            assert expected.shape[-1] == len(CHARACTERS) + 2
        one = exported.run({"x": together["x"][2:3]})["ctc"]
        assert np.abs(exported.run(together)["ctc"][2:3] - one).max() <= 1e-5


def test_inference_yml_is_what_runtimes_read(project, tmp_path):
    export(project.task, project.cfg, tmp_path / "my_model")
    config = load(tmp_path / "my_model")
    assert config.model_name == "my_model"
    assert config.transforms == [
        {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
        {"RecResizeImg": {"image_shape": [3, 32, 100], "eval_mode": True}},
        {"KeepKeys": {"keep_keys": ["image"]}},
    ]
    evaluation = [next(iter(spec.items())) for spec in config.evaluation]
    assert evaluation[1] == ("RecResizeImg", {"image_shape": [3, 32, 100]})
    assert config.postprocess["name"] == "CTCLabelDecode"
    assert config.characters == list(CHARACTERS)
    assert config.inputs[0].shape == (-1, 3, 32, -1)
    assert config.outputs == ("ctc",)
    assert config.made_by.startswith("ppocr ")
    export(project.task, project.cfg, tmp_path / "my_model", "old")
    assert names(tmp_path / "my_model") == OLD_IR, "one IR replaces the other"


def test_a_difference_leaves_the_earlier_export_alone(project, exported, tmp_path, monkeypatch):
    shutil.copytree(exported["new"], tmp_path, dirs_exist_ok=True)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(export_module, "fuse", lambda model: with_other_weights(model, 1.0))
    with pytest.raises(PpocrError, match="differs from the trained one"):
        export(project.task, project.cfg, tmp_path, "old")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_training_goes_on_after_an_export(project, tmp_path):
    export(project.task, project.cfg, tmp_path, "old")
    model = project.task.model
    model.train()
    try:
        preds = model(paddle.rand([2, 3, 32, 100]), {})
        next(v for v in preds.values() if isinstance(v, paddle.Tensor)).mean().backward()
        assert any(p.grad is not None for p in model.parameters())
    finally:
        model.clear_gradients()
        model.eval()


def test_a_folder_that_cannot_be_written(project, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PpocrError, match="cannot be written"):
        export(project.task, project.cfg, tmp_path / "file" / "below")


def test_unknown_ir(project, tmp_path):
    with pytest.raises(ConfigError, match="neither new nor old"):
        export(project.task, project.cfg, tmp_path, "both")
    assert names(tmp_path) == []


class Fusable(nn.Layer):
    """Two branches that become one."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2D(3, 4, 1), nn.Conv2D(3, 4, 1)
        self.fused = None

    def forward(self, x):
        return self.fused(x) if self.fused is not None else self.a(x) + self.b(x)

    def fuse(self) -> None:
        self.fused = nn.Conv2D(3, 4, 1)
        self.fused.weight.set_value(self.a.weight + self.b.weight)
        self.fused.bias.set_value(self.a.bias + self.b.bias)
        del self.a, self.b


def test_fusing_spares_the_trained_model():
    model = nn.Sequential(Fusable())
    x = paddle.rand([1, 3, 4, 4])
    expected = model(x)
    fused = fuse(model)
    assert fused[0].fused is not None and model[0].fused is None
    assert np.abs((fused(x) - expected).numpy()).max() < 1e-5


def test_a_fixed_size_layer_narrows_the_input(project):
    pipeline = project.task.eval_pipeline.for_inference()
    model = Architecture()
    assert input_specs(pipeline, model)[0].shape == (-1, 3, 32, -1)
    model.fixed_size = True
    assert input_specs(pipeline, model)[0].shape == (-1, 3, 32, 100)


@pytest.mark.parametrize("ir", ["new", "old"])
def test_one_dnn_is_used_on_request_only(exported, ir):
    default, asked = PaddleBackend(exported[ir]), PaddleBackend(exported[ir], options=RuntimeOptions(mkldnn=True))
    assert not default.mkldnn and asked.mkldnn
    inputs = {"x": np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 100)).astype(np.float32)}
    expected, found = default.run(inputs), asked.run(inputs)
    assert all(np.allclose(e, f, atol=1e-3) for e, f in zip(expected.values(), found.values()))


@pytest.mark.skipif(paddle.is_compiled_with_cuda(), reason="this paddle has CUDA")
def test_gpu_on_a_cpu_build_is_refused(exported):
    with pytest.raises(PpocrError, match="CPU only"):
        PaddleBackend(exported["new"], options=RuntimeOptions(use_gpu=True))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="no such folder"):
        find_program(tmp_path / "none")
    (tmp_path / "inference.pdiparams").write_bytes(b"")
    with pytest.raises(CheckpointError, match="found inference.pdiparams"):
        find_program(tmp_path)


def test_a_missing_input_is_named(exported):
    with pytest.raises(PpocrError, match="input x is not given"):
        PaddleBackend(exported["new"]).run({})


def test_onnx_files_that_cannot_be_read(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(CheckpointError, match="no such file"):
        OnnxBackend(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"bad")
    with pytest.raises(CheckpointError, match="cannot load it"):
        OnnxBackend(tmp_path / "bad.onnx")
