"""The server detectors equal the reference's networks, and the parts of them that no network below uses."""

import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.losses.det_db import DBLoss
from ppocr.modeling.backbones.pp_hgnet import PPHGNet_small
from ppocr.modeling.backbones.pp_hgnet_v2 import PPHGNetV2_B4
from ppocr.modeling.heads.det_pf_head import PFHeadLocal
from ppocr.modeling.necks.lk_pan import LKPAN
from ppocr.modeling.necks.rse_fpn import RSEFPN
from ppocr.registry import HEADS
from tests.conformance import load
from tests.conformance.parts import check_network

MAPS = [paddle.full([1, c, 16 // 2**i, 32 // 2**i], 0.1) for i, c in enumerate((8, 16, 24, 32))]
WIDTHS = [x.shape[1] for x in MAPS]


@pytest.mark.parametrize(
    "name", ["PP-OCRv3_server_det", "ch_PP-OCRv4_det_teacher", "PP-OCRv4_server_det", "PP-OCRv5_server_det"]
)
def test_network_equals_reference(name):
    check_network(load(f"models/det__{name}.json"), "maps")


@pytest.mark.parametrize("backbone", [PPHGNet_small, PPHGNetV2_B4])
def test_some_stages_only(backbone):
    model = backbone(det=True, out_indices=[3, 1])
    model.eval()
    with paddle.no_grad():
        found = model(paddle.zeros([1, 3, 64, 96]))
    assert [m.shape[1:] for m in found] == [[c, 64 // s, 96 // s] for c, s in zip(model.out_channels, (8, 32))]
    with pytest.raises(ConfigError, match=r"out_indices: \[4\]"):
        backbone(det=True, out_indices=[4])


def test_light_large_kernels():
    """The names are those of checkpoints; the depthwise kernels have one channel."""
    neck = LKPAN(WIDTHS, 32, mode="lite", intracl=True)
    assert neck(MAPS).shape == [1, 32, 16, 32]
    shapes = {name: list(p.shape) for name, p in neck.named_parameters()}
    assert shapes["inp_conv.0.conv1.weight"] == [32, 1, 9, 9]
    assert shapes["inp_conv.0.conv_end.weight"] == [8, 32, 1, 1]
    assert "pan_lat_conv.0.conv_end.weight" not in shapes
    with pytest.raises(ConfigError, match="LKPAN.mode"):
        LKPAN(WIDTHS, 32, mode="small")


def test_rsefpn_with_collaborative_learning():
    neck = RSEFPN(WIDTHS, 32, intracl=True)
    assert neck(MAPS).shape == [1, 32, 16, 32]
    assert "incl4.c_layer_7x7.weight" in dict(neck.named_parameters())


def test_small_correction_learns():
    """Its loss reaches every parameter, the average of evaluation is that of its two maps."""
    head = PFHeadLocal(32, mode="small")
    assert dict(head.named_parameters())["cbn_layer.last_3.conv.weight"].shape == [4, 9, 3, 3]
    x = paddle.rand([2, 32, 8, 8])
    target = paddle.zeros([2, 32, 32])
    target[:, 8:20, 8:20] = 1.0
    batch = {key: target for key in ("shrink_map", "threshold_map", "threshold_mask")}
    losses = DBLoss(main_loss_type="BCELoss")(head(x), {**batch, "shrink_mask": paddle.ones_like(target)})
    assert float(losses["loss_cbn"]) > 0
    losses["loss"].backward()
    assert [name for name, p in head.named_parameters() if p.trainable and p.grad is None] == []
    head.eval()
    preds = head(x)
    text = paddle.nn.functional.sigmoid(head.binarize(x))
    assert float((preds["maps"] - (text + preds["cbn_maps"]) / 2).abs().max()) < 1e-6
    with pytest.raises(ConfigError, match="PFHeadLocal.mode"):
        HEADS.build({"name": "PFHeadLocal", "mode": "tiny"}, in_channels=32)


def test_every_trained_parameter_of_hgnet_v2_gets_a_gradient():
    for arguments in ({"det": True}, {"text_rec": True}):
        model = PPHGNetV2_B4(**arguments)
        y = model(paddle.rand([2, 3, 48, 64]))
        sum(m.sum() for m in (y if model.det else [y])).backward()
        assert [n for n, p in model.named_parameters() if p.trainable and p.grad is None] == []
    with pytest.raises(ConfigError, match="five numbers"):
        PPHGNetV2_B4(lr_mult_list=[1.0])
