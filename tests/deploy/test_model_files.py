"""Which files make a model, and what an ONNX file says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.deploy.inference_config import load_model_config, load_or_assume, result_type
from ppocr.deploy.model_files import find_model
from ppocr.deploy.onnx_graph import read_graph
from ppocr.deploy.predictor import Predictor
from ppocr.errors import CheckpointError, ConfigError
from ppocr.results import Classification, Detection, Recognition
from tests.deploy.onnx_models import CHARACTERS, OPSET, save_cls, save_det, save_rec

ONNX = RuntimeOptions(backend="onnxruntime", cpu_threads=1)
IMAGE = np.random.default_rng(0).integers(0, 255, (32, 90, 3)).astype(np.uint8)


def test_an_onnx_file_says_what_it_is(tmp_path):
    graph = read_graph(save_rec(tmp_path / "rec.onnx"))
    assert graph.kind == "rec" and graph.characters == list(CHARACTERS) and graph.opset == OPSET
    assert graph.inputs[0].name == "x" and graph.inputs[0].shape == (-1, 3, 32, -1)
    assert result_type(save_det(tmp_path / "det.onnx")) is Detection
    assert result_type(save_cls(tmp_path / "cls.onnx")) is Classification
    assert result_type(save_det(tmp_path / "maps.onnx", maps=3)) is None


def test_a_bare_recogniser_reads_by_its_metadata(tmp_path):
    predictor = Predictor.from_folder(save_rec(tmp_path / "rec.onnx"), ONNX)
    result = predictor.predict([IMAGE])[0].result
    assert result.text and set(result.text) <= set(CHARACTERS + " ")
    assert predictor.pipeline.output_shape()[:2] == (3, 32)


def test_bare_detectors_and_classifiers_work(tmp_path):
    assert isinstance(Predictor.from_folder(save_det(tmp_path / "d.onnx"), ONNX).predict([IMAGE])[0].result, Detection)
    labels = ["0", "90", "180", "270"]
    classifier = Predictor.from_folder(save_cls(tmp_path / "c.onnx", labels), ONNX)
    assert classifier.predict([IMAGE])[0].result.label in labels
    plain = Predictor.from_folder(save_cls(tmp_path / "plain.onnx"), ONNX)
    assert plain.predict([IMAGE])[0].result.label in ("0", "180")


def test_paddle_by_default_leaves_onnx_files_to_other_engines(tmp_path, caplog):
    caplog.set_level("INFO")
    Predictor.from_folder(save_rec(tmp_path / "rec.onnx"))
    assert "which Paddle does not run" in caplog.text


def test_a_folder_with_onnx_and_settings(tmp_path):
    config = load_model_config(save_rec(tmp_path / "bare" / "rec.onnx"))
    save_rec(tmp_path / "folder" / "inference.onnx", characters=None)
    config.outputs = ("ctc",)
    config.dump(tmp_path / "folder" / "inference.yml")
    for path in (tmp_path / "folder", tmp_path / "folder" / "inference.onnx"):
        assert result_type(path) is Recognition
        predictor = Predictor.from_folder(path, ONNX)
        assert predictor.postprocess.codec.num_outputs == len(CHARACTERS) + 2
        assert predictor.predict([IMAGE])[0].result.text


def test_a_recogniser_without_a_dictionary(tmp_path):
    path = save_rec(tmp_path / "rec.onnx", characters=None)
    with pytest.raises(ConfigError, match="has no dictionary"):
        Predictor.from_folder(path, ONNX)
    assert load_or_assume(path, Recognition)[1] == ("rec_char_dict_path",)


def test_another_dictionary_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="18 classes, the dictionary makes 5"):
        Predictor.from_folder(save_rec(tmp_path / "rec.onnx", characters="abc"), ONNX)


def test_models_of_another_task_are_refused(tmp_path):
    det, rec, maps = save_det(tmp_path / "d.onnx"), save_rec(tmp_path / "r.onnx"), save_det(tmp_path / "m.onnx", 3)
    with pytest.raises(ConfigError, match="d.onnx: gives .* wanted"):
        load_or_assume(det, Recognition)
    with pytest.raises(ConfigError, match="r.onnx: gives texts of lines; .* are wanted"):
        load_or_assume(rec, Detection)
    with pytest.raises(ConfigError, match="m.onnx: neither recogniser, detector nor classifier"):
        Predictor.from_folder(maps, ONNX)


def test_what_is_no_model_is_named_in_one_line(tmp_path):
    whole = save_rec(tmp_path / "whole.onnx").read_bytes()
    for content in (b"", b"not an onnx file at all", whole[:200], whole[: len(whole) // 2]):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"bad.onnx: (damaged|not an ONNX model)") as caught:
            Predictor.from_folder(tmp_path / "bad.onnx", ONNX)
        assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="none.onnx: no such file"):
        find_model(tmp_path / "none.onnx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="found nothing"):
        find_model(tmp_path / "empty")
