"""Class probabilities to labels, against the reference, and what a direction does to an image."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.errors import ConfigError
from ppocr.postprocess.cls import ClsPostProcess
from ppocr.registry import POSTPROCESSES
from ppocr.results import Classification
from tests.conformance import load

CASES = load("postprocess/ClsPostProcess.json")["cases"]


def build(**keys):
    return POSTPROCESSES.build({"name": "ClsPostProcess", **keys})


@pytest.mark.parametrize("case", [c for c in CASES if "label" not in c], ids=lambda case: str(case["args"]))
def test_labels_equal_the_reference(case: dict) -> None:
    decode = build(**case["args"])
    preds = {"cls": np.array(case["preds"], np.float32)}
    found = [(each.label, each.probability) for each in decode(preds)]
    assert found == [(n, pytest.approx(p, abs=1e-6)) for n, p in case["result"]]
    assert build(**decode.inference_config())(preds) == decode(preds)
    assert (decode.codec and decode.codec.num_outputs) == (2 if case["args"]["label_list"] else None)


@pytest.mark.parametrize("names, said", [([], "is empty"), (["0", "180", "0"], "names '0' twice: 0, 180, 0")])
def test_labels_that_are_ambiguous_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(label_list=names)


def test_an_image_is_turned_upright() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for label, degrees, turns in (("0", 0, 0), ("90", 90, 3), ("180_degree", 180, 2), ("270", 270, 1), ("x", 0, 0)):
        lying = np.rot90(image, turns)
        found = Classification(label, 0.95, threshold=0.9)
        assert found.degrees == degrees
        np.testing.assert_array_equal(found.upright(lying), image)
    assert Classification("180", 0.85, threshold=0.9).degrees == 0
    assert Classification("180", 0.95).draw_on(np.zeros((20, 80, 3), np.uint8)).shape[0] > 20


@pytest.mark.parametrize(
    ("label", "probability", "threshold", "degrees"),
    [
        ("180_degree", 0.9, 0.9, 180),
        ("90", 0.5, 0.6, 0),
        (270, 0.1, 0.0, 270),
        ("45", 1.0, 0.0, 0),
        ("any", 1.0, 0.0, 0),
    ],
)
def test_a_label_is_believed_from_its_threshold_on(label, probability, threshold, degrees) -> None:
    assert Classification(label, probability, threshold).degrees == degrees
    assert Classification(label, 0.0).threshold == 0.0


def test_a_class_as_text() -> None:
    found = Classification("180", 0.12345678)
    assert found.to_json() == '{"label": "180", "probability": 0.123457}'
    assert (found.to_line(), str(found)) == ("180\t0.12345678", "('180', 0.12345678)")
    assert (Classification(3, 0.5).to_line(), str(Classification(3, 0.5))) == ("3\t0.5", "(3, 0.5)")


def test_what_the_decoder_takes_and_reads() -> None:
    assert (ClsPostProcess.requires, ClsPostProcess.dimensions) == (("cls",), (2,))
    assert "label_list" in POSTPROCESSES.section_keys(ClsPostProcess)
