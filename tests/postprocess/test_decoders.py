"""What every decoder of recognisers declares, and that its arguments in `inference.yml` build it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.postprocess.ctc import CTCLabelDecode
from ppocr.postprocess.tokens import NRTRLabelDecode, SARLabelDecode
from ppocr.registry import POSTPROCESSES

DECODERS = [CTCLabelDecode, NRTRLabelDecode, SARLabelDecode]


@pytest.mark.parametrize("cls", DECODERS)
def test_what_a_decoder_takes_and_reads(cls: type) -> None:
    assert POSTPROCESSES.get(cls.__name__, scope="rec") is cls
    keys = POSTPROCESSES.section_keys(cls)
    assert {"character_dict_path", "use_space_char", "text_direction", "character_dict"} <= set(keys)
    expected = {CTCLabelDecode: (("ctc",), (3,)), SARLabelDecode: (("sar",), (2, 3))}
    if cls in expected:
        assert (cls.requires, cls.dimensions) == expected[cls]


@pytest.mark.parametrize("cls", DECODERS)
@pytest.mark.parametrize("space", [True, False])
@pytest.mark.parametrize("direction", [None, "rtl"])
def test_arguments_build_it_again(tmp_path: Path, cls: type, space: bool, direction: str | None) -> None:
    (tmp_path / "dict.txt").write_text("a\nb\nc\n", encoding="utf-8")
    decoder = cls(cls.codec_class.from_options(str(tmp_path / "dict.txt"), space, direction))
    arguments = decoder.inference_config()
    assert arguments.pop("max_text_length", None) is None
    assert arguments == {
        "character_dict": ["a", "b", "c"],
        "use_space_char": space,
        "text_direction": direction or "ltr",
    }
    again = POSTPROCESSES.build({"name": cls.__name__, **decoder.inference_config()})
    assert again.codec.classes == decoder.codec.classes and (" " in again.codec.classes) == space
    assert again.codec.text_direction == decoder.codec.text_direction


@pytest.mark.parametrize("cls", DECODERS)
def test_without_arguments_texts_are_read_from_the_left_and_have_no_space(cls: type) -> None:
    specs = ({"name": cls.__name__}, {"name": cls.__name__, "character_dict": ["a"]})
    for decoder in map(POSTPROCESSES.build, specs):
        assert decoder.codec.text_direction == "ltr" and " " not in decoder.codec.classes
