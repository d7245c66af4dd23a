"""Texts of attention decoders equal the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.postprocess.ctc import CTCLabelDecode
from ppocr.postprocess.tokens import NRTRLabelDecode, SARLabelDecode
from ppocr.registry import POSTPROCESSES
from tests.conformance import load
from tests.postprocess.test_ctc import probabilities

ROOT = Path(__file__).parents[2]
CASES = [
    (decoder, case)
    for decoder, name in (
        (NRTRLabelDecode, "NRTRLabelDecode"),
        (SARLabelDecode, "SARLabelDecode"),
        (SARLabelDecode, "SARLabelDecode_rm_symbol"),
    )
    for case in load(f"postprocess/{name}.json")["cases"]
]


def pairs(found) -> list[tuple[str, float]]:
    return [(each.text, each.confidence) for each in found]


def check(found, expected) -> None:
    assert [text for text, _ in found] == [text for text, _ in expected]
    # upstream: an empty text has no confidence; ours has none to speak of
    sure = [0.0 if c == "nan" else c for _, c in expected]
    assert [c for _, c in found] == pytest.approx(sure, abs=1e-6)


@pytest.mark.parametrize(("decoder", "case"), CASES, ids=[f"{d.__name__} {c['case']}" for d, c in CASES])
def test_probabilities(decoder, case, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    decode = POSTPROCESSES.build({"name": decoder.__name__, **case["args"]})
    assert len(decode.codec.classes) == case["n_characters"]
    found = decode({decode.requires[0]: probabilities(case)})
    check(pairs(found), case["result"][0] if "label" in case else case["result"])
    if "label" in case:
        check(decode.codec.decode(np.array(case["label"])), case["result"][1])
    again = POSTPROCESSES.build({"name": decoder.__name__, **decode.inference_config()})
    assert again({decode.requires[0]: probabilities(case)}) == found


@pytest.mark.parametrize(("decoder", "classes"), [(CTCLabelDecode, 37), (NRTRLabelDecode, 40), (SARLabelDecode, 39)])
def test_a_decoder_without_dictionary_ignores_the_space_and_is_built_again_the_same(decoder, classes) -> None:
    decode = POSTPROCESSES.build({"name": decoder.__name__, "use_space_char": True})
    again = POSTPROCESSES.build({"name": decoder.__name__, **decode.inference_config()})
    assert len(decode.codec.classes) == classes
    assert decode.codec.classes == again.codec.classes


@pytest.mark.parametrize("case", load("postprocess/NRTRLabelDecode_pairs.json")["cases"][:2], ids=lambda c: c["case"])
def test_token_ids(case) -> None:
    preds = {"nrtr": np.array(case["indices"]), "nrtr_probs": np.array(case["probabilities"])}
    check(pairs(NRTRLabelDecode(NRTRCodec.from_options())(preds)), case["result"])


def test_nothing_follows_the_first_end() -> None:
    decode = SARLabelDecode(SARCodec.from_options())
    end, padding = decode.codec.end_id, decode.codec.padding_id
    written = np.array([[end, 5, 6, end], [5, padding, 6, end], [5, 6, 7, 8]])
    assert [text for text, _ in decode.codec.decode(written, np.ones(written.shape))] == ["", "56", "5678"]
    assert decode.codec.decode(written)[0] == ("56", 1.0)  # a label begins with the token that ends it
