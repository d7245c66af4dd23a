"""Each codec is made once: every part of a branch, wherever it is nested, holds the same object."""

from __future__ import annotations

import pytest
from paddle import nn

from ppocr.build import build_task
from ppocr.codecs.base import Codec
from ppocr.codecs.class_names import ClassNames
from ppocr.codecs.context import Codecs
from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.config.loader import load_config
from ppocr.errors import ConfigError
from ppocr.modeling.architectures import build_model
from ppocr.registry import HEADS, POSTPROCESSES, TRANSFORMS
from tests.system.project import ROOT

DICTIONARY = "ppocr/utils/en_dict.txt"


def test_one_class_with_the_same_options_is_one_object() -> None:
    codecs = Codecs({"character_dict_path": DICTIONARY, "use_space_char": True})
    codec = codecs.get(CTCCodec)
    assert codecs.get(CTCCodec) is codec is codecs.within({"text_direction": "ltr"}).get(CTCCodec)
    assert codecs.get(SARCodec).vocabulary is codec.vocabulary
    assert codecs.within({"text_direction": "rtl"}).get(CTCCodec) != codec
    assert codecs.within({"character_dict_path": None}).get(CTCCodec) is codec  # Global wins


def test_the_options_of_a_section_hold_for_what_is_inside_it() -> None:
    codecs = Codecs().within({"character_dict_path": DICTIONARY, "rm_symbol": True})
    assert codecs.within({"use_space_char": True}).get(NRTRCodec).classes[-1] == " "
    assert codecs.get(CTCCodec).vocabulary.path == DICTIONARY
    assert codecs.get(ClassNames) is None


def test_codecs_of_a_size_have_placeholders() -> None:
    codecs = Codecs(sizes={CTCCodec: 7, None: 10})
    ctc, nrtr, sar = (codecs.get(cls) for cls in (CTCCodec, NRTRCodec, SARCodec))
    assert [len(codec.classes) for codec in (ctc, nrtr, sar)] == [7, 10, 10]
    assert [(codec.num_inputs, codec.num_outputs) for codec in (ctc, nrtr, sar)] == [(7, 7), (11, 11), (10, 9)]
    assert ctc.encode("0a") == []
    assert (sar.start_id, sar.end_id, sar.padding_id) == (8, 8, 9)
    with pytest.raises(ConfigError, match="3 classes are too few: NRTRCodec has 4"):
        NRTRCodec.of_size(3)
    with pytest.raises(ConfigError, match="out_channels is missing"):
        build_model(
            {"model_type": "rec", "Backbone": {"name": "PlainConvNet"}, "Neck": None, "Head": {"name": "CTCHead"}}
        )


@pytest.mark.parametrize("cls", [CTCCodec, NRTRCodec, SARCodec])
def test_the_characters_of_other_classes(cls: type) -> None:
    codec = cls.from_options(character_dict=["a", "b"], text_direction="rtl")
    other = cls.from_options(character_dict=["c", "a", "d"], text_direction="rtl")
    assert codec.with_classes(other.classes) == other != codec
    assert cls.from_options(**other.options()) == other
    assert str(codec) == "2 entries, text_direction rtl"


def held(part: object) -> dict[str, Codec]:
    """Return the codecs of a part by label."""
    return dict(getattr(part, "label_codecs", None) or {"label": part.codec})


@pytest.mark.parametrize(
    ("name", "second"),
    [("rec_icdar15_train", None), ("PP-OCRv3/en_PP-OCRv3_rec", SARCodec), ("PP-OCRv4/en_PP-OCRv4_rec", NRTRCodec)],
)
def test_every_part_of_a_network_holds_the_same_object(name: str, second: type | None, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    task = build_task(load_config(ROOT / "configs" / "rec" / f"{name}.yml"), "train")
    encoders = [
        transform
        for pipeline in (task.train_pipeline, task.eval_pipeline)
        for transform in pipeline.transforms
        if transform.codec is not None
    ]
    codec = task.postprocess.codec
    assert {id(part.codec) for part in (*encoders, task.model.head)} == {id(codec)} and len(encoders) == 2
    parts = [held(part) for part in (*encoders, task.model.head, task.loss)]
    assert all(part.keys() == parts[0].keys() for part in parts)
    for label, found in parts[0].items():
        assert all(part[label] is found for part in parts)
    assert [type(found) for found in parts[0].values()] == [CTCCodec, *([second] if second else [])]
    if second:
        assert task.model.head.auxiliary.codec is encoders[0].second.codec is encoders[1].second.codec
        assert task.model.head.auxiliary.codec.vocabulary is codec.vocabulary


def test_without_a_configuration_a_section_is_enough() -> None:
    decoder = POSTPROCESSES.build({"name": "CTCLabelDecode", "character_dict": ["x", "y"], "use_space_char": True})
    assert decoder.codec.classes == ("blank", "x", "y", " ")
    encoder = TRANSFORMS.build({"name": "SARLabelEncode", "character_dict_path": DICTIONARY})
    assert encoder.codec.vocabulary.path == DICTIONARY
    with pytest.raises(ConfigError, match="character_dict_pat: unknown key, did you mean character_dict_path"):
        POSTPROCESSES.build({"name": "CTCLabelDecode", "character_dict_pat": DICTIONARY})
    labels = TRANSFORMS.build({"name": "ClsLabelEncode", "label_list": ["0", "180"]})
    assert labels.codec.classes == ("0", "180")
    with pytest.raises(ConfigError, match="Global.label_list is missing"):
        TRANSFORMS.build({"name": "ClsLabelEncode"})


def test_a_head_without_a_codec_is_told_the_classes_that_are_decoded(monkeypatch) -> None:
    class Plain(nn.Layer):
        outputs = ("sar",)

        def __init__(self, in_channels, out_channels):
            super().__init__()
            self.fc = nn.Linear(in_channels, out_channels)

    HEADS.names()
    monkeypatch.setattr(HEADS, "_classes", {**HEADS._classes})
    HEADS.register("PlainHead")(Plain)
    codecs = Codecs()
    codecs.decoder = codecs.get(SARCodec)
    section = {"model_type": "rec", "Backbone": {"name": "PlainConvNet"}, "Head": {"name": "PlainHead"}}
    assert build_model(section, codecs).head.fc.weight.shape[1] == codecs.decoder.num_outputs == 38
    section["Head"]["out_channels"] = 5  # without a dictionary
    assert build_model(section).head.fc.weight.shape[1] == 5


def test_a_codec_of_a_users_own_needs_no_options() -> None:
    class Marks(Codec):
        classes = ("yes", "no")

    codecs = Codecs({"character_dict_path": "any.txt"})
    assert codecs.get(Marks) is codecs.get(Marks) and codecs.get(Marks).num_outputs == 2
    assert codecs.get(Marks).with_dictionary("any.txt").unknown("text") == ""
