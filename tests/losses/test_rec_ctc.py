"""CTC loss equals the reference, and its gradient reaches the scores."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.codecs.ctc import CTCCodec
from ppocr.losses.rec_ctc import CTCLoss
from tests.conformance import load, stream

CTC = CTCCodec.of_size(12)
CASES = load("losses/CTCLoss.json")["cases"]


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_loss_equals_the_reference(case: dict) -> None:
    rule = case["inputs"]["logits"]
    logits = stream(f"{case['name']}/logits").standard_normal(rule["shape"]) * rule["scale"]
    label, length = (np.array(case["batch"][i]["literal"], np.int64) for i in (1, 2))
    batch = {"label": paddle.to_tensor(label), "length": paddle.to_tensor(length)}
    loss = CTCLoss(CTC, **case["args"])({"ctc": paddle.to_tensor(logits.astype(np.float32))}, batch)["loss"]
    assert float(loss) == pytest.approx(case["outputs"]["loss"], rel=1e-4)


def test_gradient_flows() -> None:
    scores = paddle.to_tensor(np.random.RandomState(0).randn(2, 8, 5).astype(np.float32), stop_gradient=False)
    batch = {"label": paddle.to_tensor([[1, 2], [3, 0]]), "length": paddle.to_tensor([2, 1])}
    CTCLoss(CTC)({"ctc": scores}, batch)["loss"].backward()
    assert np.abs(scores.grad.numpy()).sum(axis=(1, 2)).min() > 0
