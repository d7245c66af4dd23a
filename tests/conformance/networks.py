"""Building a network, filling it by the reference rule, and comparing its names, shapes and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import paddle
from paddle import nn
from paddle.nn.layer.rnn import RNNBase

from ppocr.modeling.architectures import build_model
from ppocr.modeling.heads.det_db_head import MapHead
from ppocr.modeling.layers.svtr import DropPath
from tests.conformance import assert_described, fill
from tests.conformance.rounding import assert_recorded, noisy

STATISTICS = ("_mean", "_variance")
STAGES = ("transform", "backbone", "neck", "head")


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


def run(model: nn.Layer, x: paddle.Tensor, layers: Iterable[str] = ()) -> dict[str, Any]:
    """Return what each stage gives, by the names of the reference files, and what the named sub-layers give."""
    found: dict[str, Any] = {}
    named = dict(model.named_sublayers())
    parts = [(name, named[name]) for name in layers]
    parts += [(stage, part) for stage in STAGES if (part := getattr(model, stage)) is not None]

    def keep(name: str) -> Callable[..., None]:
        return lambda _, __, out: found.__setitem__(name, out)

    hooks = [part.register_forward_post_hook(keep(name)) for name, part in parts]
    with paddle.no_grad():
        found["model"] = model(x)
    for hook in hooks:
        hook.remove()
    return found


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
        batch: the head's targets in training.
        atol: tolerance in evaluation, as a part of the largest value.
    """
    x = image(reference)
    model.eval()
    stages = run(model, x)
    moved = cache(lambda draw: run(model, noisy_image(x, draw)))
    for name, expected in reference["eval_outputs"].items():
        check(Found(stages, name, output, moved), expected, rtol=1e-3, atol=atol)
    _turn_off_dropout(model)
    model.train()

    def train(x: paddle.Tensor) -> dict[str, Any]:
        with paddle.no_grad():
            return {"model": model(x, batch)}

    preds, moved = train(x), cache(lambda draw: train(noisy_image(x, draw)))
    for name, expected in reference["train_outputs"].items():
        check(Found(preds, name, output, moved), expected, rtol=0.0, atol=max(atol, 1e-2))


def comparable_layers(model: nn.Layer, reference: Mapping[str, Any]) -> list[str]:
    """Return the sub-layers of which the reference recorded outputs, and which give the same here.

    Upstream's batch norms and maps contain the activation behind them.
    """
    named = {name for name, layer in model.named_sublayers() if not isinstance(layer, (nn.BatchNorm2D, MapHead))}
    return [name for name in reference["intermediate"] if name in named]


def check_layers(model: nn.Layer, reference: Mapping[str, Any], recorded: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare in evaluation what sub-layers give with what was recorded, by their names.

    Args:
        model: a network, filled as it was for the record.
        reference: the reference file, for the image.
        recorded: described tensors.
    """
    x = image(reference)
    model.eval()
    found = run(model, x, recorded)
    moved = cache(lambda draw: run(model, noisy_image(x, draw), recorded))
    for name, expected in recorded.items():
        check(Found(found, name, "", moved), expected, rtol=1e-3, atol=1e-4)


def noisy_image(x: paddle.Tensor, draw: int) -> paddle.Tensor:
    """Return an input with the noise of `tests.conformance.rounding`."""
    return paddle.to_tensor(noisy(x.numpy(), draw))


class Found(NamedTuple):
    """One result of a network: the name of the reference file among the results of its stages or layers.

    Attributes:
        results: what `run` returned.
        name: a stage, such as "backbone.1" for its second result, or a sub-layer.
        output: see `check_outputs`.
        moved: returns the results from the noisy image of a draw.
    """

    results: Mapping[str, Any]
    name: str
    output: str
    moved: Callable[[int], Mapping[str, Any]]

    def array(self, results: Mapping[str, Any] | None = None) -> np.ndarray:
        """Return the result itself, or that of other results."""
        results = self.results if results is None else results
        stage, _, item = (self.name, "", "") if self.name in results else self.name.partition(".")
        result = pick(results[stage], item)
        return (result[self.output] if isinstance(result, dict) else result).numpy()

    def moved_array(self, draw: int) -> np.ndarray:
        """Return the result from the noisy image of a draw."""
        return self.array(self.moved(draw))


def pick(result: Any, item: str) -> Any:
    """Return one entry of a list or dict of results, or the whole where no entry is named."""
    if not item:
        return result
    return result[int(item) if item.isdigit() else item]


def check(found: Found, expected: Mapping[str, Any], *, rtol: float, atol: float) -> None:
    """Compare one result, a tensor or a dict of predictions; probabilities by their logarithms as well."""
    array = found.array()
    assert_described(array, expected, rtol=rtol, atol=atol, moved=found.moved_array)
    if "log_samples" in expected and atol < 1e-2:
        picks = np.random.RandomState(11).randint(0, array.size, len(expected["log_samples"]))
        want = np.asarray(expected["log_samples"], np.float64)
        seen = want > -80

        def logarithms(array: np.ndarray) -> dict[str, np.ndarray]:
            return {"log": np.log(np.maximum(array.ravel()[picks].astype(np.float64), 1e-40))[seen]}

        bounds = {"log": np.full(seen.sum(), 2e-3)}
        assert_recorded(logarithms(array), {"log": want[seen]}, bounds, lambda d: logarithms(found.moved_array(d)))


def _is_parameter(tensor: paddle.Tensor) -> bool:
    return isinstance(tensor, paddle.base.framework.EagerParamBase)


def _turn_off_dropout(model: nn.Layer) -> None:
    for layer in model.sublayers():
        if isinstance(layer, (nn.Dropout, DropPath)):
            layer.p = 0.0
        elif isinstance(layer, RNNBase):
            layer.dropout = 0.0
