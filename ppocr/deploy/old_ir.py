"""Tracing into Paddle's old program format where Paddle itself no longer can: written for Paddle 3.3.

A number of its operators (`paddle.matmul`, `F.gelu`, `x.sigmoid()`, ...) are functions of the C++ core that accept
tensors and the new format's values only. Tracing them into the old format ends in a type error, although that format
has an operator for each. OPERATORS is the one table of what is appended instead: while tracing, an entry replaces the
core's function wherever that is bound, be it in a module, as a method of variables, or behind the wrappers that are
Paddle's public functions.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import paddle
from paddle import _C_ops
from paddle.base.framework import Variable
from paddle.base.layer_helper import LayerHelper

from ppocr.errors import PpocrError

PADDLE = "3.3"  # the version whose core functions are meant
REFUSED = re.compile(r"(\w+)\(\): argument .*but got Variable")  # how the core refuses the old format's variables

Operator = Callable[..., Any]

UNARY = (
    *("abs", "acos", "acosh", "asin", "atanh", "ceil", "cos", "cosh", "exp", "expm1", "floor", "log", "log10"),
    *("log1p", "log2", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "tanh"),
)
TESTS = {"isfinite": "isfinite_v2", "isinf": "isinf_v2", "isnan": "isnan_v2", "logical_not": "logical_not"}
ELEMENTWISE = {"multiply": "elementwise_mul", "maximum": "elementwise_max", "minimum": "elementwise_min"}
COMPARISONS = ("greater_than", "logical_and", "logical_or", "logical_xor")
REDUCTIONS = {"amax": "reduce_amax", "amin": "reduce_amin", "all": "reduce_all", "any": "reduce_any"}
EXTREMES = {"argmax": "arg_max", "argmin": "arg_min"}

# other names of arguments that the core's functions accept, or have alone
ALIASES = {"input": "x", "other": "y", "dim": "axis", "transpose_x": "trans_x", "transpose_y": "trans_y"}


def _append(
    kind: str,
    inputs: dict[str, Any],
    attributes: dict[str, Any] | None = None,
    dtype: Any = None,
    result: str = "Out",
) -> Variable:
    """Append an operator to the program being traced, and return its result, of the first input's type if not given."""
    helper = LayerHelper(kind)
    out = helper.create_variable_for_type_inference(dtype or next(iter(inputs.values())).dtype)
    helper.append_op(type=kind, inputs=inputs, outputs={result: out}, attrs=attributes or {})
    return out


def _operator(kind: str, *inputs: str, dtype: Any = None, result: str = "Out", **attributes: Any) -> Operator:
    """Return a function that appends an operator.

    Args:
        kind: of the operator.
        inputs: their names; the function takes them first.
        dtype: of the result; None: that of the first input.
        result: its name.
        attributes: their defaults; the function takes them behind the inputs.
    """
    names = {ALIASES.get(each.lower(), each.lower()): each for each in inputs}
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(each, positional) for each in names]
    further = {**attributes, "name": None}
    parameters += [inspect.Parameter(each, positional, default=default) for each, default in further.items()]
    signature = inspect.Signature(parameters)

    def append(*args: Any, **kwargs: Any) -> Variable:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found = bound.arguments
        given = {theirs: found[ours] for ours, theirs in names.items()}
        return _append(kind, given, {each: found[each] for each in attributes}, dtype, result)

    return append


def _axes(axis: Any) -> list[int]:
    """Return the axes named; none for all of them."""
    return [axis] if isinstance(axis, int) else list(axis or [])


def _reduction(kind: str, dtype: Any = None, dim: str = "dim", keep: str = "keep_dim") -> Operator:
    def reduce(x: Any, axis: Any = None, keepdim: bool = False, name: Any = None) -> Variable:
        axes = _axes(axis)
        attributes = {dim: axes or list(range(x.ndim)), keep: keepdim, "reduce_all": not axes}
        return _append(kind, {"X": x}, attributes, dtype)

    return reduce


def _sum(x: Any, axis: Any = None, dtype: Any = None, keepdim: bool = False, name: Any = None) -> Variable:
    if dtype is None and x.dtype in (paddle.bool, paddle.int32):
        dtype = "int64"
    return _reduction("reduce_sum")(x if dtype is None else x.astype(dtype), axis, keepdim)


def _extreme(kind: str) -> Operator:
    def extreme(
        x: Any, axis: int | None = None, keepdim: bool = False, dtype: Any = "int64", name: Any = None
    ) -> Variable:
        number = paddle.base.framework.convert_np_dtype_to_dtype_(dtype)
        attributes = {"axis": axis or 0, "keepdims": keepdim, "flatten": axis is None, "dtype": number}
        return _append(kind, {"X": x}, attributes, dtype)

    return extreme


def _expand_as(x: Any, y: Any, name: Any = None) -> Variable:
    return _append("expand_as_v2", {"X": x, "Y": y}, {"target_shape": list(y.shape)})


