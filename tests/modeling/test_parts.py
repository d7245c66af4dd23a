import numpy as np
import paddle
import pytest

from ppocr.codecs.ctc import CTCCodec
from ppocr.modeling.backbones.plain_conv_net import PlainConvNet
from ppocr.modeling.backbones.rec_mobilenet_v3 import MobileNetV3
from ppocr.modeling.backbones.rec_resnet_vd import ResNet
from ppocr.modeling.heads.rec_ctc_head import CTCHead
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.mobilenet_v3 import SCALES
from ppocr.modeling.necks.sequence_encoder import SequenceEncoder


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("model_name", ["small", "large"])
def test_mobilenet_scales(model_name, scale):
    net = MobileNetV3(model_name=model_name, scale=scale, small_stride=[1, 2, 2, 2])
    assert list(net(paddle.zeros([1, 3, 32, 64])).shape) == [1, net.out_channels, 1, 16]


def test_mobilenet_options():
    net = MobileNetV3(small_stride=[1, 2, 2, 2], disable_se=True, last_pool_type="avg", last_pool_kernel_size=[2, 1])
    assert not any(isinstance(layer, SEModule) for layer in net.sublayers())
    assert list(net(paddle.zeros([1, 3, 32, 64])).shape) == [1, 288, 1, 32]


@pytest.mark.parametrize(("layers", "parameters"), [(18, 11.2e6), (50, 23.5e6), (101, 42.5e6)])
def test_resnet_depths(layers, parameters):
    net = ResNet(layers=layers)
    assert sum(int(p.size) for p in net.parameters()) == pytest.approx(parameters, rel=0.02)
    assert list(net(paddle.zeros([1, 3, 32, 32])).shape) == [1, net.out_channels, 1, 8]


def test_deepest_resnets_have_all_blocks():
    for layers, blocks in ((152, 50), (200, 66)):
        names = {name.split(".")[0] for name in ResNet(layers=layers).state_dict() if name.startswith("bb_")}
        assert len(names) == blocks


@pytest.mark.parametrize("height", [32, 48])
@pytest.mark.parametrize("channels", [[4, 6, 8, 8], [4, 6], [4, 6, 8, 8, 10]])
def test_plain_conv_net(channels, height):
    net = PlainConvNet(3, channels=channels)
    assert list(net(paddle.zeros([2, 3, height, 80])).shape) == [2, channels[-1], 1, 20]


@pytest.mark.parametrize(
    ("settings", "width"),
    [
        ({"encoder_type": "reshape"}, 12),
        ({"encoder_type": "fc", "hidden_size": 9}, 9),
        ({"encoder_type": "rnn", "hidden_size": 9}, 18),
        ({"encoder_type": "cascadernn", "hidden_size": 9}, 18),
        ({"encoder_type": "cascadernn", "hidden_size": 9, "out_channels": [5, 7], "with_linear": True}, 7),
    ],
)
def test_sequence_encoders(settings, width):
    neck = SequenceEncoder(12, **settings)
    assert neck.out_channels == width
    assert list(neck(paddle.randn([2, 12, 1, 6])).shape) == [2, 6, width]


def test_cascade_names_are_those_of_checkpoints():
    neck = SequenceEncoder(512, "cascadernn", 256, out_channels=[256, 512], with_linear=True)
    shapes = {name: list(t.shape) for name, t in neck.state_dict().items()}
    assert shapes["encoder.encoder.0.rnn.weight_ih_l0"] == [1024, 512]
    assert shapes["encoder.encoder.0.linear.weight"] == [512, 256]
    assert shapes["encoder.encoder.1.rnn.0.cell_bw.weight_ih"] == [1024, 256]
    assert shapes["encoder.encoder.1.linear.weight"] == [512, 512]


def test_ctc_head_decay_and_initial_values():
    head = CTCHead(100, CTCCodec.of_size(50), fc_decay=0.002)
    for parameter in (head.fc.weight, head.fc.bias):
        assert parameter.regularizer._coeff == pytest.approx(0.002)
    values = head.fc.weight.numpy()
    assert np.abs(values).max() <= 0.1
    assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.1)


def test_ctc_head_with_a_middle_layer():
    head = CTCHead(10, CTCCodec.of_size(5), mid_channels=7, return_feats=True)
    assert list(head.state_dict()) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    x = paddle.randn([2, 4, 10])
    preds = head(x)
    assert list(preds) == ["ctc", "ctc_neck"]
    assert paddle.allclose(preds["ctc_neck"], head.fc1(x))
    assert paddle.allclose(preds["ctc"], head.fc2(head.fc1(x)), atol=1e-6)


def test_ctc_head_promises_features_only_when_it_gives_them():
    assert CTCHead(4, CTCCodec.of_size(3)).train_outputs == ()
    assert CTCHead(4, CTCCodec.of_size(3), return_feats=True).train_outputs == ("ctc_neck",)
