"""Dictionaries: the shipped ones are the official ones, and odd files are read or refused with a reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ppocr.codecs.ctc import CTCCodec
from ppocr.codecs.nrtr import NRTRCodec
from ppocr.codecs.sar import SARCodec
from ppocr.codecs.vocabulary import DEFAULT_CHARACTERS, Vocabulary
from ppocr.errors import PpocrError
from tests.conformance import load

ROOT = Path(__file__).resolve().parents[2]
V5 = ("arabic", "cyrillic", "devanagari", "el", "en", "eslav", "korean", "latin", "ta", "te", "th")
LATER = {
    "ppocrv5_dict": "PP-OCRv5_mobile",
    "ppocrv6_dict": "PP-OCRv6_small",
    "ppocrv6_tiny_dict": "PP-OCRv6_tiny",
    **{f"ppocrv5_{language}_dict": f"{language}_PP-OCRv5_mobile" for language in V5},
}


@pytest.mark.parametrize("path", load("dictionaries.json"))
def test_shipped_dictionaries_are_the_official_ones(path: str) -> None:
    facts = load("dictionaries.json")[path]
    data = (ROOT / path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == facts["sha256"]
    assert len(Vocabulary.load(path).characters) == facts["lines"]


@pytest.mark.parametrize(("name", "model"), LATER.items())
def test_later_dictionaries_have_the_classes_of_their_networks(name: str, model: str) -> None:
    classes = load(f"models/rec__{model}_rec.json")["char_num"]
    vocabulary = Vocabulary.load(f"ppocr/utils/dict/{name}.txt")
    assert len(vocabulary.characters) == classes - 2  # blank and space
    repeats = len(vocabulary.characters) - len(set(vocabulary.characters))
    assert repeats == {"ppocrv5_arabic_dict": 31, "ppocrv5_latin_dict": 64}.get(name, 0)  # the official files do


def test_official_paths_work_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(Vocabulary.load("ppocr/utils/dict90.txt").characters) == 90
    assert len(Vocabulary.load("./ppocr/utils/dict90.txt").characters) == 90


def test_mark_and_line_ends_do_not_become_characters(tmp_path: Path) -> None:
    plain, odd = tmp_path / "plain.txt", tmp_path / "odd.txt"
    plain.write_bytes(b"a\nb\n")
    odd.write_bytes("\ufeffa\r\nb".encode())
    assert Vocabulary.load(str(plain)).characters == Vocabulary.load(str(odd)).characters == ("a", "b")


def test_characters_that_look_like_line_ends_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_text("a\n\u2028\n\x85\n", encoding="utf-8", newline="")
    assert Vocabulary.load(str(path)).characters == ("a", "\u2028", "\x85")


def test_odd_entries_are_reported_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_text("a\n\nb\na\nxy\n \n", encoding="utf-8")
    vocabulary = Vocabulary.load(str(path), use_space_char=True)
    assert vocabulary.characters == ("a", "", "b", "a", "xy", " ", " ")
    text = "\n".join(vocabulary.warnings)
    assert "line 4 ('a', first in line 1), 7 (the space of use_space_char, first in line 6)" in text
    assert "1 blank entries" in text and "line 2" in text
    assert "line 5 ('xy')" in text


def test_no_path_means_digits_and_lower_case() -> None:
    vocabulary = Vocabulary.load(None)
    assert vocabulary.characters == DEFAULT_CHARACTERS and vocabulary.lower


@pytest.mark.parametrize(
    ("codec", "reference"), [(CTCCodec, "CTCLabelDecode"), (NRTRCodec, "NRTRLabelDecode"), (SARCodec, "SARLabelDecode")]
)
@pytest.mark.parametrize("space", [False, True])
def test_the_space_is_no_class_without_a_dictionary(codec: type, reference: str, space: bool) -> None:
    """The official tools ignore `use_space_char` without a dictionary: 37 classes of CTC either way."""
    cases = load(f"postprocess/{reference}.json")["cases"]
    (classes,) = {case["n_characters"] for case in cases if case["args"]["character_dict_path"] is None}
    assert len(codec.from_options(None, space).classes) == classes
    assert not Vocabulary.load(None, space).space


@pytest.mark.parametrize(
    ("data", "says"), [(None, "does not exist"), (b"", "is empty"), (b"a\n\xff\xfe\n", "not UTF-8 at byte 2")]
)
def test_unusable_files_are_refused(tmp_path: Path, data: bytes | None, says: str) -> None:
    path = tmp_path / "d.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(PpocrError, match=says):
        Vocabulary.load(str(path))


def test_misspelt_official_path_gets_a_suggestion() -> None:
    with pytest.raises(PpocrError, match="did you mean ppocr/utils/ppocr_keys_v1.txt"):
        Vocabulary.load("ppocr/utils/ppocr_key_v1.txt")


def test_warnings_make_no_other_dictionary() -> None:
    known = Vocabulary(("a", "b"))
    assert not known.lower and known != Vocabulary(("b", "a")) and known == Vocabulary(("a", "b"), warnings=("odd",))


def test_the_path_is_kept_and_texts_keep_their_case(tmp_path: Path) -> None:
    path = tmp_path / "dict.txt"
    path.write_bytes(b"A\r\nb\r\n")
    found = Vocabulary.load(str(path), True)
    assert (found.characters, found.path, found.lower, found.warnings) == (("A", "b", " "), str(path), False, ())


def test_of_many_odd_lines_five_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "dict.txt"
    path.write_text("\n".join(["aa", "bb", "cc", "dd", "ee", "", "x"]), encoding="utf-8")
    blank, longer = Vocabulary.load(str(path)).warnings
    assert blank.endswith("blank entries, classes that no text uses: line 6")
    assert longer.endswith("to: line 1 ('aa'), 2 ('bb'), 3 ('cc'), 4 ('dd'), 5 ('ee')")
    path = tmp_path / "more.txt"
    path.write_text(" \n" + "x\n" * 7, encoding="utf-8")
    (doubled,) = Vocabulary.load(str(path)).warnings
    assert "the last of each is used: line 3 (" in doubled and doubled.endswith("7 ('x', first in line 2), ...")
    assert "use_space_char, first in line 1" in Vocabulary.load(str(path), True).warnings[0] or "..." in doubled
