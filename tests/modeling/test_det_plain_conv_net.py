"""The quick start's backbone: four maps, each half as large as the one before; wrong settings are refused."""

from __future__ import annotations

import paddle
import pytest

from ppocr.errors import ConfigError
from ppocr.registry import BACKBONES, NECKS


def test_maps_fit_the_pyramid() -> None:
    network = BACKBONES.build({"name": "PlainConvNet", "stem": 4, "channels": [4, 6, 8, 10]}, "det", in_channels=3)
    maps = network(paddle.zeros([2, 3, 64, 96]))
    assert [tuple(m.shape) for m in maps] == [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6), (2, 10, 2, 3)]
    assert network.out_channels == [4, 6, 8, 10]
    neck = NECKS.build({"name": "DBFPN", "out_channels": 8}, "det", in_channels=network.out_channels)
    assert tuple(neck(maps).shape) == (2, 8, 16, 24)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"channels": [8, 8, 8]}, "must name four stages"), ({"depths": [1, 1, 1, 0]}, "depths.3: expected an int of at")],
)
def test_other_than_four_stages_are_refused(wrong: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=f"PlainConvNet.*{said}"):
        BACKBONES.build({"name": "PlainConvNet", **wrong}, "det")
