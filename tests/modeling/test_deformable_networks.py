"""Layer by layer, deformable networks give what was recorded, and a wrong layer is noticed on every processor.

With offsets of several pixels into features without any smoothness, as the fill rule gives them, the end of these
networks is chaotic. Therefore their layers are compared with the reference's as well, and all of them once more with a
tenth of the offsets, where noise stays small. Those numbers are this project's own, recorded (PPOCR_RECORD_GOLDEN=1)
where every layer equals the reference's with the whole offsets.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ppocr.modeling.architectures import build_model
from tests.conformance import load
from tests.conformance.networks import Found, build, check_layers, comparable_layers, fill_network, image, run

GOLDEN = Path(__file__).parent / "golden" / "small_offsets.json"
NAMES = ("det_r50_db++_icdar15", "det_r50_vd_dcn_fce_ctw")
SMALL = 0.1
SAMPLES = 8


def reference_of(name):
    return load(f"models/det__{name}.json")


def network(name, offsets=1.0):
    """Return the filled network, of the second one the backbone alone, whose detector is not here."""
    reference = reference_of(name)
    parts = reference["architecture"]
    if parts["Head"]["name"] == "DBHead":
        model = build(reference)
    else:
        model = build_model({"model_type": "det", "Backbone": parts["Backbone"]})
        fill_network(model, reference["bn_variance_scale"])
    for path, parameter in model.named_parameters():
        if "conv_offset" in path:
            parameter.set_value(parameter * offsets)
    return model


def small_offsets(name):
    """Return the record; made first, if asked."""
    record = json.loads(GOLDEN.read_text(encoding="utf-8")) if GOLDEN.is_file() else {}
    if os.environ.get("PPOCR_RECORD_GOLDEN") == "1":
        reference, model = reference_of(name), network(name, SMALL)
        model.eval()
        layers = comparable_layers(model, reference)
        found = run(model, image(reference), layers)
        record[name] = {path: described(Found(found, path, "", None).array()) for path in layers}
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return record[name]


def described(array):
    picks = array.ravel()[np.random.RandomState(11).randint(0, array.size, SAMPLES)]
    numbers = {"mean": array.mean(), "std": array.std(), "absmax": np.abs(array).max()}
    rounded = {key: float(f"{value:.6g}") for key, value in numbers.items()}
    return {"shape": list(array.shape), **rounded, "samples": [float(f"{value:.6g}") for value in picks]}


@pytest.mark.parametrize("name", NAMES)
def test_layers_equal_the_reference(name):
    reference, model = reference_of(name), network(name)
    layers = comparable_layers(model, reference)
    assert len(layers) > 70
    check_layers(model, reference, {path: reference["intermediate"][path] for path in layers})


@pytest.mark.parametrize("name", NAMES)
def test_layers_with_small_offsets_are_those_recorded(name):
    check_layers(network(name, SMALL), reference_of(name), small_offsets(name))


def wrong_epsilon(backbone):
    """Change one constant of the last block."""
    backbone.res5c.conv2._batch_norm._epsilon = 1e-2


def swapped_layers(backbone):
    """Run two blocks of the same shape in the other order."""
    units = backbone.stages[2]
    units[2], units[3] = units[3], units[2]


def swapped_offsets(backbone):
    """Take vertical offsets for horizontal ones in one layer."""

    def swap(_, inputs):
        x, offset, weight = inputs
        batch, _, height, width = offset.shape
        return x, offset.reshape([batch, -1, 2, height, width]).flip(2).reshape(offset.shape), weight

    backbone.res5b.conv1._conv.conv_dcn.register_forward_pre_hook(swap)


@pytest.mark.parametrize("break_it", [wrong_epsilon, swapped_layers, swapped_offsets])
def test_a_wrong_layer_is_noticed(break_it):
    name = NAMES[0]
    model = network(name, SMALL)
    break_it(model.backbone)
    with pytest.raises(AssertionError, match="instead of"):
        check_layers(model, reference_of(name), small_offsets(name))
