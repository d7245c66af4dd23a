"""Exported folders become ONNX: equal to Paddle, with their classes in the metadata, or refused by name."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.backends.base import BackendName, RuntimeOptions
from ppocr.deploy.export import export
from ppocr.deploy.from_weights import export_weights
from ppocr.deploy.inference_config import load
from ppocr.deploy.onnx import PYTHON, NotConvertible, convert, trial_batches
from ppocr.deploy.onnx_graph import read_graph
from ppocr.deploy.onnx_worker import operators, with_float32_scales, without_converter
from ppocr.deploy.predictor import Predictor
from ppocr.engine.start import trained_task
from ppocr.errors import CheckpointError, PpocrError
from tests.deploy.kinds import MAKERS, Kind

slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of each test's own."""
    monkeypatch.setenv("PPOCR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kind]:
    """Models of each kind, made once."""
    kinds: dict[str, Kind] = {}

    def get(kind: str) -> Kind:
        if kind not in kinds:
            kinds[kind] = MAKERS[kind](tmp_path_factory.mktemp(kind) / "p")
        return kinds[kind]

    return get


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def decisions(folder: Path, images: list[Path], backend: BackendName) -> list[object]:
    predictor = Predictor.from_folder(folder, RuntimeOptions(backend=backend, cpu_threads=1))
    return [prediction.result.decision for prediction in predictor.predict(images)]


@slow
@pytest.mark.parametrize("kind", MAKERS)
def test_engines_read_the_converted_model_as_paddle_does(kind, made, tmp_path, paddle2onnx_python):
    model = made(kind)
    folder = copied(model.exported, tmp_path / "model")
    target = convert(folder, paddle2onnx_python)
    graph = read_graph(target)
    assert target == folder / "inference.onnx" and graph.kind == kind and graph.opset >= 11
    postprocess = load(folder).postprocess
    assert graph.characters == (postprocess.get("character_dict") or postprocess.get("label_list"))
    if graph.characters:
        assert graph.metadata["num_classes"] == str(next(iter(graph.outputs.values()))[-1])
    expected = decisions(model.exported, model.images, "paddle")
    backends: tuple[BackendName, ...] = ("onnxruntime", "openvino", "auto")
    for backend in backends:
        assert decisions(folder, model.images, backend) == expected
    bare = shutil.copy(target, tmp_path / "bare.onnx")  # its metadata alone make it run
    if kind == "rec":
        assert Predictor.from_folder(bare).postprocess.codec.num_outputs == int(graph.metadata["num_classes"])


@slow
def test_the_old_ir_converts_too(made, tmp_path, paddle2onnx_python):
    model = made("det")
    cfg = load_config(model.config, [f"Global.pretrained_model={model.weights}"])
    export(trained_task(cfg, "infer"), cfg, tmp_path / "old", "old")
    expected = decisions(tmp_path / "old", model.images, "paddle")
    assert decisions(tmp_path / "old", model.images, "openvino") == expected  # which reads it as it is
    convert(tmp_path / "old", paddle2onnx_python)
    assert decisions(tmp_path / "old", model.images, "onnxruntime") == expected


@slow
def test_a_model_is_converted_once_into_the_cache(made, cache, paddle2onnx_python, monkeypatch):
    model = made("rec")
    monkeypatch.setenv(PYTHON, paddle2onnx_python)
    expected = decisions(model.exported, model.images, "paddle")
    assert decisions(model.exported, model.images, "openvino") == expected
    monkeypatch.setenv(PYTHON, "/none")
    assert decisions(model.exported, model.images, "onnxruntime") == expected
    assert len(list((cache / "onnx").iterdir())) == 1 and not (model.exported / "inference.onnx").exists()


class Products(paddle.nn.Layer):
    """What paddle2onnx has no converter for."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = paddle.nn.Linear(3, 2)

    def forward(self, image: paddle.Tensor) -> paddle.Tensor:
        return paddle.nn.functional.softmax(self.fc(paddle.cumprod(image.mean([2, 3]), dim=1)))


@slow
def test_an_operator_that_cannot_be_converted_is_named(made, tmp_path, paddle2onnx_python, monkeypatch, caplog):
    config = load(made("cls").exported)
    spec = paddle.static.InputSpec(list(config.inputs[0].shape), "float32", name="x")
    program = paddle.jit.to_static(Products(), input_spec=[spec], full_graph=True)
    paddle.jit.save(program, str(tmp_path / "model" / "inference"))
    config.dump(tmp_path / "model" / "inference.yml")
    with pytest.raises(
        NotConvertible, match="model: cannot be converted to ONNX: paddle2onnx has no cumprod"
    ) as caught:
        convert(tmp_path / "model", paddle2onnx_python)
    assert "\n" not in str(caught.value) and not (tmp_path / "model" / "inference.onnx").exists()
    monkeypatch.setenv(PYTHON, paddle2onnx_python)
    images = made("cls").images
    expected = decisions(tmp_path / "model", images, "paddle")
    for python in (paddle2onnx_python, "/none"):  # the second time it is known
        monkeypatch.setenv(PYTHON, python)
        caplog.clear()
        assert decisions(tmp_path / "model", images, "openvino") == expected
        assert "has no cumprod; run by Paddle" in caplog.text


@slow
def test_export_writes_onnx_too(made, tmp_path, paddle2onnx_python, monkeypatch):
    model = made("rec")
    monkeypatch.setenv(PYTHON, paddle2onnx_python)
    options = [f"Global.pretrained_model={model.weights}", f"Global.save_inference_dir={tmp_path}/exported"]
    export_weights(load_config(model.config, [*options, "Global.export_onnx=true"]))
    assert read_graph(tmp_path / "exported" / "inference.onnx").kind == "rec"


def test_an_export_leaves_no_older_onnx_file(made, tmp_path):
    model = made("rec")
    (tmp_path / "inference.onnx").write_bytes(b"older")
    cfg = load_config(model.config, [f"Global.pretrained_model={model.weights}"])
    export(trained_task(cfg, "infer"), cfg, tmp_path)
    assert not (tmp_path / "inference.onnx").exists()


def test_what_is_missing_is_named(made, tmp_path, monkeypatch):
    monkeypatch.delenv(PYTHON, raising=False)
    folder = made("cls").exported
    with pytest.raises(PpocrError, match="needs paddle2onnx|cannot be run|has no paddle2onnx"):
        convert(folder, None if "paddle2onnx" not in sys.modules else "/none")
    with pytest.raises(PpocrError, match="/none: cannot be run"):
        convert(folder, "/none")
    (tmp_path / "inference.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match="no Paddle program"):
        convert(tmp_path)


def test_a_result_that_differs_is_not_kept(made, tmp_path):
    """The interpreter here writes another model in the worker's place."""
    from tests.deploy.onnx_models import CHARACTERS, save_rec

    folder = copied(made("rec").exported, tmp_path / "model")
    other = save_rec(tmp_path / "other.onnx")
    assert load(folder).characters == list(CHARACTERS)
    script = tmp_path / "python"
    worker = Path(convert.__code__.co_filename).with_name("onnx_worker.py")
    script.write_text(
        f"#!{sys.executable}\nimport shutil, sys\nsys.path.insert(0, {str(worker.parent)!r})\n"
        "from pathlib import Path\nimport onnx_worker\n"
        f"shutil.copy({str(other)!r}, sys.argv[4] + '/model.onnx')\n"
        "onnx_worker.run(*map(Path, sys.argv[2:5]))\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    with pytest.raises(NotConvertible, match="gives other outputs, by .*; nothing was written"):
        convert(folder, script)
    assert not (folder / "inference.onnx").exists()


def test_factors_of_upsampling_become_float32():
    number = {"#": "0.a_f64", "D": 2.0}
    operator = {"#": "1.nearest_interp", "I": [], "A": [{"N": "scale", "AT": {"#": "0.a_array", "D": [number] * 2}}]}
    changed = with_float32_scales({"program": [operator]})
    assert changed["program"][0]["A"][0]["AT"]["D"] == [{"#": "0.a_f32", "D": 2.0}] * 2
    assert number["#"] == "0.a_f64" and operators(changed) == {"nearest_interp"}


def test_operators_without_converter_are_found_in_the_library(tmp_path):
    (tmp_path / "library.so").write_bytes(
        b"\0N11paddle2onnx18cumsumPirGeneratorE\0N11paddle2onnx17roundPirGeneratorE\0"
    )
    assert without_converter({"cumsum", "round_", "cumprod", "add"}, tmp_path) == ["cumprod"]
    assert without_converter({"cumprod"}, tmp_path / "none") == []


def test_metadata_survives_onnx(tmp_path):
    """Characters that other programs take for line ends stay one entry each."""
    from tests.deploy.onnx_models import save_rec

    path = save_rec(tmp_path / "rec.onnx", "ab\u2028\x85 ")
    assert read_graph(path).characters == ["a", "b", "\u2028", "\x85", " "]
    assert onnx.load(str(path)).metadata_props[0].key == "character"


def test_random_inputs_are_float32(made):
    batches = trial_batches(load(made("det").exported))
    assert len({batch["x"].shape[2:] for batch in batches}) == 3
    assert all(batch["x"].dtype == np.float32 for batch in batches)


def test_official_files_do_not_say_the_height_and_the_preprocessing_does(made):
    config = load(made("rec").exported)
    height = config.inputs[0].shape[2]
    config.inputs = (replace(config.inputs[0], shape=(-1, 3, -1, -1)),)
    assert height > 0 and {batch["x"].shape[2] for batch in trial_batches(config)} == {height}
    config = load(made("det").exported)
    assert len({batch["x"].shape[2] for batch in trial_batches(config)}) > 1
