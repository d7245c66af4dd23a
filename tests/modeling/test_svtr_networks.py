"""Names, shapes and outputs of the SVTR networks equal the reference's."""

import pytest

from tests.conformance import load
from tests.conformance.networks import build, check_names, check_outputs

NETWORKS = ("rec_svtrnet_ch",)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    model = build(reference)
    check_names(model, reference)
    check_outputs(model, reference, "ctc")
