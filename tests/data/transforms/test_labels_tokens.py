"""Labels of attention decoders against the reference numbers, and that they agree with those of CTC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.errors import ConfigError, PpocrError, SampleError
from ppocr.registry import TRANSFORMS
from tests.conformance import load

ROOT = Path(__file__).parents[3]
MULTI = "MultiLabelEncode"
ENCODERS = ("NRTRLabelEncode", "SARLabelEncode", MULTI)
CASES = [case for name in ENCODERS for case in load(f"transforms/{name}.json")["cases"]]


def encoder(name: str, **args: object):
    return TRANSFORMS.build({"name": name, "max_text_length": 8, **args})


@pytest.mark.parametrize("case", CASES, ids=lambda c: "-".join(map(str, [c["op"], *c["args"].values()])))
def test_labels_equal_the_reference(case, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    encode = TRANSFORMS.build({"name": case["op"], **case["args"]})
    if case["op"] != "MultiLabelEncode":
        assert len(encode.codec.classes) == case["n_characters"]
        assert list(encode.codec.classes[:4]) == case["first_characters"][:4]
        assert list(encode.codec.classes[-4:]) == case["last_characters"][-4:]
    for text, expected in case["results"]:
        if expected is None:
            with pytest.raises(SampleError):
                encode({"label": text})
            continue
        out = encode({"label": text})
        assert set(encode.provides) == set(expected)
        assert {key: out[key].tolist() for key in expected} == expected
        assert {out[key].dtype for key in expected} == {np.dtype(np.int64)}


def test_room_for_the_tokens() -> None:
    for encode in map(encoder, ENCODERS):
        encode({"label": "abcdef"})
        with pytest.raises(SampleError) as caught:
            encode({"label": "abcdefg"})
        assert caught.value.reason == "too_long"
        assert "max_text_length is 8, needs 9" in caught.value.detail


def test_evaluation_refuses_nothing() -> None:
    for strict in (encoder(name, oov=oov) for name, oov in zip(ENCODERS, ("error", "skip", "error"))):
        lenient = Pipeline([strict]).for_evaluation()
        for text, length in (("", 0), ("日", 0), ("a日b", 2), ("123456", 6)):
            out = lenient({"label": text, "text": text})
            assert out["length"] == length and out["text"] == text and "notes" not in out
        for text in ("1234567", "123456789"):
            out = lenient({"label": text})
            assert all(out[key].shape == (8,) for key in strict.provides if key != "length")
            written = out.get("label", out.get("label_sar"))
            assert strict_codec(strict).decode(written[None])[0][0] == "123456"
        with pytest.raises((SampleError, PpocrError)):
            strict({"label": "a日"})  # the training encoder is another object


def strict_codec(encode):
    return getattr(encode, "second", encode).codec


def test_unknown_characters_are_noted_once() -> None:
    sample = encoder(MULTI)({"label": "a日b"})
    assert sample["notes"] == [("out_of_dictionary", "日")]
    assert "label" not in sample


def test_both_labels_are_read_from_the_same_side() -> None:
    encode = encoder(MULTI, character_dict_path=str(ROOT / "ppocr/utils/dict/arabic_dict.txt"), text_direction="rtl")
    sample = encode({"label": "كتب 12"})
    characters = encode.codec.vocabulary.characters
    seen = "".join(characters[i - 1] for i in sample["label_ctc"] if i)
    assert seen == "12بتك"  # from the left; this dictionary has no space
    assert "".join(characters[i] for i in sample["label_sar"][1:6]) == seen
    assert encode.second.codec.decode(sample["label_sar"][None])[0][0] == "كتب12"


def test_steps_are_those_of_ctc() -> None:
    encode = encoder(MULTI)
    encode.max_steps = 3
    encode({"label": "abc"})
    with pytest.raises(SampleError, match="needs 4 time steps"):
        encode({"label": "abb"})


def test_unknown_encoder() -> None:
    with pytest.raises(ConfigError, match="did you mean NRTRLabelEncode"):
        encoder(MULTI, gtc_encode="NRTRLabelEncod")
    with pytest.raises(ConfigError, match="is no encoder of a second label"):
        encoder(MULTI, gtc_encode="DecodeImage")
