"""Backbones of text lines that are shared with detection equal the reference's, and what pools their last rows."""

import paddle
import pytest

from ppocr.deploy.export import fuse
from ppocr.errors import ConfigError
from ppocr.modeling.architectures import build_model
from ppocr.modeling.backbones.pp_lcnet_v3 import PPLCNetV3
from tests.conformance import load
from tests.conformance.networks import image
from tests.conformance.parts import check_backbone


@pytest.mark.parametrize("name", ["ch_PP-OCRv4_rec", "ch_PP-OCRv4_rec_hgnet", "PP-OCRv5_server_rec"])
def test_backbone_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    model = check_backbone(reference)
    assert model.backbone.out_channels == reference["eval_outputs"]["backbone"]["shape"][1]


def test_fused_backbone_gives_the_same():
    reference = load("models/rec__ch_PP-OCRv4_rec.json")
    model = check_backbone(reference)
    fused = fuse(model)
    before, after = model.state_dict(), fused.state_dict()
    assert sorted([k, list(v.shape)] for k, v in after.items() if k not in before) == sorted(
        reference["fused"]["added"]
    )
    assert not any("conv_kxk" in name or "conv_1x1" in name or "identity" in name for name in after)
    x = image(reference)
    with paddle.no_grad():
        expected, found = model(x)["backbone_out"], fused(x)["backbone_out"]
    assert float((expected - found).abs().max()) <= 1e-4 * max(1.0, float(expected.abs().max()))
    fused.backbone.blocks2[0].dw_conv.fuse()  # again: nothing left to do
    with paddle.no_grad():
        assert bool((fused(x)["backbone_out"] == found).all())


@pytest.mark.parametrize("width", [160, 320, 500])
def test_always_40_steps_in_training(width):
    model = build_model({"model_type": "rec", "Backbone": {"name": "PPLCNetV3", "scale": 0.5}})
    x = paddle.ones([2, 3, 48, width])
    model.train()
    assert model(x)["backbone_out"].shape == [2, 256, 1, 40]
    model.eval()
    assert model(x)["backbone_out"].shape == [2, 256, 1, (width + 3) // 4 // 2]


def test_low_images_are_refused():
    model = PPLCNetV3(scale=0.35)
    model.eval()
    with pytest.raises(ConfigError, match="2 rows.*3 are needed"):
        model(paddle.ones([1, 3, 32, 64]))


def test_every_trained_parameter_gets_a_gradient():
    """Parameters nothing uses are kept for the checkpoints, but not trained."""
    for det in (False, True):
        model = PPLCNetV3(scale=0.35, det=det)
        y = model(paddle.rand([2, 3, 48, 96]))
        sum(m.sum() for m in (y if det else [y])).backward()
        assert [n for n, p in model.named_parameters() if p.trainable and p.grad is None] == []


def test_rate_factors():
    model = PPLCNetV3(scale=0.35, lr_mult_list=[0.0, 0.25, 0.5, 1.0, 1.0, 1.0], lab_lr=0.5)
    rates = {n: p.optimize_attr["learning_rate"] for n, p in model.named_parameters()}
    assert rates["conv1.conv.weight"] == 0.0
    assert rates["blocks2.0.dw_conv.lab.scale"] == 0.125
    assert rates["blocks3.0.dw_conv.conv_kxk.0.conv.weight"] == 0.5
    with pytest.raises(ConfigError, match="six numbers"):
        PPLCNetV3(lr_mult_list=[1.0])
