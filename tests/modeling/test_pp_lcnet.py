"""PP-LCNet has the parameters of the official classifiers, in the order their inference models hold them."""

from __future__ import annotations

import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.modeling.architectures import build_model
from ppocr.modeling.backbones.pp_lcnet import PPLCNet

LINES = [2, [2, 1], [2, 1], [2, 1], [2, 1]]
# kernel and output channels of each depthwise and pointwise pair of the official model
PAIRS = [(3, 32), (3, 64), (3, 64), (3, 128), (3, 128), (3, 256), *[(5, 256)] * 5, (5, 512), (5, 512)]


def official_shapes(classes: int) -> list[list[int]]:
    """Return the shapes of the arrays of PP-LCNet_x1_0_{textline,doc}_ori's inference models, in their order."""
    shapes = [[16, 3, 3, 3], *[[16]] * 4]
    width = 16
    for number, (kernel, out) in enumerate(PAIRS):
        shapes += [[width, 1, kernel, kernel], *[[width]] * 4]
        if number >= len(PAIRS) - 2:
            shapes += [[width // 4, width, 1, 1], [width // 4], [width, width // 4, 1, 1], [width]]
        shapes += [[out, width, 1, 1], *[[out]] * 4]
        width = out
    return [*shapes, [1280, 512, 1, 1], [1280, classes], [classes]]


@pytest.mark.parametrize("strides, classes, size", [(LINES, 2, (80, 160)), ([2] * 5, 4, (224, 224))])
def test_parameters_are_those_of_the_official_models(strides: list, classes: int, size: tuple[int, int]) -> None:
    backbone = {"name": "PPLCNet", "stride_list": strides}
    model = build_model({"model_type": "cls", "Backbone": backbone, "Head": {"name": "ClsHead", "class_dim": classes}})
    state = model.state_dict()
    assert [list(t.shape) for t in state.values()] == official_shapes(classes) and len(state) == 146
    names = list(state)
    assert names[0] == "backbone.conv1.conv.weight" and names[5] == "backbone.blocks2.0.dw_conv.conv.weight"
    assert "backbone.blocks6.1.se.conv2.bias" in names and names[-3:-1] == [
        "backbone.last_conv.weight",
        "head.fc.weight",
    ]
    model.eval()
    with paddle.no_grad():
        found = model(paddle.ones([2, 3, *size]))["cls"]
    assert found.shape == [2, classes]
    assert float((found.sum(axis=1) - 1).abs().max()) < 1e-5


def test_what_training_leaves_out_is_missing_from_the_sum_in_prediction() -> None:
    """The official weights were trained with a dropout that scales in prediction, not in training."""
    backbone = PPLCNet(scale=0.25, class_expand=64, dropout_prob=0.2)
    whole = PPLCNet(scale=0.25, class_expand=64, dropout_prob=0.0)
    whole.set_state_dict(backbone.state_dict())
    backbone.eval()
    whole.eval()
    x = paddle.randn([1, 3, 32, 32])
    with paddle.no_grad():
        assert float((backbone(x) - 0.8 * whole(x)).abs().max()) < 1e-6


def test_maps_without_the_last_layer() -> None:
    backbone = PPLCNet(scale=0.5, stride_list=LINES, use_last_conv=False)
    assert backbone.out_channels == 256 and backbone(paddle.ones([1, 3, 64, 64])).shape == [1, 256, 2, 32]
    with pytest.raises(ConfigError, match="five strides"):
        PPLCNet(stride_list=[2, 2])
