"""Names, shapes and outputs of the classifiers equal the reference's."""

import pytest

from ppocr.errors import ConfigError
from ppocr.registry import HEADS
from tests.conformance import load
from tests.conformance.parts import check_network

NETWORKS = ("cls_mv3", "ch_PP-OCRv3_rotnet")


@pytest.mark.parametrize("name", NETWORKS)
def test_network_equals_reference(name):
    check_network(load(f"models/cls__{name}.json"), "cls")


def test_one_class_is_refused():
    with pytest.raises(ConfigError, match="ClsHead.class_dim: expected an int of at least 2"):
        HEADS.build({"name": "ClsHead", "class_dim": 1}, "cls", in_channels=8)
