"""Dictionaries of models, from wherever they are, in the form that training reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.codecs.vocabulary import Vocabulary
from ppocr.errors import PpocrError
from ppocr.pretrained.dictionary import write_dictionary
from ppocr.pretrained.model_file import ModelFile


def test_the_metadata_of_a_file(tmp_path: Path) -> None:
    target = tmp_path / "dict.txt"
    characters = ["\u3000", "a", "\u2028", "\x85", "b"]
    assert write_dictionary(ModelFile(tmp_path / "m.onnx", [], characters), None, target)
    assert list(Vocabulary.load(str(target)).characters) == characters


def test_a_given_file_wins_whatever_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_bytes("一\r\n二\r\n".encode())
    target = tmp_path / "dict.txt"
    assert write_dictionary(ModelFile(tmp_path / "m.onnx", [], ["x"]), tmp_path / "given.txt", target)
    assert target.read_bytes() == "一\n二\n".encode()
    with pytest.raises(PpocrError, match="does not exist"):
        write_dictionary(ModelFile(tmp_path / "m.onnx"), tmp_path / "absent.txt", target)


def test_blank_and_space_that_some_packages_write_down_are_left_out(tmp_path: Path) -> None:
    target = tmp_path / "dict.txt"
    assert write_dictionary(ModelFile(tmp_path / "m.onnx", [], ["blank", "a", "b", " "]), None, target)
    assert target.read_text() == "a\nb\n"
    assert write_dictionary(ModelFile(tmp_path / "m.onnx", [], ["a", " "]), None, target)
    assert target.read_text() == "a\n \n"


def test_no_dictionary(tmp_path: Path) -> None:
    assert not write_dictionary(ModelFile(tmp_path / "m.onnx"), None, tmp_path / "dict.txt")
    assert list(tmp_path.iterdir()) == []
