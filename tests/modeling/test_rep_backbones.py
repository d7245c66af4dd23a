"""Backbones of SVTRv2's and PP-OCRv6's families equal the reference's, fused or not."""

from typing import Any

import paddle
import pytest

from ppocr.deploy.export import fuse
from ppocr.errors import ConfigError
from ppocr.modeling.backbones.det_repsvtr import RepSVTR_det
from ppocr.modeling.backbones.pp_lcnet_v4 import PPLCNetV4
from ppocr.modeling.backbones.rec_repsvtr import RepSVTR
from ppocr.modeling.backbones.rec_svtrnet import SVTRNet
from ppocr.modeling.backbones.rec_svtrv2 import SVTRv2
from ppocr.registry import BACKBONES
from tests.conformance import load
from tests.conformance.networks import image
from tests.conformance.parts import check_backbone

NETWORKS = (
    "rec__rec_repsvtr_gtc",
    "rec__PP-OCRv6_tiny_rec",
    "det__det_repsvtr_db",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_backbone_equals_reference(name):
    reference = load(f"models/{name}.json")
    model = check_backbone(reference)
    fused = fuse(model)
    if fused is model:
        return
    if "fused" in reference:
        before, after = model.state_dict(), fused.state_dict()
        added = [[key, list(value.shape)] for key, value in after.items() if key not in before]
        assert sorted(added) == sorted(e for e in reference["fused"]["added"] if e[0].startswith("backbone."))
        assert all(key in reference["fused"]["removed"] for key in set(before) - set(after))
    x = image(reference)
    with paddle.no_grad():
        expected, found = (net(x)["backbone_out"] for net in (model, fused))
    pairs = zip(expected, found) if isinstance(expected, list) else [(expected, found)]
    for one, other in pairs:
        assert float((one - other).abs().max()) <= 1e-4 * max(1.0, float(one.abs().max()))


def test_fusing_repsvtr_leaves_no_batch_norm_and_can_be_repeated():
    net = RepSVTR_det()
    net.eval()
    x = paddle.rand([1, 3, 32, 64])
    expected = net(x)
    for _ in range(2):
        net.fuse()
        assert not any("bn" in name or "_mean" in name for name in net.state_dict())
        for one, other in zip(expected, net(x)):
            assert float((one - other).abs().max()) < 1e-4


@pytest.mark.parametrize("net", [RepSVTR(), SVTRv2(depths=(1, 2, 1), mixer=[["Conv"], ["Conv", "Global"], ["Global"]])])
def test_lines_of_any_width(net):
    net.eval()
    shapes = [net(paddle.zeros([1, 3, 32, width])).shape for width in (64, 104)]
    if isinstance(net, RepSVTR):
        assert shapes == [[1, 384, 1, 8], [1, 384, 1, 13]]
    else:
        assert shapes == [[1, 4 * 16, 256], [1, 4 * 26, 256]]  # stride (1, 1), then (2, 1)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"use_pool": True}, [2, 32, 1, 8]),
        ({"feat2d": True}, [2, 32, 8, 16]),
        ({"last_stage": True, "out_channels": 24}, [2, 16, 24]),
        ({"use_pos_embed": True, "max_sz": [32, 64]}, [2, 8 * 16, 32]),
    ],
)
def test_ends_of_svtrv2(settings, shape):
    net = SVTRv2(depths=(1, 1), dims=(16, 32), num_heads=(2, 4), mixer=[["Conv"], ["Global"]], **settings)
    y = net(paddle.rand([2, 3, 32, 64]))
    assert y.shape == shape and net.out_channels == (shape[1] if len(shape) == 4 else shape[2])
    y.sum().backward()
    assert all(p.grad is not None for p in net.parameters() if not p.stop_gradient)


@pytest.mark.parametrize("merging", ["Conv", "Pool", None])
@pytest.mark.parametrize("last_stage", [True, False])
def test_forms_of_svtrnet(merging, last_stage):
    net = SVTRNet(
        img_size=[32, 64],
        embed_dim=[16, 16, 16] if merging is None else [16, 24, 32],
        depth=[1, 1, 1],
        num_heads=[2, 2, 2],
        mixer=["Local", "Conv", "Global"],
        local_mixer=[[3, 5]] * 3,
        patch_merging=merging,
        out_channels=20,
        out_char_num=10,
        last_stage=last_stage,
        drop_path_rate=0.5,
    )
    y = net(paddle.rand([2, 3, 32, 64]))
    rows = 8 if merging is None else 2
    assert y.shape == ([2, 20, 1, 10] if last_stage else [2, rows * 16, net.out_channels])
    y.sum().backward()
    assert net.pos_embed.grad is not None


def test_lines_have_forty_columns_in_training_only():
    net = PPLCNetV4(model_size="tiny")
    x = paddle.rand([2, 3, 48, 160])
    assert net(x).shape == [2, 160, 1, 40]
    net.eval()
    assert net(x).shape == [2, 160, 1, 20]


def built(name: str, **settings: Any) -> Any:
    return BACKBONES.build({"name": name, **settings}, "rec")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: built("PPLCNetV4", model_size="huge"), "model_size: expected 'tiny', 'small' or 'medium'"),
        (lambda: PPLCNetV4(lr_mult_list=[1.0]), "six numbers"),
        (lambda: RepSVTR_det(out_indices=[2, 14]), "out_indices"),
        (lambda: SVTRNet(mixer=["Local"] * 11), "11 blocks are named, depth asks for 12"),
        (lambda: built("SVTRNet", mixer=["local"] * 12), "mixer.0: expected 'Global', 'Local' or 'Conv'.* mean Local?"),
        (lambda: SVTRNet()(paddle.zeros([1, 3, 32, 320])), r"made for images of \[32, 100\], not \[32, 320\]"),
        (lambda: SVTRv2(mixer=[["Conv"] * 3]), "stage 2 needs 6 mixers"),
        (lambda: SVTRv2(depths=(2,), dims=(8,), mixer=[["Global", "Conv"]]), "cannot follow an attention"),
    ],
)
def test_mistakes_are_reported(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
