"""Labels against the reference numbers, what training refuses, and that evaluation refuses nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.labels import CTCLabelEncode
from ppocr.errors import ConfigError, PpocrError, SampleError
from ppocr.registry import TRANSFORMS
from tests.conformance import load

ROOT = Path(__file__).parents[3]
CASES = load("transforms/CTCLabelEncode.json")["cases"]


def encoder(**args: object) -> CTCLabelEncode:
    return TRANSFORMS.build({"name": "CTCLabelEncode", "max_text_length": 8, **args})


def refused(encode: CTCLabelEncode, text: str) -> tuple[str, str]:
    with pytest.raises(SampleError) as caught:
        encode({"label": text})
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c['args']['character_dict_path']}-{c['args']['use_space_char']}"
)
def test_ctc_label_encode(case, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    encode = TRANSFORMS.build({"name": "CTCLabelEncode", **case["args"]})
    encode.with_ace = True
    assert encode.codec.num_outputs == case["n_characters"]
    for text, expected in case["results"]:
        if expected is None:
            with pytest.raises(SampleError):
                encode({"label": text})
            continue
        out = encode({"label": text})
        assert out["label"].tolist() == expected["label"] and out["label"].dtype == np.int64
        assert out["length"] == expected["length"] and out["length"].dtype == np.int64
        assert out["label_ace"].shape == (case["n_characters"],)
        counts = expected["label_ace"]
        if isinstance(counts, dict):
            found = {str(i): int(out["label_ace"][i]) for i in np.flatnonzero(out["label_ace"])}
            assert found == counts["nonzero"]
        else:
            assert out["label_ace"].tolist() == counts


def test_each_refusal_says_what_would_hold_the_label() -> None:
    encode = encoder()
    assert refused(encode, "") == ("empty_label", "the label has no text")
    reason, detail = refused(encode, "123456789")
    assert reason == "too_long" and "max_text_length is 8, needs 9" in detail
    reason, detail = refused(encode, "日本")
    assert reason == "empty_label" and "日本" in detail


def test_ctc_needs_a_step_between_equal_characters() -> None:
    encode = encoder()
    encode({"label": "aabb"})  # the network's steps are not known
    encode.max_steps = 5
    encode({"label": "abcde"})
    assert refused(encode, "aabb") == ("ctc_infeasible", "needs 6 time steps, the network gives 5")
    encode.pixels_per_step = 4.0
    assert refused(encode, "aabb")[1].endswith("an image width of 24 would hold it")


def test_characters_outside_the_dictionary() -> None:
    sample = encoder()({"label": "a日b本", "notes": []})
    assert sample["length"] == 2
    assert sample["notes"] == [("out_of_dictionary", "日本")]
    assert refused(encoder(oov="skip"), "a日") == ("out_of_dictionary", "日")
    with pytest.raises(PpocrError, match="lacks '日'"):
        encoder(oov="error")({"label": "a日"})
    with pytest.raises(ConfigError, match="CTCLabelEncode.oov: expected 'drop', 'skip' or 'error'"):
        TRANSFORMS.build({"name": "CTCLabelEncode", "max_text_length": 9, "oov": "ignore"})
    assert "notes" not in encoder()({"label": "AB"})  # folded to lower case, not missing


def test_evaluation_refuses_nothing() -> None:
    strict = encoder(oov="error")
    strict.max_steps = 1
    lenient = Pipeline([strict]).for_evaluation()
    for text, length in (("", 0), ("日", 0), ("a日b", 2), ("123456789", 8), ("aabb", 4)):
        out = lenient({"label": text, "text": text})
        assert out["length"] == length and out["label"].shape == (8,) and out["text"] == text
        assert "notes" not in out
    assert refused(strict, "")  # the training encoder is another object


def test_class_counts_are_made_only_where_they_are_kept() -> None:
    def keys(*kept: str) -> set[str]:
        specs = [{"CTCLabelEncode": None}, {"KeepKeys": {"keep_keys": ["image", "label", "length", *kept]}}]
        pipeline = Pipeline.from_config(specs, {"max_text_length": 8})
        made = pipeline.for_evaluation()({"image": 0, "label": "ab", "text": "ab"})
        assert made.keys() == {"image", "label", "length", "text", *kept}
        assert pipeline.transforms[0].provides == ("label", "length", *kept)
        return set(pipeline({"image": 0, "label": "ab", "text": "ab"})) - {"text"}

    assert keys() == {"image", "label", "length"}
    assert keys("label_ace") == {"image", "label", "length", "label_ace"}


def test_inference_asks_for_no_label() -> None:
    specs = ["CTCLabelEncode", {"KeepKeys": {"keep_keys": ["image", "label", "length"]}}]
    view = Pipeline.from_config(specs, {}).for_inference()
    assert view.to_config() == [{"KeepKeys": {"keep_keys": ["image"]}}]
    assert view({"image": 0}) == {"image": 0}
