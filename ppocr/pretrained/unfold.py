"""From one fused convolution back to the branches it was made of, so that training can go on.

A re-parameterised layer is a sum of branches, and what an inference model holds is the sum. One branch of the same
kernel takes all of it, the others are given the weight zero in the sum; that what comes out of fusing again is the
fused convolution of the file is checked for every layer. Nothing here knows a layer's class: which branch leads where
is found by fusing copies with altered parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import paddle
from paddle import nn

from ppocr.errors import CheckpointError
from ppocr.pretrained.deploy_form import is_norm

LARGEST_DIFFERENCE = 1e-5  # of a fused kernel, relative to its largest value
INFLUENCE = 1e-6

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class Plan:
    """How a fused convolution is shared out.

    Args:
        target: path of the convolution that takes it.
        norms: batch norms it passes; the last one takes the bias.
        silent: batch norms of other branches, which get the scale 0.
        zero: convolutions without a batch norm of their own, which become 0.
    """

    target: str
    norms: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()


@dataclass
class Unfolded:
    """What unfolding did.

    Args:
        state: training parameters by name.
        identity: batch norms left as y = x + b, whose statistics have yet to be measured.
        silent: batch norms of branches with the weight zero; likewise.
        layers: paths of the layers this is about.
    """

    state: State = field(default_factory=dict)
    identity: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)


def owners(model: nn.Layer, names: Iterable[str]) -> dict[str, list[str]]:
    """Return, by path of the layer whose `fuse()` makes them, the names that only the fused network has.

    Raises:
        CheckpointError: no such layer.
    """
    fusing = {path for path, layer in model.named_sublayers() if callable(getattr(layer, "fuse", None))}
    result: dict[str, list[str]] = {}
    for name in names:
        parts = name.split(".")
        path = next((p for p in (".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)) if p in fusing), None)
        if path is None:
            raise CheckpointError(f"{name}: no layer of the network fuses into it")
        result.setdefault(path, []).append(name)
    return result


def unfold(model: nn.Layer, arrays: Mapping[str, np.ndarray]) -> Unfolded:
    """Return training parameters whose fused form is what is given.

    Args:
        model: in training form.
        arrays: by name of the fused network; those with the name and shape of a training parameter may be among them.

    Raises:
        CheckpointError: a layer cannot be made to give the fused arrays.
    """
    training = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    result = Unfolded()
    layers = dict(model.named_sublayers())
    plans: dict[Any, list[tuple[str, Plan]]] = {}
    for path, names in owners(model, (name for name in arrays if name not in training)).items():
        layer = layers[path]
        convolutions = sorted({name.rpartition(".")[0][len(path) + 1 :] for name in names})
        key = (type(layer), tuple(convolutions), tuple((n, *t.shape[2:]) for n, t in layer.state_dict().items()))
        if key not in plans:
            plans[key] = [(fused, _plan(layer, fused)) for fused in convolutions]
        fresh = _values(layer)
        state = dict(fresh)
        for fused, plan in plans[key]:
            own = f"{path}.{fused}." if fused else f"{path}."
            _solve(layer, fused, plan, state, arrays[f"{own}weight"], arrays[f"{own}bias"])
            result.identity += [f"{path}.{norm}" for norm in plan.norms]
            result.silent += [f"{path}.{norm}" for norm in plan.silent]
        wanted = {name[len(path) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{path}.")}
        _check(path, _fused(layer, state), {n: a for n, a in wanted.items() if f"{path}.{n}" in names})
        result.layers.append(path)
        result.state.update({f"{path}.{name}": state[name] for name in state if state[name] is not fresh[name]})
    return result


def _values(layer: nn.Layer) -> State:
    return {name: tensor.numpy() for name, tensor in layer.state_dict().items()}


def _fused(layer: nn.Layer, state: Mapping[str, np.ndarray]) -> State:
    """Return the parameters of a layer after fusing, had it the given ones before."""
    trial = copy.deepcopy(layer)
    for name, tensor in trial.state_dict().items():
        tensor.set_value(paddle.to_tensor(state[name], place=paddle.CPUPlace()))
    for part in trial.sublayers(include_self=True):
        if callable(getattr(part, "fuse", None)):
            part.fuse()
    return _values(trial)


def _norms(layer: nn.Layer) -> list[str]:
    return [path for path, part in layer.named_sublayers() if is_norm(part)]


def _plan(layer: nn.Layer, fused: str) -> Plan:
    """Find out how the fused convolution `fused` of a layer comes about.

    Raises:
        CheckpointError: none of its convolutions can take it over.
    """
    rng = np.random.default_rng(0)
    base = {name: rng.uniform(0.5, 1.5, array.shape).astype(np.float32) for name, array in _values(layer).items()}
    weight, bias = (f"{fused}.{part}" if fused else part for part in ("weight", "bias"))
    sums = _fused(layer, base)
    shape = sums[weight].shape
    kernels = [name for name, array in base.items() if array.ndim == len(shape)]
    target = next((n for n in kernels if base[n].shape == shape and _moves(layer, base, n, weight, sums)), None)
    if target is None:
        raise CheckpointError(f"{fused}: no convolution of the layer has the shape {list(shape)} of the fused one")
    passed, silent = [], []
    for norm in _norms(layer):
        off = {**base, f"{norm}.weight": base[f"{norm}.weight"] * 0}
        if not _moves(layer, off, target, weight):
            passed.append(norm)
        elif _moves(layer, base, f"{norm}.bias", bias, sums):
            silent.append(norm)
    quiet = {**base, **{f"{norm}.{part}": base[f"{norm}.{part}"] * 0 for norm in silent for part in ("weight", "bias")}}
    sums = _fused(layer, quiet)
    zero = [name for name in kernels if name != target and _moves(layer, quiet, name, weight, sums)]
    return Plan(target, tuple(passed), tuple(silent), tuple(zero))


def _moves(layer: nn.Layer, state: State, name: str, fused: str, before: State | None = None) -> bool:
    """Return whether a fused parameter depends on a training parameter; `before` is the fused state, if known."""
    before = before or _fused(layer, state)
    changed = _fused(layer, {**state, name: state[name] * 2})
    return bool(np.abs(changed[fused] - before[fused]).max() > INFLUENCE)


def _solve(layer: nn.Layer, fused: str, plan: Plan, state: State, weight: np.ndarray, bias: np.ndarray) -> None:
    """Set parameters in `state` so that fusing gives a kernel and a bias."""
    parts = dict(layer.named_sublayers())
    for norm in plan.norms:
        state.update(identity(norm, parts[norm]))
    for norm in plan.silent:
        state[f"{norm}.weight"] = np.zeros_like(state[f"{norm}.weight"])
        state[f"{norm}.bias"] = np.zeros_like(state[f"{norm}.bias"])
    own_bias = plan.target[: -len("weight")] + "bias"
    shift = own_bias if own_bias in state else f"{plan.norms[-1]}.bias"
    for name in (plan.target, *plan.zero, shift):
        state[name] = np.zeros_like(state[name])
    rest = _fused(layer, state)  # what branches without parameters of their own give, such as + x
    prefix = f"{fused}." if fused else ""
    state[plan.target] = (weight - rest[f"{prefix}weight"]).astype(np.float32)
    state[shift] = (bias - rest[f"{prefix}bias"]).astype(np.float32)


def identity(norm: str, layer: Any) -> State:
    """Return what makes the batch norm at `norm` give back what it is given, in evaluation."""
    ones = np.ones(layer.weight.shape, np.float32)
    parts = {"weight": ones * np.float32(np.sqrt(1 + layer._epsilon)), "bias": ones * 0}
    return {f"{norm}.{part}": array for part, array in {**parts, "_mean": ones * 0, "_variance": ones}.items()}


def _check(path: str, found: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]) -> None:
    for name, array in wanted.items():
        difference = np.abs(found[name] - array).max() if name in found else np.inf
        if not difference <= LARGEST_DIFFERENCE * max(1.0, float(np.abs(array).max())):
            raise CheckpointError(f"{path}.{name}: could not be unfolded: differs by {difference:.3g}")
