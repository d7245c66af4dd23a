"""The network as inference models hold it: re-parameterised layers fused, in the order in which a forward pass runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import paddle
from paddle import nn

from ppocr.deploy.export import fuse

STATISTICS = ("_mean", "_variance")


@dataclass(frozen=True)
class Unit:
    """One layer's own parameters.

    Args:
        layer: its path.
        shapes: by structured name, in the order of the state_dict.
        norm: whether it is a batch norm.
    """

    layer: str
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    norm: bool = False


def is_norm(layer: nn.Layer) -> bool:
    """Return whether a layer is a batch norm, that is, has running statistics."""
    return all(isinstance(getattr(layer, name, None), paddle.Tensor) for name in STATISTICS)


def own_tensors(layer: nn.Layer) -> Iterator[tuple[str, Any]]:
    """Yield (attribute, tensor) of a layer's parameters and running statistics, without those of its sublayers."""
    for name, value in layer._parameters.items():
        if value is not None and not name.startswith("_"):
            yield name, value
    if is_norm(layer):
        for name in STATISTICS:
            yield name, getattr(layer, name)


def deploy_units(model: nn.Layer, shape: Sequence[int]) -> list[Unit]:
    """Return the layers a prediction runs through, in their order.

    Args:
        model: in training form; it is left as it is.
        shape: [C, H, W] of an image it takes.
    """
    fused = fuse(model)
    paths = {id(layer): path for path, layer in fused.named_sublayers(include_self=True)}
    units: list[Unit] = []
    seen: set[int] = set()

    def note(layer: nn.Layer, _inputs: Any) -> None:
        path, shapes = paths[id(layer)], {}
        for name, tensor in own_tensors(layer):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                shapes[f"{path}.{name}" if path else name] = tuple(tensor.shape)
        if shapes:
            units.append(Unit(path, shapes, is_norm(layer)))

    hooks = [layer.register_forward_pre_hook(note) for layer in fused.sublayers(include_self=True)]
    was_training = fused.training
    fused.eval()
    try:
        with paddle.no_grad():
            fused(paddle.zeros([1, *shape]))
    finally:
        for hook in hooks:
            hook.remove()
        if was_training:
            fused.train()
    return units


def deploy_state(model: nn.Layer) -> dict[str, tuple[int, ...]]:
    """Return every name and shape of the fused network, those of training-only parts included."""
    return {name: tuple(tensor.shape) for name, tensor in fuse(model).state_dict().items()}


def same_but_for_ones(first: Sequence[int], second: Sequence[int]) -> bool:
    """Return whether two shapes differ only by sides of 1: converters write a bias [8] as [1, 8, 1, 1]."""
    return [n for n in first if n != 1] == [n for n in second if n != 1]


def shaped(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return an array as float32 of the shape a network has for it."""
    return np.ascontiguousarray(array, dtype=np.float32).reshape(tuple(shape))
