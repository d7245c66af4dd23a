import cv2
import numpy as np
import paddle
import pytest
from paddle import inference, nn

from ppocr.deploy.export import save_program
from ppocr.deploy.inference_schema import TensorSpec
from ppocr.deploy.model_files import find_program
from ppocr.errors import ConfigError
from ppocr.losses.det_db import DBLoss
from ppocr.modeling.architectures import build_model
from ppocr.modeling.backbones.det_mobilenet_v3 import MobileNetV3
from ppocr.modeling.backbones.det_resnet import ResNet, ResNet_vd
from ppocr.modeling.heads.det_db_head import DBHead
from ppocr.modeling.layers.conv_norm import SEModule
from ppocr.modeling.layers.deformable import DeformableConv2D
from ppocr.modeling.layers.mobilenet_v3 import SCALES
from ppocr.modeling.necks.db_fpn import DBFPN
from ppocr.registry import BACKBONES

MOBILE = {"name": "MobileNetV3", "scale": 0.35, "model_name": "small", "disable_se": True}
DEFORMABLE = {"name": "ResNet", "layers": 50, "dcn_stage": [False, True, True, True]}


def db(backbone, **neck):
    neck = {"name": "DBFPN", "out_channels": 16, **neck}
    return {"model_type": "det", "Backbone": backbone, "Neck": neck, "Head": {"name": "DBHead", "k": 50}}


def sides(features):
    return [tuple(f.shape[1:]) for f in features]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("model_name", ["small", "large"])
def test_mobilenet_scales(model_name, scale):
    net = MobileNetV3(model_name=model_name, scale=scale)
    maps = net(paddle.zeros([1, 3, 64, 96]))
    assert sides(maps) == [(c, 16 >> i, 24 >> i) for i, c in enumerate(net.out_channels)]


def test_mobilenet_without_squeezing():
    assert not any(isinstance(layer, SEModule) for layer in MobileNetV3(disable_se=True).sublayers())


@pytest.mark.parametrize(("layers", "blocks"), [(18, 8), (34, 16), (50, 16), (101, 33), (152, 50), (200, 66)])
def test_resnet_vd_depths(layers, blocks):
    net = ResNet_vd(layers=layers)
    assert len({name.split(".")[0] for name in net.state_dict() if name.startswith("bb_")}) == blocks
    assert net.out_channels == ([64, 128, 256, 512] if layers < 50 else [256, 512, 1024, 2048])
    maps = net(paddle.zeros([1, 3, 32, 64]))
    assert sides(maps) == [(c, 8 >> i, 16 >> i) for i, c in enumerate(net.out_channels)]


@pytest.mark.parametrize(
    ("layers", "third", "last"), [(18, "res4b", "res5b"), (50, "res4f", "res5c"), (101, "res4b22", "res5c")]
)
def test_resnet_names(layers, third, last):
    net = ResNet(layers=layers)
    names = list(dict.fromkeys(name.split(".")[0] for name in net.state_dict()))
    assert names[0] == "conv" and names[1] == "res2a" and names[-1] == last
    assert [n for n in names if n.startswith("res4")][-1] == third
    assert sides(net(paddle.zeros([1, 3, 64, 32]))) == [(c, 16 >> i, 8 >> i) for i, c in enumerate(net.out_channels)]


def test_stages_given_out():
    net = ResNet(layers=18, out_indices=[1, 3])
    assert net.out_channels == [128, 512]
    assert sides(net(paddle.zeros([1, 3, 32, 32]))) == [(128, 4, 4), (512, 1, 1)]


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (ResNet_vd, {"layers": 20}, "ResNet_vd.layers: expected 18, 34, 50, 101, 152 or 200"),
        (ResNet, {"layers": 200}, "ResNet.layers: expected 18, 34, 50, 101 or 152, got an int 200"),
        (ResNet, {"dcn_stage": [True]}, "four values are needed"),
        (ResNet_vd, {"layers": 18, "dcn_stage": [False, True, True, True]}, "fewer than 50 layers have none"),
        (ResNet, {"out_indices": [3, 4]}, "not all among 0, 1, 2, 3"),
        (MobileNetV3, {"scale": 0.6}, "MobileNetV3.scale"),
        (MobileNetV3, {"model_name": "tiny"}, "MobileNetV3.model_name: expected 'small' or 'large'"),
    ],
)
def test_wrong_values_are_named(cls, settings, message):
    with pytest.raises(ConfigError, match=message):
        BACKBONES.build({"name": cls.__name__, **settings}, "det")


