"""Several networks in one: names of the reference, flat predictions, frozen teachers."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.modeling.architectures import build_model
from ppocr.predictions import select
from tests.conformance import load
from tests.conformance.networks import build as filled
from tests.conformance.networks import check_names, image

NETWORKS = (
    "det__ch_PP-OCRv2_det_cml",
    "det__ch_PP-OCRv2_det_distill",
    "det__ch_PP-OCRv2_det_dml",
    "rec__ch_PP-OCRv2_rec_distillation",
)
CONV = {"name": "PlainConvNet", "channels": [4, 4, 8, 8]}
NECK = {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 6}
LINE = {"model_type": "rec", "Backbone": CONV, "Neck": NECK, "Head": {"name": "CTCHead", "out_channels": 5}}


def network(**models: dict[str, Any]) -> Any:
    sections = {name: {**LINE, **options} for name, options in models.items()}
    return build_model({"name": "DistillationModel", "model_type": "rec", "Models": sections})


def values(model: Any) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_names_and_outputs_equal_the_reference(name: str) -> None:
    reference = load(f"models/{name}.json")
    model = filled(reference)
    check_names(model, {**reference, "n_params": sum(p.size for p in model.parameters())})
    model.eval()
    with paddle.no_grad():
        preds = model(image(reference))
    for output, expected in reference["eval_outputs"].items():
        found = preds[output.removeprefix("model.")].numpy()
        assert list(found.shape) == expected["shape"]
        assert float(found.mean()) == pytest.approx(expected["mean"], rel=1e-3, abs=1e-4)
        picked = np.ravel(found)[np.random.RandomState(11).randint(0, found.size, 32)]
        np.testing.assert_allclose(picked, expected["samples"], rtol=1e-3, atol=1e-4 * max(1, expected["absmax"]))


def test_predictions_are_flat_and_one_models_view_can_be_selected() -> None:
    model = network(Student={"return_all_feats": True}, Teacher={})
    preds = model(paddle.zeros([1, 3, 32, 32]))
    assert set(preds) == {*(f"Student.{k}" for k in ("backbone_out", "neck_out", "head_out", "ctc")), "Teacher.ctc"}
    assert set(select(preds, "Student")) == {"backbone_out", "neck_out", "head_out", "ctc"}
    assert set(model.outputs) == set(preds)


def test_a_frozen_network_keeps_every_bit_while_its_head_gives_what_training_reads() -> None:
    frozen = {"freeze_params": True, "Backbone": {"name": "MobileNetV3", "scale": 0.5, "model_name": "small"}}
    model = network(Student={}, Teacher=frozen)
    before = values(model.Teacher)
    student = values(model.Student)
    optimizer = paddle.optimizer.Adam(0.1, parameters=[p for p in model.parameters() if not p.stop_gradient])
    for _ in range(2):
        model.train()
        preds = model(paddle.rand([2, 3, 32, 64]))
        assert preds["Teacher.ctc"].stop_gradient
        ((preds["Student.ctc"] - preds["Teacher.ctc"]) ** 2).mean().backward()
        optimizer.step()
        optimizer.clear_grad()
        model.eval()
        model.train()
    for name, value in values(model.Teacher).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    assert any(not np.array_equal(value, student[name]) for name, value in values(model.Student).items())
    assert list(model.exportables()) == ["Student"] and list(model.models()) == ["Student", "Teacher"]
    # training gives logits, evaluation probabilities
    assert float(preds["Teacher.ctc"].sum(axis=-1).mean()) != pytest.approx(1.0, abs=1e-3)


def test_an_error_in_a_models_section_names_it() -> None:
    with pytest.raises(ConfigError, match=r"Architecture\.Models\.Teacher\.Head: .*out_channels"):
        network(Student={}, Teacher={"Head": {"name": "CTCHead"}})
