"""Building a network, filling it by the reference rule, and comparing its names, shapes and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.nn.layer.rnn import RNNBase

from ppocr.modeling.architectures import build_model
from ppocr.modeling.layers.svtr import DropPath
from tests.conformance import assert_described, fill

STATISTICS = ("_mean", "_variance")


def build(reference: Mapping[str, Any]) -> nn.Layer:
    """Build the network of a reference file and fill it by its rule."""
    model = build_model(reference["architecture"])
    fill_network(model, reference["bn_variance_scale"])
    return model


def fill_network(model: nn.Layer, bn_scales: Mapping[str, float], parameters: bool = True) -> None:
    """Give every parameter, if asked, and batch-norm statistic the value of the fill rule; other buffers stay."""
    for name, tensor in model.state_dict().items():
        layer, _, last = name.rpartition(".")
        if tensor.dtype != paddle.float32 or not (last in STATISTICS or (parameters and _is_parameter(tensor))):
            continue
        values = fill(name, tuple(tensor.shape))
        if last in STATISTICS:
            scale = bn_scales.get(layer, 1.0)
            values = values * (scale if last == "_variance" else np.sqrt(scale))
        tensor.set_value(values.astype(np.float32))


def image(reference: Mapping[str, Any]) -> paddle.Tensor:
    """Return the reference's input image."""
    shape = reference["inputs"]["x"]["shape"]
    return paddle.to_tensor(np.random.RandomState(7).uniform(-1, 1, shape).astype(np.float32))


def check_names(model: nn.Layer, reference: Mapping[str, Any]) -> None:
    """Compare names, shapes and types of `state_dict` in order, and the number of parameters."""
    state = model.state_dict()
    actual = [[name, list(t.shape), str(t.dtype).rpartition(".")[2]] for name, t in state.items()]
    assert actual == reference["state_dict"]
    assert sum(p.size for p in model.parameters()) == reference["n_params"]


def run(model: nn.Layer, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
    """Return what each stage gives, by the names of the reference files."""
    stages = {}
    for name in ("transform", "backbone", "neck", "head"):
        part = getattr(model, name)
        if part is not None:
            part.register_forward_post_hook(lambda _, __, out, name=name: stages.__setitem__(name, out))
    with paddle.no_grad():
        stages["model"] = model(x)
    return stages


def check_outputs(
    model: nn.Layer,
    reference: Mapping[str, Any],
    output: str,
    batch: Mapping[str, paddle.Tensor] | None = None,
    atol: float = 1e-4,
) -> None:
    """Compare every stage in evaluation and the result in training mode.

    Args:
        model: a filled network.
        reference: the reference file.
        output: the prediction that upstream returns bare, such as "ctc".
        batch: what the head is told in training.
        atol: tolerance in evaluation, as a part of the largest value.
    """
    x = image(reference)
    model.eval()
    stages = run(model, x)
    for name, expected in reference["eval_outputs"].items():
        stage, _, item = name.partition(".")
        check(pick(stages[stage], item), expected, output, rtol=1e-3, atol=atol)
    _turn_off_dropout(model)
    model.train()
    with paddle.no_grad():
        preds = model(x, batch)
    for name, expected in reference["train_outputs"].items():
        check(pick(preds, name.partition(".")[2]), expected, output, rtol=0.0, atol=max(atol, 1e-2))


def pick(result: Any, item: str) -> Any:
    """Return one entry of a list or dict of results, or the whole where no entry is named."""
    if not item:
        return result
    return result[int(item) if item.isdigit() else item]


def check(actual: Any, expected: Mapping[str, Any], output: str, *, rtol: float, atol: float) -> None:
    """Compare one result, a tensor or a dict of predictions; probabilities by their logarithms as well."""
    array = (actual[output] if isinstance(actual, dict) else actual).numpy()
    assert_described(array, expected, rtol=rtol, atol=atol)
    if "log_samples" in expected and atol < 1e-2:
        picks = np.random.RandomState(11).randint(0, array.size, len(expected["log_samples"]))
        want = np.asarray(expected["log_samples"], np.float64)
        got = np.log(np.maximum(array.ravel()[picks].astype(np.float64), 1e-40))
        seen = want > -80
        np.testing.assert_allclose(got[seen], want[seen], atol=2e-3, rtol=0)


def _is_parameter(tensor: paddle.Tensor) -> bool:
    return isinstance(tensor, paddle.base.framework.EagerParamBase)


def _turn_off_dropout(model: nn.Layer) -> None:
    for layer in model.sublayers():
        if isinstance(layer, (nn.Dropout, DropPath)):
            layer.p = 0.0
        elif isinstance(layer, RNNBase):
            layer.dropout = 0.0
