"""Names, shapes and outputs of the SVTR networks equal the reference's, with and without NRTR as auxiliary head."""

import pytest

from tests.conformance import load
from tests.conformance.parts import check_network
from tests.modeling.test_multi_networks import training_batch

WITH_AUXILIARY_HEAD = (
    "rec_repsvtr_gtc",
    "rec_svtrv2_gtc",
    "PP-OCRv6_tiny_rec",
    "PP-OCRv6_small_rec",
    pytest.param("PP-OCRv6_medium_rec", marks=pytest.mark.slow),
    pytest.param("ch_PP-OCRv4_rec_svtr_large", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("name", ["rec_svtrnet_ch"])
def test_network_equals_reference(name):
    check_network(load(f"models/rec__{name}.json"), "ctc")


def test_rectified_network_equals_reference():
    """The sampling grid comes from the inverse of a small matrix, hence the tolerance."""
    check_network(load("models/rec__rec_svtrnet.json"), "ctc", atol=2e-2)


@pytest.mark.parametrize("name", WITH_AUXILIARY_HEAD)
def test_network_with_auxiliary_head_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    check_network(reference, "ctc", training_batch(reference))
