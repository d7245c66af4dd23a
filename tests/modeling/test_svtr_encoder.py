"""The svtr encoder: its keys, its gradient, and any width."""

import numpy as np
import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.modeling.backbones.rec_mv1_enhance import MobileNetV1Enhance
from ppocr.modeling.necks.sequence_encoder import SequenceEncoder
from ppocr.registry import BACKBONES

SMALL = {"dims": 8, "depth": 1, "hidden_dims": 16}


def test_keys_of_another_encoder_are_refused():
    with pytest.raises(ConfigError, match="SequenceEncoder.dims: the encoder 'rnn' has no such key"):
        SequenceEncoder(16, "rnn", dims=8)
    with pytest.raises(ConfigError, match="hidden_dims: 20 is no multiple of the 8 heads"):
        SequenceEncoder(16, "svtr", hidden_dims=20)
    assert SequenceEncoder(16, "reshape", hidden_size=96).out_channels == 16  # upstream: given, but unused


def test_detached_encoder_keeps_its_gradient():
    for detached in (False, True):
        x = paddle.rand([2, 16, 1, 6])
        x.stop_gradient = False
        encoder = SequenceEncoder(16, "svtr", use_guide=detached, **SMALL)
        encoder(x).sum().backward()
        assert (x.grad is None) == detached
        assert encoder.encoder.conv1.conv.weight.grad is not None


def test_width_is_free():
    encoder = SequenceEncoder(16, "svtr", kernel_size=[1, 3], **SMALL)
    encoder.eval()
    assert encoder(paddle.rand([1, 16, 1, 33])).shape == [1, 33, 8]


def test_backbone_pools_as_asked():
    x = paddle.to_tensor(np.random.RandomState(0).rand(1, 3, 48, 64).astype(np.float32))
    keys = {"last_conv_stride": [1, 2], "last_pool_type": "avg", "last_pool_kernel_size": [2, 2]}
    assert MobileNetV1Enhance(scale=0.25, **keys)(x).shape == [1, 256, 1, 8]
    assert MobileNetV1Enhance(scale=0.25)(x[:, :, :32]).shape == [1, 256, 1, 16]
    with pytest.raises(ConfigError, match="last_pool_type: expected 'max' or 'avg'"):
        BACKBONES.build({"name": "MobileNetV1Enhance", "last_pool_type": "mean"}, "rec")
