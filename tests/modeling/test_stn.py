"""Straightening of lines."""

import numpy as np
import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.modeling.transforms.stn import STN_ON, ThinPlateSpline, control_points
from ppocr.registry import NETWORK_TRANSFORMS

SETTINGS = {
    "tps_inputsize": [32, 64],
    "tps_outputsize": [32, 100],
    "num_control_points": 20,
    "tps_margins": [0.05, 0.05],
}


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    image = np.stack([np.sin(x / 20), np.cos(y / 9), np.sin((x + y) / 25)])
    return paddle.to_tensor(image[None].astype(np.float32))


@pytest.mark.parametrize("activation", ["none", "sigmoid"])
def test_starts_with_nearly_the_whole_image(activation):
    net = STN_ON(3, stn_activation=activation, **SETTINGS)
    net.eval()
    points = net.stn_head(paddle.zeros([1, 3, 32, 64])).numpy()[0]
    np.testing.assert_allclose(points, control_points(20, (0.01, 0.01)), atol=1e-5)


def test_points_of_the_result_show_the_points_of_the_image():
    spline = ThinPlateSpline([61, 201], 20, (0.05, 0.05))
    found = control_points(20, (0.05, 0.05))
    found[:, 1] = 0.15 + 0.7 * found[:, 1] + 0.1 * np.sin(found[:, 0] * 3)  # a curved line
    height, width = 121, 401
    x = paddle.to_tensor(np.linspace(0, 1, width, dtype=np.float32)).expand([1, 1, height, width])
    y = paddle.to_tensor(np.linspace(0, 1, height, dtype=np.float32)[:, None]).expand([1, 1, height, width])
    where = spline(paddle.concat([x, y], axis=1), paddle.to_tensor(found[None].astype(np.float32))).numpy()[0]
    for (across, down), wanted in zip(control_points(20, (0.05, 0.05)), found):
        np.testing.assert_allclose(where[:, round(down * 60), round(across * 200)], wanted, atol=0.02)


def test_same_outline_gives_the_image_itself():
    spline = ThinPlateSpline([32, 100], 20, (0.05, 0.05))
    image = smooth(32, 100)
    same = spline(image, paddle.to_tensor(control_points(20, (0.05, 0.05))[None].astype(np.float32)))
    assert float((same - image).abs().max()) < 1e-3


def test_outline_learns():
    net = STN_ON(3, **SETTINGS)
    (net(smooth(64, 256).tile([2, 1, 1, 1])) ** 2).sum().backward()
    assert float(net.stn_head.stn_fc2.bias.grad.abs().sum()) > 0
    assert not [name for name in net.state_dict() if name.startswith("tps")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_control_points": 7}, "no even number"),
        ({"stn_activation": "tanh"}, "stn_activation: expected 'none' or 'sigmoid'"),
        ({"tps_inputsize": [16, 64]}, "less than 32"),
    ],
)
def test_mistakes_are_reported(change, message):
    with pytest.raises(ConfigError, match=message):
        NETWORK_TRANSFORMS.build({"name": "STN_ON", **SETTINGS, **change}, "rec", in_channels=3)
