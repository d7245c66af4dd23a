"""CTC decoding equals the reference."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.registry import POSTPROCESSES
from tests.conformance import load

CASES = load("postprocess/CTCLabelDecode.json")["cases"]


def probabilities(case: dict) -> np.ndarray:
    sequences = np.array(case["sequences"])
    preds = np.full((*sequences.shape, case["n_characters"]), 0.01, np.float32)
    for b, row in enumerate(sequences):
        for t, c in enumerate(row):
            preds[b, t, c] = 0.5 + 0.05 * ((7 * b + 3 * t) % 10)
    return preds


@pytest.mark.parametrize("case", CASES, ids=[f"{i} {c['case']}" for i, c in enumerate(CASES)])
def test_decoding_equals_the_reference(case: dict) -> None:
    decode = POSTPROCESSES.build({"name": "CTCLabelDecode", **case["args"]})
    assert decode.codec.num_outputs == case["n_characters"]
    preds = probabilities(case)
    if "call" in case:
        call = case["call"]
        got = decode.with_word_boxes(preds, call["wh_ratio_list"], call["max_wh_ratio"])
        for (text, confidence, box), (want, sure, want_box) in zip(got, case["result"]):
            assert (text, box) == (want, want_box)
            assert confidence == pytest.approx(sure, abs=1e-6)
        return
    texts = case["result"][0] if "label" in case else case["result"]
    got = decode({"ctc": preds})
    assert [each.text for each in got] == [t for t, _ in texts]
    assert [each.confidence for each in got] == pytest.approx([c for _, c in texts], abs=1e-6)