def _isclose(
    x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False, name: Any = None
) -> Variable:
    attributes = {"rtol": str(rtol), "atol": str(atol), "equal_nan": equal_nan}
    return _append("isclose", {"Input": x, "Other": y}, attributes, "bool")


def _roll(x: Any, shifts: Any, axis: Any = None, name: Any = None) -> Variable:
    return _append("roll", {"X": x}, {"shifts": _axes(shifts), "axis": _axes(axis)})


def _gelu(x: Any, approximate: bool | str = False, name: Any = None) -> Variable:
    return _append("gelu", {"X": x}, {"approximate": approximate in (True, "tanh")})


OPERATORS: dict[str, Operator] = {
    **{name: _operator(name, "X") for name in UNARY},
    **{name: _operator(kind, "X", dtype="bool") for name, kind in TESTS.items()},
    **{name: _operator(kind, "X", "Y", axis=-1) for name, kind in ELEMENTWISE.items()},
    **{name: _operator(name, "X", "Y", dtype="bool") for name in COMPARISONS},
    **{name: _reduction(kind, "bool" if name in ("all", "any") else None) for name, kind in REDUCTIONS.items()},
    **{name: _extreme(kind) for name, kind in EXTREMES.items()},
    "bmm": _operator("bmm", "X", "Y"),
    "diagonal": _operator("diagonal", "Input", offset=0, axis1=0, axis2=1),
    "dot": _operator("dot", "X", "Y"),
    "expand_as": _expand_as,
    "gelu": _gelu,
    "grid_sample": _operator(
        "grid_sampler", "X", "Grid", result="Output", mode="bilinear", padding_mode="zeros", align_corners=True
    ),
    "index_put": _operator("index_put", "x", "indices", "value", result="out", accumulate=False),
    "isclose": _isclose,
    "logsumexp": _reduction("logsumexp", dim="axis", keep="keepdim"),
    "matmul": _operator("matmul_v2", "X", "Y", trans_x=False, trans_y=False),
    "roll": _roll,
    "round": _operator("round", "X", decimals=0),
    "softplus": _operator("softplus", "X", beta=1.0, threshold=20.0),
    "sum": _sum,
    "tril": _operator("tril_triu", "X", diagonal=0, lower=True),
    "triu": _operator("tril_triu", "X", diagonal=0, lower=False),
}


def core_names() -> tuple[str, ...]:
    """Return the operators this Paddle's core takes itself, as Paddle lists them; none where it has no such list."""
    try:
        listed = importlib.import_module("paddle.base.dygraph.generated_tensor_methods_patch")
    except ImportError:
        return ()
    lists = (getattr(listed, name, ()) for name in ("methods_map", "funcs_map", "nn_funcs_map"))
    return tuple(sorted({name for pairs in lists for name, _ in pairs}))


@contextlib.contextmanager
def old_operators() -> Iterator[list[str]]:
    """Let the core's operators take the old format's variables as well, wherever they are bound; undone afterwards.

    Gives the names of the operators a variable reached that have no entry in the table; calling one is a TypeError.
    """
    missing: list[str] = []
    found: dict[int, tuple[Any, Operator]] = {}  # by the core's function, which is kept to keep its identity
    for name in sorted({*OPERATORS, *core_names()}):
        own = getattr(_C_ops, name, None)
        if own is not None:
            found[id(own)] = own, _either(name, own, missing)
    modules: list[Any] = [module for module in list(sys.modules.values()) if isinstance(module, ModuleType)]
    with contextlib.ExitStack() as undo:
        for place in (*modules, Variable):
            for attribute, value in list(vars(place).items()):
                if id(value) in found:
                    own, both = found[id(value)]
                    setattr(place, attribute, both)
                    undo.callback(setattr, place, attribute, own)
        yield missing


def without_entry(missing: list[str], err: BaseException) -> PpocrError | None:
    """Return what to tell when tracing failed because of an operator, None when it failed because of something else.

    Args:
        missing: what `old_operators` gave.
        err: what tracing ended with; it names the operator where the core itself refused.
    """
    refused = REFUSED.search(str(err))
    if not missing and refused is None:
        return None
    name = missing[-1] if missing else refused[1] if refused else ""
    return PpocrError(
        f"the network cannot be exported in the old IR: Paddle {paddle.__version__} cannot write the operator {name} "
        f"there, and the table of deploy/old_ir.py, for Paddle {PADDLE}, has no entry for it",
        "export in the new IR with -o Global.export_ir=new, or add the operator to OPERATORS in deploy/old_ir.py",
    )


def _either(name: str, own: Operator, missing: list[str]) -> Operator:
    """Return a function that appends the old operator for variables, and is the core's own for all else."""

    @functools.wraps(own)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not any(isinstance(value, Variable) for value in (*args, *kwargs.values())):
            return own(*args, **kwargs)
        old = OPERATORS.get(name)
        if old is None:
            missing.append(name)
            raise TypeError(f"the operator {name} has no entry for the old format")
        return old(*args, **{ALIASES.get(key, key): value for key, value in kwargs.items()})

    return paddle.jit.not_to_static(call)
