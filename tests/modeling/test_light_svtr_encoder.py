"""The lightsvtr encoder equals the reference's inside PP-OCRv6's networks; its gradient, and any width."""

import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.modeling.necks.sequence_encoder import SequenceEncoder
from tests.conformance import load

SMALL = {"dims": 16, "depth": 1}
PREFIX = "head.ctc_encoder."


@pytest.mark.parametrize("size", ["small", "medium"])
def test_names_equal_reference(size):
    reference = load(f"models/rec__PP-OCRv6_{size}_rec.json")
    keys = dict(reference["architecture"]["Head"]["head_list"][0]["CTCHead"]["Neck"])
    encoder = SequenceEncoder(reference["eval_outputs"]["backbone"]["shape"][1], keys.pop("name"), **keys)
    names = [[key.removeprefix(PREFIX), shape] for key, shape, _ in reference["state_dict"] if key.startswith(PREFIX)]
    assert [[key, list(value.shape)] for key, value in encoder.state_dict().items()] == names
    assert encoder.out_channels == keys["dims"]


def test_detached_encoder_keeps_its_gradient():
    for detached in (False, True):
        x = paddle.rand([2, 24, 1, 6])
        x.stop_gradient = False
        encoder = SequenceEncoder(24, "lightsvtr", use_guide=detached, **SMALL)
        encoder(x).sum().backward()
        assert (x.grad is None) == detached
        assert encoder.encoder.skip_conv.conv.weight.grad is not None


def test_width_is_free():
    encoder = SequenceEncoder(24, "lightsvtr", local_kernel=5, **SMALL)
    encoder.eval()
    assert encoder(paddle.rand([1, 24, 1, 33])).shape == [1, 33, 16]
    with pytest.raises(ConfigError, match="dims: 20 is no multiple of the 8 heads"):
        SequenceEncoder(24, "lightsvtr", dims=20)
