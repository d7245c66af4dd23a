"""Operators that Paddle traces into its new format only reach the old one too, with equal results."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import matmul as imported_by_name  # as a user's module binds it
from paddle import nn
from paddle.nn.functional.activation import gelu as core_function  # the core's own, not the wrapper
from paddle.static import InputSpec

from ppocr.config.loader import load_config
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.old_ir import OPERATORS, UNARY, core_names, old_operators
from ppocr.engine.runs import train
from ppocr.engine.start import trained_task
from tests.system.project import ROOT, make_project, run_tool

X = np.random.default_rng(0).uniform(0.1, 2, (2, 3, 4, 4)).astype(np.float32)
INSIDE = ("acos", "asin", "atanh")  # defined between -1 and 1 only
OUTSIDE = ("acosh",)  # from 1 on
CALLS: dict[str, list[Callable]] = {
    name: [
        lambda x, name=name: getattr(paddle, name)(x / 2 if name in INSIDE else x + 1 if name in OUTSIDE else x),
        lambda x, name=name: getattr(x / 2 if name in INSIDE else x + 1 if name in OUTSIDE else x, name)(),
    ]
    for name in UNARY
}
CALLS["sigmoid"] += [F.sigmoid, nn.Sigmoid()]
CALLS["tanh"] += [F.tanh, nn.Tanh()]
CALLS |= {
    "all": [lambda x: (x > 1).all(axis=1, keepdim=True), lambda x: paddle.all(x > 0)],
    "amax": [lambda x: x.amax(axis=[1, 2]), lambda x: paddle.amax(x)],
    "amin": [lambda x: x.amin(axis=-1, keepdim=True)],
    "any": [lambda x: paddle.any(x > 1.9, axis=[0, 3])],
    "argmax": [lambda x: x.argmax(axis=-1), lambda x: paddle.argmax(x), lambda x: x.argmax(1, True, "int32")],
    "argmin": [lambda x: x.argmin(axis=1)],
    "bmm": [lambda x: paddle.bmm(x[0], x[1]), lambda x: x[0].bmm(x[1])],
    "diagonal": [lambda x: x.diagonal(1, axis1=2, axis2=3)],
    "dot": [lambda x: x[0, 0].dot(x[1, 1])],
    "expand_as": [lambda x: x[:, :1].expand_as(x)],
    "gelu": [F.gelu, nn.GELU(), lambda x: core_function(x), lambda x: F.gelu(x, approximate=True)],
    "greater_than": [lambda x: x.greater_than(paddle.ones([1]))],
    "grid_sample": [lambda x: F.grid_sample(x, x.reshape([2, 4, 6, 2]) - 1, padding_mode="border")],
    "index_put": [lambda x: x.index_put((paddle.to_tensor([1]),), paddle.zeros([1]))],
    "isclose": [lambda x: x.isclose(x + 1e-3, rtol=1e-3)],
    "isfinite": [lambda x: (x / (x - x)).isfinite()],
    "isinf": [lambda x: (x / (x - x)).isinf()],
    "isnan": [lambda x: paddle.isnan(x)],
    "logical_and": [lambda x: (x > 1).logical_and(x < 1.5)],
    "logical_not": [lambda x: paddle.logical_not(x > 1)],
    "logical_or": [lambda x: (x < 1).logical_or(x > 1.5)],
    "logical_xor": [lambda x: (x < 1.2).logical_xor(x > 1)],
    "logsumexp": [lambda x: x.logsumexp(axis=2), lambda x: paddle.logsumexp(x)],
    "matmul": [
        lambda x: paddle.matmul(x, x, transpose_y=True),
        lambda x: x.matmul(x),
        lambda x: imported_by_name(input=x, other=x),
        lambda x: x @ x,
    ],
    "maximum": [lambda x: paddle.maximum(x, 1 - x), lambda x: (1 - x).maximum(x)],
    "minimum": [lambda x: paddle.minimum(x, 1 - x)],
    "multiply": [lambda x: paddle.multiply(x, x), lambda x: x.multiply(y=x[:, :1])],
    "roll": [lambda x: x.roll(1, axis=2), lambda x: paddle.roll(x, [1, 2], axis=[2, 3]), lambda x: x.roll(3)],
    "round": [lambda x: paddle.round(x), lambda x: x.round(decimals=1)],
    "softplus": [F.softplus, nn.Softplus(), lambda x: F.softplus(x, 2)],
    "sum": [
        lambda x: paddle.sum(x, axis=1, keepdim=True),
        lambda x: x.sum(),
        lambda x: x.sum(dim=[1, 2]),
        lambda x: (x > 1).sum(axis=-1),
        lambda x: x.sum(0, "float64"),
    ],
    "tril": [lambda x: x.tril(-1)],
    "triu": [lambda x: paddle.triu(x, diagonal=1)],
}


class Wrapped(nn.Layer):
    def __init__(self, calls: list[Callable]) -> None:
        super().__init__()
        self.calls = calls
        self.one = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))

    def forward(self, x):
        x = x * self.one
        return [call(x) for call in self.calls]


def test_every_operator_of_this_paddles_core_is_in_the_table_or_known_to_be_missing() -> None:
    assert {*core_names()} - {*OPERATORS} <= {"index_put_"}


@pytest.mark.parametrize("name", OPERATORS)
def test_old_program_computes_the_same(name: str, tmp_path: Path) -> None:
    layer = Wrapped(CALLS[name])
    expected = [out.numpy() for out in layer(paddle.to_tensor(X))]
    with paddle.pir_utils.DygraphOldIrGuard(), old_operators() as missing:
        spec = [InputSpec(list(X.shape), "float32", name="x")]
        paddle.jit.save(paddle.jit.to_static(layer, input_spec=spec, full_graph=True), str(tmp_path / "p"))
    config = paddle.inference.Config(str(tmp_path / "p.pdmodel"), str(tmp_path / "p.pdiparams"))
    config.disable_mkldnn()
    config.disable_glog_info()
    found = [out.numpy() for out in paddle.inference.create_predictor(config).run([paddle.to_tensor(X)])]
    assert not missing
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert np.allclose(one, other, atol=1e-5)


def test_paddles_own_functions_come_back() -> None:
    places = (paddle, paddle._C_ops, F, F.activation, paddle.tensor, paddle.static.Variable)
    before = [dict(vars(place)) for place in places]
    with old_operators():
        assert paddle._C_ops.sigmoid is not before[1]["sigmoid"]
        assert paddle.sigmoid(paddle.zeros([1])).item() == 0.5
    assert [dict(vars(place)) for place in places] == before


def test_the_flag_in_the_environment_exports_for_any_predictor(tmp_path: Path) -> None:
    """A fresh process with the flag alone writes what Paddle's predictor with its own defaults reads."""
    project = make_project(tmp_path / "project")
    neck = "encoder_type: svtr, dims: 16, depth: 1, hidden_dims: 16"
    path = project.changed("svtr", "encoder_type: reshape", neck)
    train(load_config(path))
    options = [f"Global.checkpoints={project.out}/latest"]
    done = run_tool("export_model.py", "-c", str(path), "-o", *options, env={**os.environ, "FLAGS_enable_pir_api": "0"})
    assert done.returncode == 0, done.stderr
    program = project.out / "inference" / "inference.pdmodel"
    assert program.is_file()
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 96)).astype(np.float32)
    (expected,) = (
        DygraphBackend(trained_task(load_config(path, options), "infer").model, ["ctc"]).run({"x": images}).values()
    )
    config = paddle.inference.Config(str(program), str(program.with_suffix(".pdiparams")))
    config.disable_glog_info()
    (found,) = paddle.inference.create_predictor(config).run([paddle.to_tensor(images)])
    assert np.abs(found.numpy() - expected).max() < 1e-4


def test_no_function_of_paddle_is_a_default_argument() -> None:
    """What is bound when a module is imported may be out of reach of a table that is applied later."""
    found = []
    for path in sorted((ROOT / "ppocr").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                defaults = [*node.args.defaults, *node.args.kw_defaults]
                names = [ast.unparse(value) for value in defaults if isinstance(value, ast.Attribute)]
                found += [f"{path}: {name}" for name in names if name.split(".")[0] in ("F", "paddle", "nn")]
    assert found == []
