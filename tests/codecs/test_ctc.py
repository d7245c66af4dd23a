"""The CTC codec beyond what the reference numbers of encoding and decoding cover."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.codecs.ctc import CTCCodec, reorder
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.errors import ConfigError
from tests.conformance import load

ARABIC = "ppocr/utils/dict/arabic_dict.txt"


@pytest.mark.parametrize("case", load("transforms/CTCLabelEncode.json")["cases"], ids=lambda c: str(c["args"]))
def test_classes_and_encoding_equal_the_reference(case: dict) -> None:
    codec = CTCCodec.from_options(**case["args"])
    assert codec.num_classes == case["n_characters"]
    assert list(codec.classes[:6]) == case["first_characters"]
    assert list(codec.classes[-6:]) == case["last_characters"]
    compared = 0
    for text, expected in case["results"]:
        if expected is not None:
            assert codec.encode(text) == expected["label"][: expected["length"]]
            compared += 1
    assert compared > 5


def test_round_trip() -> None:
    codec = CTCCodec.from_options("ppocr/utils/ppocr_keys_v1.txt", True)
    for text in ("韩国小馆", "aabbcc", "E区25-26号 x"):
        ids = codec.encode(text)
        path = [0]
        for i in ids:
            path += [i, 0]
        assert codec.decode(np.array([path]))[0][0] == text


def test_unknown_characters_are_named_and_left_out() -> None:
    codec = CTCCodec.from_options(None)
    assert codec.encode("A日b!") == codec.encode("ab")
    assert codec.unknown("A日b!") == "日!"


@pytest.mark.parametrize(("ids", "steps"), [([], 0), ([1], 1), ([1, 1], 3), ([1, 2, 2, 2, 3], 7)])
def test_required_steps_count_repeats(ids: list[int], steps: int) -> None:
    assert CTCCodec.required_steps(ids) == steps


@pytest.mark.parametrize("text", ["ابت", "ab ابت 12", "12:30 ابت", "", "abc"])
def test_reordering_twice_gives_the_text_back(text: str) -> None:
    assert reorder(reorder(text)) == text


def test_directions() -> None:
    logical, visual = "ابت 12", reorder("ابت 12")
    vocabulary = Vocabulary.load(ARABIC, True)
    rtl = CTCCodec(vocabulary, text_direction="rtl")
    official = CTCCodec.from_options(ARABIC, True)
    assert official.text_direction == "visual"
    assert rtl.encode(logical) == official.encode(visual)
    for codec, label in ((rtl, logical), (official, visual)):
        path = np.array([[x for i in codec.encode(label) for x in (i, 0)]])
        assert codec.decode(path)[0][0] == codec.reference(label) == logical
    with pytest.raises(ConfigError, match="none of ltr, rtl, visual"):
        CTCCodec(vocabulary, text_direction="up")


def test_confidence_is_the_mean_over_kept_steps() -> None:
    codec = CTCCodec.from_options(None)
    ids = np.array([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0]])
    probs = np.array([[0.1, 0.6, 0.9, 0.1, 0.8], [0.5] * 5], np.float32)
    (text, confidence), empty = codec.decode(ids, probs)
    assert text == "00" and confidence == pytest.approx(0.7)
    assert empty == ("", 0.0)
