"""The classifier's loss equals the reference."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.losses.cls import ClsLoss
from tests.conformance import load, stream

CASES = load("losses/ClsLoss.json")["cases"]


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_loss_equals_the_reference(case: dict) -> None:
    rule = case["inputs"]["logits"]
    scores = stream(f"{case['name']}/logits").standard_normal(rule["shape"]) * rule["scale"]
    if rule.get("post") == "softmax":
        scores = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    batch = {"label": paddle.to_tensor(np.array(case["batch"][1]["literal"], np.int64))}
    loss = ClsLoss(**case["args"])({"cls": paddle.to_tensor(scores.astype(np.float32))}, batch)["loss"]
    assert float(loss) == pytest.approx(case["outputs"]["loss"], rel=1e-4)
