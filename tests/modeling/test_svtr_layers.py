"""The blocks of SVTR."""

import numpy as np
import paddle
import pytest

from ppocr.modeling.layers.svtr import Attention, Block, BlockOptions, DropPath, as_map, as_sequence, local_mask


def test_paths_are_dropped_for_whole_samples_and_keep_the_mean():
    paddle.seed(3)
    layer = DropPath(0.25)
    x = paddle.ones([4000, 2, 3])
    y = layer(x).numpy()
    assert set(np.unique(y.round(4))) == {np.float32(0), np.float32(1.3333)}
    assert (y == y[:, :1, :1]).all()
    assert abs(y.mean() - 1) < 0.03
    layer.eval()
    assert (layer(x) == x).all()


@pytest.mark.parametrize("window", [(3, 5), (7, 11), (1, 1), (2, 4)])
def test_local_mask_is_a_window(window):
    height, width = 4, 6
    mask = local_mask((height, width), window)
    for row in range(height):
        for column in range(width):
            seen = np.isfinite(mask[row * width + column]).reshape(height, width)
            top, left = row - window[0] // 2, column - window[1] // 2
            wanted = np.zeros_like(seen)
            wanted[max(0, top) : top + window[0], max(0, left) : left + window[1]] = True
            assert (seen == wanted).all()


def test_local_attention_sees_no_further():
    mixer = Attention(8, 2, BlockOptions(), mask=local_mask((1, 9), (1, 3)))
    x = paddle.rand([1, 9, 8])
    changed = x.clone()
    changed[:, 8] = 5.0
    difference = (mixer(changed) - mixer(x)).abs().sum([0, 2]).numpy()
    assert (difference[:7] < 1e-6).all() and (difference[7:] > 1e-4).all()
    assert "mask" not in mixer.state_dict()  # so that checkpoints of the reference fit


def test_norms_first_or_last():
    x = paddle.rand([2, 5, 8])
    for prenorm in (False, True):
        y = Block(8, Attention(8, 2, BlockOptions()), BlockOptions(prenorm=prenorm))(x)
        normed = float(y.mean(-1).abs().max()) < 1e-4
        assert normed == prenorm


def test_maps_and_sequences():
    x = paddle.rand([2, 3, 4, 5])
    assert (as_map(as_sequence(x), 4) == x).all()
    assert (as_sequence(x)[:, 7] == x[:, :, 1, 2]).all()
