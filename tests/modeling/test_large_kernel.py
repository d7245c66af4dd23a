"""Large kernels and pyramids of them, before and after fusing."""

import paddle
import pytest

from ppocr.deploy.export import fuse
from ppocr.errors import ConfigError
from ppocr.modeling.architectures import build_model
from ppocr.modeling.layers.large_kernel import DILATED, DilatedReparamBlock
from ppocr.modeling.necks.rep_lk_fpn import RepLKFPN, RepLKPAN
from tests.conformance import load


@pytest.mark.parametrize("kernel_size", DILATED)
def test_fused_block_gives_the_same(kernel_size):
    paddle.seed(kernel_size)
    block = DilatedReparamBlock(4, kernel_size)
    for _ in range(2):
        block(paddle.randn([2, 4, 16, 20]))  # batch statistics that are not 0 and 1
    block.eval()
    x = paddle.randn([1, 4, 16, 20])
    expected = block(x)
    for _ in range(2):
        block.fuse()
        assert sorted(block.state_dict()) == ["lk_origin.bias", "lk_origin.weight"]
        assert float((block(x) - expected).abs().max()) < 1e-5


def test_other_sizes_are_refused():
    with pytest.raises(ConfigError, match="kernel size 3 is none of 5, 7, 9, 11, 13"):
        DilatedReparamBlock(4, 3)


@pytest.mark.parametrize("size", ["tiny", "medium"])
def test_fusing_removes_what_the_reference_removes(size):
    reference = load(f"models/det__PP-OCRv6_{size}_det.json")
    model = build_model(reference["architecture"])
    model.eval()
    assert sorted(set(model.state_dict()) - set(fuse(model).state_dict())) == sorted(reference["fused"]["removed"])


@pytest.mark.parametrize("neck", [RepLKFPN, RepLKPAN])
@pytest.mark.parametrize("intracl", [True, False])
def test_scales_in_training(neck, intracl):
    net = neck([8, 8, 16, 16], 16, intracl=intracl)
    maps = [paddle.rand([1, c, 32 >> i, 32 >> i]) for i, c in enumerate((8, 8, 16, 16))]
    found = net(maps)
    assert {key: value.shape[1:] for key, value in found.items()} == {
        "fuse": [16, 32, 32],
        "aux_p4": [16, 8, 8],
        "aux_p3": [16, 16, 16],
        "aux_p2": [16, 32, 32],
    }
    found["fuse"].sum().backward()
    assert all(p.grad is not None for p in net.parameters() if not p.stop_gradient)
    net.eval()
    assert net(maps).shape == [1, 16, 32, 32]
