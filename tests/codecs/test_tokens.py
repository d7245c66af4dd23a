"""The codecs of attention decoders: classes, labels with start and end, and texts of predictions."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.codecs.base import ClassTable
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.tokens import TokenCodec
from ppocr.codecs.vocabulary import Vocabulary
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

DICTIONARY = Vocabulary(("a", "b", "c"))
ARABIC = "ppocr/utils/dict/arabic_dict.txt"


def test_classes_stand_where_trained_heads_have_them() -> None:
    assert NRTRCodec(DICTIONARY).classes == ("blank", "<unk>", "<s>", "</s>", "a", "b", "c")
    assert SARCodec(DICTIONARY).classes == ("a", "b", "c", "<UKN>", "<BOS/EOS>", "<PAD>")
    assert ClassTable(("a",)).axis == -1


@pytest.mark.parametrize(
    ("codec", "encoded", "label"),
    [
        (NRTRCodec(DICTIONARY), [4, 6, 4], [2, 4, 6, 4, 3, 0, 0]),
        (SARCodec(DICTIONARY), [0, 2, 0], [4, 0, 2, 0, 4, 5, 5]),
    ],
    ids=["NRTR", "SAR"],
)
def test_labels_begin_and_end_and_are_padded(codec: TokenCodec, encoded: list[int], label: list[int]) -> None:
    assert codec.encode("ac?a") == encoded and codec.unknown("ac?a") == "?"
    assert codec.padded(encoded, 7).tolist() == label
    assert codec.decode(np.array([label])) == [("aca", 1.0)]
    assert codec.padded(encoded, 5).tolist() == label[:5]
    assert codec.padded(encoded, 4).tolist() == [*label[:3], codec.end_id]  # the end is never cut off


def test_texts_are_read_up_to_their_end() -> None:
    nrtr, sar = NRTRCodec(DICTIONARY), SARCodec(DICTIONARY)
    probs = np.array([[0.5, 0.75, 0.25, 0.1, 0.1]])
    assert nrtr.decode(np.array([[2, 4, 5, 3, 6]]), probs) == [("ab", 0.5)]
    assert nrtr.decode(np.array([[4, 5, 3, 6, 6]]), probs) == [("ab", 0.625)]
    assert sar.decode(np.array([[0, 5, 2, 4, 1]]), probs) == [("ac", 0.375)]  # padding inside is left out
    assert sar.decode(np.array([[4, 0, 0, 0, 0]]), probs) == [("", 0.0)]  # an end at once, not a start
    assert sar.decode(np.array([[4, 4, 5, 5, 5]])) == [("", 0.0)]


def test_without_a_dictionary_there_are_digits_and_lower_case_letters_and_of_doubled_entries_the_last() -> None:
    codec = NRTRCodec.from_options()
    assert len(codec.classes) == 4 + 36 and codec.text_direction == "ltr"
    assert codec.encode("A0 ") == [14, 4] and codec.reference("Ab") == "ab"
    assert SARCodec(Vocabulary(("a", "b", "a"))).encode("a") == [2]


@pytest.mark.parametrize("cls", [NRTRCodec, SARCodec])
def test_directions(cls: type[TokenCodec]) -> None:
    logical = "ابت 12"
    vocabulary = Vocabulary.load(ARABIC, True)
    rtl, official, plain = cls(vocabulary, "rtl"), cls.from_options(ARABIC, True), cls(vocabulary)
    visual = rtl.decode(np.array([plain.encode(logical)]))[0][0]
    assert official.text_direction == "visual" and rtl.encode(logical) == plain.encode(visual) != plain.encode(logical)
    assert plain.decode(np.array([plain.encode(logical)]))[0][0] == plain.reference(logical) == logical
    for codec, label in ((rtl, logical), (official, visual)):
        assert codec.decode(np.array([codec.encode(label)]))[0][0] == codec.reference(label) == logical
    label_encode = {NRTRCodec: "NRTRLabelEncode", SARCodec: "SARLabelEncode"}[cls]
    with pytest.raises(ConfigError, match="text_direction: expected 'ltr', 'rtl' or 'visual'"):
        TRANSFORMS.build({"name": label_encode, "max_text_length": 9, "text_direction": "up"})
