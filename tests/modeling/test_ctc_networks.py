"""Names, shapes and outputs of the CTC networks equal the reference's."""

import pytest

from tests.conformance import load
from tests.conformance.parts import check_network

LITE = ("arabic", "cyrillic", "devanagari", "en_number", "french", "german", "hebrew", "japan", "korean", "latin")
NETWORKS = (
    "rec_icdar15_train",
    "rec_mv3_none_bilstm_ctc",
    "rec_mv3_none_none_ctc",
    "rec_r34_vd_none_bilstm_ctc",
    "rec_r34_vd_none_none_ctc",
    "rec_chinese_lite_train_v2.0",
    "rec_chinese_common_train_v2.0",
    *(f"rec_{language}_lite_train" for language in (*LITE, "multi_language", "samaritan", "syriac")),
)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_equals_reference(name):
    check_network(load(f"models/rec__{name}.json"), "ctc")
