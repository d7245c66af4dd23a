"""The losses of attention decoders, alone and beside CTC, equal the reference."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.codecs.context import Codecs
from ppocr.codecs.sar import SARCodec
from ppocr.errors import ConfigError
from ppocr.losses.rec_multi import MultiLoss
from ppocr.losses.rec_sar import SARLoss
from ppocr.registry import LOSSES
from tests.conformance import load, stream


def tensor(case: dict, key: str) -> paddle.Tensor:
    """Return a tensor of a case by its rule."""
    rule = case["inputs"][key]
    values = stream(f"{case['name']}/{key}").standard_normal(rule["shape"]) * rule.get("scale", 1.0)
    return paddle.to_tensor(values.astype(rule["dtype"]))


def cases(name: str) -> list:
    return [pytest.param(case, id=case["name"]) for case in load(f"losses/{name}.json")["cases"]]


@pytest.mark.parametrize("case", [*cases("SARLoss"), *cases("NRTRLoss")])
def test_loss_equals_the_reference(case: dict) -> None:
    loss = LOSSES.build({"name": case["loss"], **case["args"]})
    batch = {"label": paddle.to_tensor(case["batch"][1]["literal"])}
    found = loss({loss.requires[0]: tensor(case, "logits")}, batch)
    assert float(found["loss"]) == pytest.approx(case["outputs"]["loss"], rel=1e-4)


@pytest.mark.parametrize("case", cases("MultiLoss"))
def test_sum_equals_the_reference(case: dict) -> None:
    loss = LOSSES.build({"name": "MultiLoss", **case["args"]})
    auxiliary = loss.requires[1]
    preds = {key: tensor(case, key) for key in ("ctc", auxiliary)}
    values = {"label_ctc": case["batch"][1], f"label_{auxiliary}": case["batch"][2], "length": case["batch"][3]}
    assert loss.needs == tuple(values)
    found = loss(preds, {key: paddle.to_tensor(value["literal"]) for key, value in values.items()})
    assert {k: float(v) for k, v in found.items()} == pytest.approx(case["outputs"], rel=1e-4)


def test_padding_is_the_class_that_is_never_predicted() -> None:
    # as in training: a head for 5 classes of which the last, padding, has no score
    label = np.array([[3, 1, 3, 4, 4], [3, 0, 2, 3, 4]])
    scores = paddle.to_tensor(np.random.RandomState(0).randn(2, 5, 4).astype(np.float32), stop_gradient=False)
    loss = SARLoss(SARCodec.of_size(5))({"sar": scores}, {"label": paddle.to_tensor(label)})["loss"]
    logs = np.log(np.exp(scores.numpy()) / np.exp(scores.numpy()).sum(-1, keepdims=True))
    want = [logs[0, 0, 1], logs[0, 1, 3], logs[1, 0, 0], logs[1, 1, 2], logs[1, 2, 3]]
    assert float(loss) == pytest.approx(-np.mean(want), rel=1e-5)
    loss.backward()
    assert np.abs(scores.grad.numpy()[0, 2:]).max() == 0


def test_unknown_loss() -> None:
    with pytest.raises(ConfigError, match="unknown loss 'AttentionLoss'"):
        MultiLoss(Codecs(), [{"CTCLoss": None}, {"AttentionLoss": None}])
    inside = MultiLoss.unknown_inside({"loss_config_list": [{"CTCLoss": {"focal": True}}, {"NRTRLos": None}]})
    assert [place for place, *_ in inside] == [
        ("loss_config_list", 0, "CTCLoss", "focal"),
        ("loss_config_list", 1, "NRTRLos"),
    ]