def test_auxiliary_maps_need_features_of_three_scales():
    head = DBHead(16, aux_in_channels=16)
    features = paddle.ones([1, 16, 8, 8])
    with pytest.raises(ConfigError, match="aux_in_channels: the neck gives no auxiliary features"):
        head(features)
    head.eval()
    assert sides([head(features)["maps"]]) == [(1, 32, 32)]


def test_pyramid_adds_coarse_maps_to_finer_ones():
    neck = DBFPN([4, 6, 8, 10], 8)
    features = [paddle.randn([1, c, 16 >> i, 16 >> i]) for i, c in enumerate((4, 6, 8, 10))]
    before = neck(features)
    assert list(before.shape) == [1, 8, 16, 16]
    features[3] = features[3] + 1.0
    assert all(float((neck(features) - before)[:, c].abs().max()) > 0 for c in range(8))
    features[0] = features[0] + 1.0
    changed = (neck(features) - before)[:, :6]  # the last quarter alone sees the finest map
    features[0] = features[0] - 1.0
    assert paddle.allclose(changed, (neck(features) - before)[:, :6])


def test_fusion_weights_each_scale_at_each_place():
    neck = DBFPN([4, 4, 4, 4], 8, use_asf=True)
    plain = DBFPN([4, 4, 4, 4], 8)
    plain.set_state_dict({k: v for k, v in neck.state_dict().items() if not k.startswith("asf")})
    features = [paddle.randn([2, 4, 16 >> i, 16 >> i]) for i in range(4)]
    weights = (neck(features) / plain(features)).numpy()
    assert (weights >= 0).all() and (weights <= 1).all()
    np.testing.assert_allclose(weights[:, 0::2], weights[:, 1::2], rtol=1e-3)  # one weight for both of a scale


def test_head_gives_three_maps_in_training_and_one_in_evaluation():
    head = DBHead(16, k=20, kernel_list=(7, 2, 2))
    x = paddle.randn([2, 16, 8, 12])
    maps = head(x)["maps"].numpy()
    assert maps.shape == (2, 3, 32, 48)
    np.testing.assert_allclose(maps[:, 2], 1 / (1 + np.exp(-20 * (maps[:, 0] - maps[:, 1]))), atol=1e-5)
    head.eval()
    assert list(head(x)["maps"].shape) == [2, 1, 32, 48]


class HalfPrecision(nn.Layer):
    """Stands for what mixed precision makes of a head on a GPU."""

    def forward(self, x):
        return x[:, :1].astype("float16")


def test_probabilities_near_one_stay_below_it_in_mixed_precision():
    head = DBHead(16)
    head.binarize, head.thresh = HalfPrecision(), HalfPrecision()
    maps = head(paddle.full([1, 16, 4, 4], 12.0))["maps"]
    assert maps.dtype == paddle.float32
    assert 0.99999 < float(maps[:, 0].min()) <= float(maps[:, 0].max()) < 1.0


@pytest.mark.parametrize("fixed", [False, True])
def test_head_turns_nan_into_zero_when_asked(fixed):
    head = DBHead(8, fix_nan=fixed)
    head.binarize.conv3.bias.set_value(np.array([np.nan], np.float32))
    assert bool(paddle.isfinite(head(paddle.randn([1, 8, 4, 4]))["maps"]).all()) is fixed


def test_deformable_convolution_starts_as_half_a_plain_one():
    layer = DeformableConv2D(4, 6, 3, stride=2, groups=2)
    x = paddle.randn([1, 4, 9, 8])
    plain = nn.functional.conv2d(x, layer.conv_dcn.weight, stride=2, padding=1)
    assert paddle.allclose(layer(x), 0.5 * plain, atol=1e-5)


