"""DBLoss and the losses it is made of equal the reference, and their gradients reach the right pixels."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.losses.det_basic import BalanceLoss, DiceFocalLoss, DiceLoss, MaskedFocalLoss, MaskL1Loss, sum_of_largest
from ppocr.losses.det_db import DBLoss
from ppocr.registry import LOSSES
from tests.conformance import load
from tests.losses.test_distillation import tensor

BASIC = {c.__name__: c for c in (BalanceLoss, DiceFocalLoss, DiceLoss, MaskedFocalLoss, MaskL1Loss)}
BASIC_CASES = [case for name in BASIC for case in load(f"losses/{name}.json")["cases"]]
CASES = load("losses/DBLoss.json")["cases"]
TARGETS = ("image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask")


@pytest.mark.parametrize("case", BASIC_CASES, ids=[c["name"] for c in BASIC_CASES])
def test_basic_loss_equals_the_reference(case: dict) -> None:
    maps = [tensor(case, entry) for entry in case["call"]]
    assert float(BASIC[case["loss"]](**case["args"])(*maps)) == pytest.approx(case["outputs"], rel=1e-4)


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_loss_equals_the_reference(case: dict) -> None:
    preds = {name: tensor(case, entry) for name, entry in case["predicts"].items()}
    batch = {name: tensor(case, entry) for name, entry in zip(TARGETS, case["batch"])}
    found = DBLoss(**case["args"])(preds, batch)
    expected = {name: np.ravel(value)[0] for name, value in case["outputs"].items()}
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, rel=1e-4)
    assert all(value.shape == [] and value.dtype == paddle.float32 for value in found.values())


def batch_of(text: np.ndarray, mask: np.ndarray | None = None) -> dict[str, paddle.Tensor]:
    ones = np.ones_like(text)
    mask = ones if mask is None else mask
    arrays = {"threshold_map": 0.5 * ones, "threshold_mask": text, "shrink_map": text, "shrink_mask": mask}
    return {name: paddle.to_tensor(array.astype(np.float32)) for name, array in arrays.items()}


@pytest.mark.parametrize("main", ["DiceLoss", "BCELoss", "DiceFocalLoss"])
def test_perfect_maps_cost_nothing_and_wrong_ones_do(main: str) -> None:
    text = np.zeros((2, 16, 16), np.float32)
    text[:, 4:8, 4:12] = 1
    right = np.stack([text, np.full_like(text, 0.5), text], axis=1)
    wrong = np.stack([1 - text, np.zeros_like(text), 1 - text], axis=1)
    loss = DBLoss(main_loss_type=main)
    assert float(loss({"maps": paddle.to_tensor(right)}, batch_of(text))["loss"]) < 1e-3
    assert float(loss({"maps": paddle.to_tensor(wrong)}, batch_of(text))["loss"]) > 5


@pytest.mark.parametrize("main", ["DiceLoss", "BCELoss", "MaskL1Loss", "DiceFocalLoss"])
@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_pages_without_text_keep_loss_and_gradient_finite(main: str, mask: float) -> None:
    empty = np.zeros((1, 8, 8), np.float32)
    maps = paddle.full([1, 3, 8, 8], 0.4)
    maps.stop_gradient = False
    loss = DBLoss(main_loss_type=main)({"maps": maps}, batch_of(empty, np.full_like(empty, mask)))["loss"]
    loss.backward()
    assert np.isfinite(float(loss)) and np.isfinite(maps.grad.numpy()).all()


def test_only_the_hardest_of_the_background_count() -> None:
    text = np.zeros((2, 4, 4), np.float32)
    text[0, 0, 0] = 1
    probability = np.linspace(0.1, 0.6, 32).reshape(2, 4, 4).astype(np.float32)
    pred = paddle.to_tensor(probability, stop_gradient=False)
    ones = paddle.ones_like(pred)
    BalanceLoss(main_loss_type="BCELoss", negative_ratio=3)(pred, paddle.to_tensor(text), ones).backward()
    moved = np.argwhere(pred.grad.numpy().ravel()).ravel().tolist()
    assert moved == [0, 29, 30, 31]  # the text and three others, all of them in the other image


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 8])
def test_sum_of_largest_with_equal_values(count: int) -> None:
    values = np.array([0.5, 2, 2, 2, 1, 3, 0, 0], np.float32)
    x = paddle.to_tensor(values, stop_gradient=False)
    total = sum_of_largest(x, paddle.to_tensor(float(count)))
    assert float(total) == pytest.approx(np.sort(values)[::-1][:count].sum())
    total.backward()
    assert float(x.grad.sum()) == pytest.approx(count)
    if count == 3:
        np.testing.assert_allclose(x.grad.numpy(), [0, 2 / 3, 2 / 3, 2 / 3, 0, 1, 0, 0], rtol=1e-6)


def test_unknown_main_losses_are_named() -> None:
    with pytest.raises(ConfigError, match="DBLoss.main_loss_type: expected 'DiceLoss', 'BCELoss'.* mean DiceLoss?"):
        LOSSES.build({"name": "DBLoss", "main_loss_type": "Dice"})
