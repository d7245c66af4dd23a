"""Functions that Paddle traces into its new format only reach the old one too, with equal results."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.deploy.old_ir import OLD, UNARY, old_operators

X = np.random.default_rng(0).uniform(0.1, 2, (2, 3, 4, 4)).astype(np.float32)
CALLS = {
    name: functools.partial(
        lambda name, x: getattr(paddle.nn.functional if name == "sigmoid" else paddle, name)(x), name
    )
    for name in UNARY
}
CALLS |= {
    "multiply": lambda x: paddle.multiply(x, x),
    "maximum": lambda x: paddle.maximum(x, 1 - x),
    "minimum": lambda x: paddle.minimum(x, 1 - x),
    "matmul": lambda x: paddle.matmul(x, x, transpose_y=True),
    "bmm": lambda x: paddle.bmm(x[0], x[1]),
    "gelu": lambda x: nn.functional.gelu(x),
    "softplus": lambda x: nn.functional.softplus(x),
    "sum": lambda x: paddle.sum(x, axis=1, keepdim=True),
    "grid_sample": lambda x: nn.functional.grid_sample(x, x.reshape([2, 4, 6, 2]) - 1, padding_mode="border"),
}


class Wrapped(nn.Layer):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.one = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))

    def forward(self, x):
        return CALLS[self.name](x * self.one)


@pytest.mark.parametrize("name", OLD)
def test_old_program_computes_the_same(name: str, tmp_path: Path) -> None:
    layer = Wrapped(name)
    expected = layer(paddle.to_tensor(X)).numpy()
    with paddle.pir_utils.DygraphOldIrGuard(), old_operators():
        spec = [paddle.static.InputSpec(list(X.shape), "float32", name="x")]
        paddle.jit.save(paddle.jit.to_static(layer, input_spec=spec, full_graph=True), str(tmp_path / "p"))
    config = paddle.inference.Config(str(tmp_path / "p.pdmodel"), str(tmp_path / "p.pdiparams"))
    config.disable_mkldnn()
    config.disable_glog_info()
    (found,) = paddle.inference.create_predictor(config).run([paddle.to_tensor(X)])
    assert np.allclose(found.numpy(), expected, atol=1e-5)


def test_paddles_own_functions_come_back() -> None:
    before = paddle.sigmoid, nn.functional.sigmoid
    with old_operators():
        assert paddle.sigmoid is not before[0]
        assert paddle.sigmoid(paddle.zeros([1])).item() == 0.5
    assert (paddle.sigmoid, nn.functional.sigmoid) == before
