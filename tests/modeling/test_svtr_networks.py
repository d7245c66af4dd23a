"""Names, shapes and outputs of the SVTR networks equal the reference's, with CTC alone or guided by NRTR."""

import pytest

from tests.conformance import load
from tests.conformance.networks import build, check_names, check_outputs
from tests.conformance.parts import check_fused
from tests.modeling.test_multi_networks import training_batch

GUIDED = (
    "rec_repsvtr_gtc",
    "rec_svtrv2_gtc",
    "PP-OCRv6_tiny_rec",
    "PP-OCRv6_small_rec",
    pytest.param("PP-OCRv6_medium_rec", marks=pytest.mark.slow),
    pytest.param("ch_PP-OCRv4_rec_svtr_large", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("name", ["rec_svtrnet_ch"])
def test_network_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    model = build(reference)
    check_names(model, reference)
    check_outputs(model, reference, "ctc")


def test_straightened_network_equals_reference():
    """Places in the image come from the inverse of a small matrix, hence the tolerance."""
    reference = load("models/rec__rec_svtrnet.json")
    model = build(reference)
    check_names(model, reference)
    check_outputs(model, reference, "ctc", atol=2e-2)


@pytest.mark.parametrize("name", GUIDED)
def test_guided_network_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    model = build(reference)
    check_names(model, reference)
    if "fused" in reference:
        check_fused(model, reference, "ctc")
    check_outputs(model, reference, "ctc", training_batch(reference))