def test_deformable_convolution_moves_its_taps():
    """With each tap moved one pixel to the right, the result is that of the image moved to the left."""
    layer = DeformableConv2D(1, 1, 3)
    right = np.zeros(27, np.float32)
    right[1:18:2] = 1.0  # the offsets are (y, x) of each tap
    layer.conv_offset.bias.set_value(right)
    x = paddle.randn([1, 1, 8, 8])
    moved = nn.functional.pad(x, [0, 1, 0, 0])[:, :, :, 1:]
    plain = nn.functional.conv2d(moved, layer.conv_dcn.weight, padding=1)
    assert paddle.allclose(layer(x)[:, :, 1:-1, 1:-2], 0.5 * plain[:, :, 1:-1, 1:-2], atol=1e-5)


def page():
    """Return one image with a dark bar on it, and its maps."""
    image = np.full((64, 64, 3), 255, np.uint8)
    cv2.rectangle(image, (8, 24), (56, 40), (0, 0, 0), -1)
    text = np.zeros((1, 64, 64), np.float32)
    text[0, 28:36, 12:52] = 1
    names = ("shrink_map", "shrink_mask", "threshold_map", "threshold_mask")
    maps = (text, np.ones_like(text), np.full_like(text, 0.3), np.ones_like(text))
    x = (image.transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
    return paddle.to_tensor(x), {name: paddle.to_tensor(value) for name, value in zip(names, maps)}


@pytest.mark.parametrize(
    ("backbone", "neck", "steps"),
    [(MOBILE, {}, 20), ({"name": "ResNet_vd", "layers": 18}, {}, 10), (DEFORMABLE, {"use_asf": True}, 8)],
    ids=["mobilenet", "resnet_vd", "deformable"],
)
def test_networks_learn(backbone, neck, steps):
    paddle.seed(1)
    model = build_model(db(backbone, **neck))
    optimizer = paddle.optimizer.Adam(1e-3, parameters=model.parameters())
    image, batch = page()
    losses = []
    for _ in range(steps):
        loss = DBLoss(main_loss_type="BCELoss")(model(image), batch)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    assert losses[-1] < 0.9 * losses[0]
    for name, parameter in model.named_parameters():
        assert np.isfinite(parameter.numpy()).all(), name
    offsets = [p for name, p in model.named_parameters() if "conv_offset.weight" in name]
    assert all(p.abs().max() > 0 for p in offsets)  # they start at zero: the gradient reaches them


@pytest.mark.parametrize(
    ("backbone", "neck"),
    [(MOBILE, {}), ({"name": "ResNet_vd", "layers": 18}, {}), (DEFORMABLE, {"use_asf": True})],
    ids=["mobilenet", "resnet_vd", "deformable"],
)
def test_exported_equals_built_at_any_size(backbone, neck, tmp_path):
    paddle.seed(1)
    model = build_model(db(backbone, **neck))
    for name, parameter in model.named_parameters():
        if "conv_offset" in name:
            parameter.set_value(paddle.randn(parameter.shape) * 0.02)
    model.eval()
    save_program(model, [TensorSpec("x", "image", (-1, 3, -1, -1))], ("maps",), tmp_path, ir=None)
    config = inference.Config(*map(str, find_program(tmp_path)))
    config.disable_mkldnn()
    config.disable_glog_info()
    predictor = inference.create_predictor(config)
    for count, height, width in ((1, 64, 96), (2, 32, 32)):
        image = np.random.RandomState(width).uniform(-1, 1, (count, 3, height, width)).astype(np.float32)
        handle = predictor.get_input_handle(predictor.get_input_names()[0])
        handle.reshape(image.shape)
        handle.copy_from_cpu(image)
        predictor.run()
        exported = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
        assert exported.shape == (count, 1, height, width)
        np.testing.assert_allclose(exported, model(paddle.to_tensor(image))["maps"].numpy(), atol=1e-4, rtol=0)
