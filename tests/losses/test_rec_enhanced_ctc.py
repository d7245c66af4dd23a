"""CTC with ACE and centre losses equals the reference."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.codecs.context import Codecs
from ppocr.codecs.ctc import CTCCodec
from ppocr.errors import ConfigError
from ppocr.losses.combined import CombinedLoss
from ppocr.losses.rec_ctc import CTCLoss
from ppocr.losses.rec_enhanced_ctc import ACELoss, CenterLoss, EnhancedCTCLoss
from tests.conformance import load
from tests.losses.test_rec_attention import cases, tensor

CTC = CTCCodec.of_size(12)


def batch_of(case: dict) -> dict:
    """Return the batch of a case by our names."""
    values = dict(zip(("label", "length", "label_ace"), case["batch"][1:]))
    return {key: paddle.to_tensor(value["literal"]) for key, value in values.items()}


@pytest.mark.parametrize("case", cases("EnhancedCTCLoss"))
def test_sum_equals_the_reference(case: dict) -> None:
    loss = EnhancedCTCLoss(CTC, **case["args"])
    found = loss({"ctc": tensor(case, "logits")}, batch_of(case))
    # upstream gives one number a sample where ACE is added; ours is their mean
    assert float(found["loss"]) == pytest.approx(np.mean(case["outputs"]["enhanced_ctc_loss"]), rel=1e-4)


@pytest.mark.parametrize("case", cases("ACELoss"))
def test_ace_equals_the_reference(case: dict) -> None:
    batch = batch_of(case)
    want = np.ravel(case["outputs"]["loss_ace"])
    found = ACELoss(CTC).per_sample(tensor(case, "logits"), batch["label_ace"], batch["length"])
    np.testing.assert_allclose(found.numpy(), want, rtol=1e-4)
    assert float(ACELoss(CTC)({"ctc": tensor(case, "logits")}, batch)["loss"]) == pytest.approx(want.mean(), rel=1e-4)


@pytest.mark.parametrize("case", cases("CenterLoss"))
def test_centres_equal_the_reference(case: dict, tmp_path) -> None:
    np.save(tmp_path / "centers.npy", tensor(case, "centers").numpy())
    loss = CenterLoss(**case["args"], center_file_path=str(tmp_path / "centers.npy"))
    preds = {"ctc_neck": tensor(case, "feat"), "ctc": tensor(case, "logits")}
    assert float(loss(preds, {})["loss"]) == pytest.approx(case["outputs"]["loss_center"], rel=1e-4)
    # upstream cannot build this one
    whole = EnhancedCTCLoss(CTC, use_center_loss=True, num_classes=12, feat_dim=6)
    assert whole.requires == ("ctc", "ctc_neck") and whole.needs == ("label", "length")
    reference = load("losses/EnhancedCTCLoss.json")["cases"][0]
    found = whole(preds, batch_of(reference))
    assert float(found["loss"]) == pytest.approx(float(found["CTCLoss"] + found["CenterLoss"]), rel=1e-6)


def test_centres_of_another_shape() -> None:
    with pytest.raises(ConfigError, match="is no .npy file"):
        CenterLoss(12, 6, center_file_path="absent.npy")


def test_combined_losses_are_weighted() -> None:
    options = {"num_classes": 12, "feat_dim": 6}
    loss = CombinedLoss(Codecs(), [{"CTCLoss": {"weight": 2.0}}, {"CenterLoss": {"weight": 0.5, **options}}])
    case = load("losses/CenterLoss.json")["cases"][0]
    preds = {"ctc_neck": tensor(case, "feat"), "ctc": tensor(case, "logits")}
    batch = batch_of(load("losses/EnhancedCTCLoss.json")["cases"][0])
    assert loss.requires == ("ctc", "ctc_neck") and loss.needs == ("label", "length")
    found = loss(preds, batch)
    want = 2 * CTCLoss(CTC)(preds, batch)["loss"] + 0.5 * CenterLoss(**options)(preds, batch)["loss"].astype("float32")
    assert float(found["loss"]) == pytest.approx(float(want), rel=1e-6)
    assert set(found) == {"loss", "CTCLoss_0", "CenterLoss_1"}
    with pytest.raises(ConfigError, match="it names no loss"):
        CombinedLoss(Codecs(), [])
