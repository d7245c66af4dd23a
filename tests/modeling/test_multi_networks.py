"""Names, shapes and outputs of the networks of PP-OCRv2 to v4 equal the reference's."""

import pytest

from tests.conformance import load
from tests.conformance.networks import build, check_names, check_outputs


@pytest.mark.parametrize("name", ["ch_PP-OCRv2_rec"])
def test_ctc_network_equals_reference(name):
    reference = load(f"models/rec__{name}.json")
    model = build(reference)
    check_names(model, reference)
    check_outputs(model, reference, "ctc")
