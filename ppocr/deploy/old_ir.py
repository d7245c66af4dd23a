"""Tracing into Paddle's old program format where Paddle itself no longer can.

In Paddle 3.3.1 a number of functions (`paddle.sigmoid`, `paddle.exp`, `paddle.matmul`, ...) accept tensors and the
new format's values only; tracing them into the old format ends in a type error, although its operators are all
there. While tracing, those that networks use are replaced by versions that append the old operator.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import paddle
from paddle.base.framework import Variable
from paddle.base.layer_helper import LayerHelper

UNARY = [
    "abs",
    "ceil",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "floor",
    "log",
    "log10",
    "log1p",
    "log2",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tanh",
]
ELEMENTWISE = {"multiply": "elementwise_mul", "maximum": "elementwise_max", "minimum": "elementwise_min"}


def _append(kind: str, inputs: dict[str, Any], attributes: dict[str, Any] | None = None, result: str = "Out") -> Any:
    helper = LayerHelper(kind)
    out = helper.create_variable_for_type_inference(next(iter(inputs.values())).dtype)
    helper.append_op(type=kind, inputs=inputs, outputs={result: out}, attrs=attributes or {})
    return out


def _unary(kind: str) -> Callable[..., Any]:
    return lambda x, name=None: _append(kind, {"X": x})


def _elementwise(kind: str) -> Callable[..., Any]:
    return lambda x, y, name=None: _append(kind, {"X": x, "Y": y}, {"axis": -1})


def _matmul(x: Any, y: Any, transpose_x: bool = False, transpose_y: bool = False, name: str | None = None) -> Any:
    return _append("matmul_v2", {"X": x, "Y": y}, {"trans_x": transpose_x, "trans_y": transpose_y})


def _bmm(x: Any, y: Any, name: str | None = None) -> Any:
    return _append("bmm", {"X": x, "Y": y})


def _gelu(x: Any, approximate: bool = False, name: str | None = None) -> Any:
    return _append("gelu", {"X": x}, {"approximate": approximate})


def _softplus(x: Any, beta: float = 1, threshold: float = 20, name: str | None = None) -> Any:
    return _append("softplus", {"X": x}, {"beta": beta, "threshold": threshold})


def _sum(x: Any, axis: Any = None, dtype: Any = None, keepdim: bool = False, name: str | None = None) -> Any:
    axes = [axis] if isinstance(axis, int) else list(axis or [])
    return _append("reduce_sum", {"X": x}, {"dim": axes or [0], "keep_dim": keepdim, "reduce_all": not axes})


def _grid_sample(
    x: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = True,
    name: str | None = None,
) -> Any:
    attributes = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    return _append("grid_sampler", {"X": x, "Grid": grid}, attributes, result="Output")


OLD: dict[str, Callable[..., Any]] = {
    **{name: _unary(name) for name in UNARY},
    **{name: _elementwise(kind) for name, kind in ELEMENTWISE.items()},
    "matmul": _matmul,
    "bmm": _bmm,
    "gelu": _gelu,
    "softplus": _softplus,
    "sum": _sum,
    "grid_sample": _grid_sample,
}


@contextlib.contextmanager
def old_operators() -> Iterator[None]:
    """Let the functions above take the old format's variables as well; put Paddle's own back afterwards."""
    kept = []
    for module in (paddle, paddle.nn.functional):
        for name, old in OLD.items():
            own = getattr(module, name, None)
            if own is not None:
                kept.append((module, name, own))
                setattr(module, name, _either(own, old))
    try:
        yield
    finally:
        for module, name, own in kept:
            setattr(module, name, own)


def _either(own: Callable[..., Any], old: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else next(iter(kwargs.values()), None)
        return old(*args, **kwargs) if isinstance(first, Variable) else own(*args, **kwargs)

    return call
