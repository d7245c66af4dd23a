"""The CTC codec beyond what the reference numbers of encoding and decoding cover."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppocr.codecs.ctc import CTCCodec, best_path, split_words
from ppocr.codecs.text import reorder
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from tests.conformance import load

ARABIC = "ppocr/utils/dict/arabic_dict.txt"


@pytest.mark.parametrize("case", load("transforms/CTCLabelEncode.json")["cases"], ids=lambda c: str(c["args"]))
def test_classes_and_encoding_equal_the_reference(case: dict) -> None:
    codec = CTCCodec.from_options(case["args"]["character_dict_path"], case["args"]["use_space_char"])
    assert codec.num_outputs == case["n_characters"]
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
    with pytest.raises(ConfigError, match="text_direction: expected 'ltr', 'rtl' or 'visual'"):
        TRANSFORMS.build({"name": "CTCLabelEncode", "max_text_length": 9, "text_direction": "up"})


def test_confidence_is_the_mean_over_kept_steps() -> None:
    codec = CTCCodec.from_options(None)
    ids = np.array([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0]])
    probs = np.array([[0.1, 0.6, 0.9, 0.1, 0.8], [0.5] * 5], np.float32)
    (text, confidence), empty = codec.decode(ids, probs)
    assert text == "00" and confidence == pytest.approx(0.7)
    assert empty == ("", 0.0)
    assert codec.decode(ids) == [("00", 1.0), ("", 0.0)]


def test_without_options_texts_are_read_from_the_left_and_the_space_is_unknown() -> None:
    codec = CTCCodec.from_options()
    assert codec.num_outputs == 37 and codec.encode("a b") == [11, 12]
    assert CTCCodec(Vocabulary(("a",))).text_direction == codec.text_direction == "ltr"


@pytest.mark.parametrize("space", [True, False])
def test_another_dictionary_keeps_space_and_direction(tmp_path: Path, space: bool) -> None:
    for name in ("ab", "cd"):
        (tmp_path / name).write_text("\n".join(name), encoding="utf-8")
    other = CTCCodec.from_options(str(tmp_path / "ab"), space, "rtl").with_dictionary(str(tmp_path / "cd"))
    assert other.classes == ("blank", "c", "d", *([" "] if space else []))
    assert other.text_direction == "rtl"


def test_words_end_at_other_characters_at_wide_gaps_and_where_the_script_changes() -> None:
    steps = np.array([3, 4, 8, 13, 15, 17, 19])
    words, places, kinds = split_words("abcd 日1", steps)
    assert words == [["a", "b", "c"], ["d"], ["日"], ["1"]]  # four steps are one word, five are two
    assert places == [[3, 4, 8], [13], [17], [19]]
    assert kinds == ["en&num", "en&num", "cn", "en&num"]
    assert split_words("x-1.5.", np.arange(6))[0] == [list("x-1.5")]
    assert split_words("", np.arange(0)) == ([], [], [])


def test_the_best_path_is_the_largest_of_each_step() -> None:
    ids, probs = best_path(np.array([[[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]]]))
    assert ids.tolist() == [[1, 0]] and probs.tolist() == [[0.7, 0.5]]
