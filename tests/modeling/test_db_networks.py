"""Names, shapes and outputs of the DB networks equal the reference's."""

import pytest

from tests.conformance import load
from tests.conformance.parts import check_backbone, check_network

NETWORKS = (
    "det_mv3_db",
    "ch_PP-OCRv2_det_student",
    "ch_PP-OCRv3_det_student",
    "ch_PP-OCRv4_det_student",
    "PP-OCRv4_mobile_det",
    "ch_det_res18_db_v2.0",
    "det_r50_vd_db",
    "det_r50_db++_icdar15",
    "det_repsvtr_db",
    "PP-OCRv6_tiny_det",
    "PP-OCRv6_small_det",
    "PP-OCRv6_medium_det",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_equals_reference(name):
    check_network(load(f"models/det__{name}.json"), "maps")


def test_deformable_resnet_vd_equals_reference():
    """The backbone of another detector: two groups of offsets, three of the four maps."""
    model = check_backbone(load("models/det__det_r50_vd_dcn_fce_ctw.json"))
    assert model.backbone.out_channels == [512, 1024, 2048]
