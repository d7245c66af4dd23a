"""Names, shapes and outputs of the DB networks equal the reference's."""

import pytest

from ppocr.modeling.architectures import build_model
from tests.conformance import load
from tests.conformance.networks import build, check, check_names, check_outputs, fill_network, image, run

NETWORKS = (
    "det_mv3_db",
    "ch_PP-OCRv2_det_student",
    "ch_det_res18_db_v2.0",
    "det_r50_vd_db",
    "det_r50_db++_icdar15",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_equals_reference(name):
    reference = load(f"models/det__{name}.json")
    model = build(reference)
    check_names(model, reference)
    check_outputs(model, reference, "maps")


def test_deformable_resnet_vd_equals_reference():
    """The backbone of another detector: two groups of offsets, three of the four maps."""
    reference = load("models/det__det_r50_vd_dcn_fce_ctw.json")
    model = build_model({"model_type": "det", "Backbone": reference["architecture"]["Backbone"]})
    names = [entry[:2] for entry in reference["state_dict"] if entry[0].startswith("backbone.")]
    assert [[name, list(tensor.shape)] for name, tensor in model.state_dict().items()] == names
    fill_network(model, reference["bn_variance_scale"])
    model.eval()
    found = run(model, image(reference))["backbone"]
    assert model.backbone.out_channels == [512, 1024, 2048] and len(found) == 3
    for i, features in enumerate(found):
        check(features, reference["eval_outputs"][f"backbone.{i}"], "", rtol=1e-3, atol=1e-4)
