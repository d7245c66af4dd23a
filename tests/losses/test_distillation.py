"""Losses of several models equal the reference, over flat predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
import pytest

from ppocr.codecs.context import Codecs
from ppocr.errors import ConfigError
from ppocr.losses.combined import CombinedLoss
from ppocr.losses.distillation import DistillationDilaDBLoss, DistillationDMLLoss
from ppocr.losses.divergence import DistanceLoss, DKDLoss, DMLLoss, KLDivLoss, KLJSLoss
from ppocr.registry import LOSSES
from tests.conformance import load, stream

BETWEEN_TENSORS = {cls.__name__: cls for cls in (DistanceLoss, DKDLoss, DMLLoss, KLDivLoss, KLJSLoss)}
OF_MODELS = (
    "DistillCTCLogits",
    "DistillationCTCLoss",
    "DistillationDBLoss",
    "DistillationDKDLoss",
    "DistillationDMLLoss",
    "DistillationDilaDBLoss",
    "DistillationDistanceLoss",
    "DistillationKLDivLoss",
    "DistillationNRTRLoss",
    "DistillationSARLoss",
)
TWELVE = Codecs(sizes={None: 12})  # classes of every codec
MAPS = ("image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask")


def cases(*names: str) -> list:
    return [pytest.param(case, id=case["name"]) for name in names for case in load(f"losses/{name}.json")["cases"]]


def tensor(case: dict[str, Any], entry: dict[str, Any]) -> paddle.Tensor:
    """Return the tensor that a leaf of a case names, by its rule."""
    if "literal" in entry:
        return paddle.to_tensor(np.array(entry["literal"], entry["dtype"]))
    rule, random = case["inputs"][entry["tensor"]], stream(f"{case['name']}/{entry['tensor']}")
    if rule["kind"] == "normal":
        values = random.standard_normal(rule["shape"]) * rule.get("scale", 1.0)
    elif rule["kind"] == "uniform":
        values = random.uniform(rule["lo"], rule["hi"], rule["shape"])
    elif rule["kind"] == "randint":
        values = random.randint(rule["lo"], rule["hi"], rule["shape"])
    else:
        values = random.uniform(0, 1, rule["shape"]) < rule["p"]
    if rule.get("post") == "sigmoid":
        values = 1 / (1 + np.exp(-values))
    if rule.get("post") == "softmax":
        values = np.exp(values) / np.exp(values).sum(-1, keepdims=True)
    return paddle.to_tensor(np.asarray(values).astype(rule["dtype"]))


def flat(case: dict[str, Any]) -> dict[str, paddle.Tensor]:
    """Return the predictions of a case by our names."""
    found = {}
    for model, preds in case["predicts"].items():
        for key, value in preds.items():
            if "tensor" in value:
                names = [key, "ctc"] if key == "head_out" else [key]
                found.update({f"{model}.{name}": tensor(case, value) for name in names})
            else:
                found.update({f"{model}.{name}": tensor(case, entry) for name, entry in value.items()})
    return found


def batch_of(case: dict[str, Any]) -> dict[str, paddle.Tensor]:
    """Return the batch of a case by our names: maps, a CTC label, or those of two branches."""
    entries = case["batch"]
    if "tensor" in entries[1]:
        names: tuple[str, ...] = MAPS
    elif len(entries) == 3:
        names = ("image", "label", "length")
    else:
        second = (
            "label_sar"
            if 11 in np.ravel(entries[2]["literal"]) and 10 in np.ravel(entries[2]["literal"])
            else "label_gtc"
        )
        names = ("image", "label_ctc", second, "length", "valid_ratio")
    return {name: tensor(case, entry) for name, entry in zip(names, entries) if name != "image"}


@pytest.mark.parametrize("case", cases(*BETWEEN_TENSORS))
def test_divergence_equals_the_reference(case: dict) -> None:
    loss = BETWEEN_TENSORS[case["loss"]](**case["args"])
    tensors = [tensor(case, entry) for entry in case["call"]]
    found = loss(*tensors, **case["call_kwargs"])
    expected = case["outputs"]
    if isinstance(expected, dict):
        assert list(found.shape) == expected["shape"]
        assert float(found.mean()) == pytest.approx(expected["mean"], rel=1e-4)
    else:
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("case", cases(*OF_MODELS))
def test_loss_of_several_models_equals_the_reference(case: dict) -> None:
    loss = LOSSES.build({"name": case["loss"], **ours(case["loss"], case["args"])}, codecs=TWELVE)
    preds, batch = flat(case), batch_of(case)
    assert set(loss.requires) <= set(preds) and set(loss.needs) <= set(batch)
    found = loss(preds, batch)
    parts = {k: float(np.mean(v)) for k, v in case["outputs"].items()}
    total = parts.pop("loss", None) or sum(parts.values())
    assert float(found["loss"]) == pytest.approx(total, rel=1e-4)


def ours(name: str, args: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments without the name for the log, which `CombinedLoss` takes."""
    return {key: value for key, value in args.items() if key != "name"}


@pytest.mark.parametrize("case", cases("CombinedLoss"))
def test_sum_equals_the_reference(case: dict) -> None:
    loss = CombinedLoss(TWELVE, **case["args"])
    found = loss(flat(case), batch_of(case))
    assert float(found["loss"]) == pytest.approx(float(np.mean(case["outputs"]["loss"])), rel=1e-4)
    for options in (options for spec in case["args"]["loss_config_list"] for options in spec.values()):
        assert "name" not in options or any(key.startswith(options["name"]) for key in found)


def test_gradients_reach_the_student_alone_where_the_teacher_is_a_target() -> None:
    maps = paddle.rand([2, 3, 8, 8])
    student, teacher = paddle.to_tensor(maps.numpy(), stop_gradient=False), paddle.rand([2, 3, 8, 8])
    teacher.stop_gradient = False
    preds = {"Student.maps": student, "Teacher.maps": teacher}
    DistillationDilaDBLoss([["Student", "Teacher"]])(preds, {"shrink_mask": paddle.ones([2, 8, 8])})["loss"].backward()
    assert student.grad is not None and teacher.grad is None


@pytest.mark.parametrize("pairs", [[], [["Student"]], [["Student", "Teacher", "Other"]]])
def test_what_is_no_pair_is_refused(pairs: list) -> None:
    with pytest.raises(ConfigError, match="DistillationDMLLoss.model_name_pairs: .* are no pairs of models"):
        DistillationDMLLoss(pairs)
