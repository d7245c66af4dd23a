"""Names, shapes and outputs of the DB networks equal the reference's."""

import pytest

from tests.conformance import load
from tests.conformance.networks import build, check_names, check_outputs

NETWORKS = ("det_mv3_db", "ch_PP-OCRv2_det_student")


@pytest.mark.parametrize("name", NETWORKS)
def test_network_equals_reference(name):
    reference = load(f"models/det__{name}.json")
    model = build(reference)
    check_names(model, reference)
    check_outputs(model, reference, "maps")
