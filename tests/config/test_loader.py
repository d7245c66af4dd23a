"""Reading YAML: numbers, merges, places of keys, overrides, and everything that is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ppocr.config import loader
from ppocr.config.document import Document
from ppocr.config.loader import read_document
from ppocr.config.overrides import apply_overrides
from ppocr.config.yaml_reader import parse
from ppocr.errors import ConfigError


def value(text: str):
    return parse(f"x: {text}\n", "c.yml").tree["x"]


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def overridden(*overrides: str, text: str = "A: {b: 1}\nL:\n- x\n- T: {k: 1}\n- U:\nE: []\n"):
    document = parse(text, "c.yml")
    apply_overrides(document, overrides)
    return document


def override_refused(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        overridden(*overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 1e-3),
        ("5e-4", 5e-4),
        ("1e3", 1000.0),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e-5", -1e-5),
        ("+.5e1", 5.0),
        ("-.inf", -math.inf),
        ("0123", 123),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("12:30:45", "12:30:45"),
        ("2020-01-01", "2020-01-01"),
        ("1_000", "1_000"),
        ("1e-", "1e-"),
        ("1./255.", "1./255."),
        ("'1e-3'", "1e-3"),
        ("=", "="),
        ("yes", True),
        ("no", False),
        ("on", True),
        ("off", False),
        ("True", True),
        ("~", None),
        ("", None),
        ("null", None),
    ],
)
def test_scalars(text, expected):
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_not_a_number():
    assert math.isnan(value(".nan"))


def test_byte_order_mark_and_windows_lines(tmp_path):
    path = tmp_path / "ü n.yml"
    path.write_bytes(b"\xef\xbb\xbfGlobal:\r\n  a: 1\r\n")
    document = read_document(path)
    assert document.tree == {"Global": {"a": 1}}
    assert document.where(("Global", "a")) == f"{path}:2"


def test_keys_are_texts():
    assert parse("1: a\nnull: b\n2.5: c\n", "c").tree == {"1": "a", "null": "b", "2.5": "c"}


def test_places():
    document = parse("A:\n  b:\n  - c: 1\n  - d\n", "c.yml")
    assert document.where(("A", "b", 0, "c")) == "c.yml:3"
    assert document.where(("A", "b", 1)) == "c.yml:4"
    assert document.where(("A", "missing", "deep")) == "c.yml:1"


def test_anchors_are_copied():
    tree = parse("a: &x {k: [1]}\nb: *x\n", "c").tree
    assert tree["b"] == tree["a"]
    tree["b"]["k"].append(2)
    assert tree["a"] == {"k": [1]}


@pytest.mark.parametrize("order", ["<<: *x\n  k: 2\n", "k: 2\n  <<: *x\n"])
def test_explicit_key_beats_merged_one(order):
    document = parse(f"a: &x\n  k: 1\n  m: 3\nb:\n  {order}", "c.yml")
    assert document.tree["b"] == {"k": 2, "m": 3}
    assert document.where(("b", "k")) == f"c.yml:{4 + (1 if order[0] == 'k' else 2)}"
    assert document.where(("b", "m")) == "c.yml:3"


def test_first_of_merged_list_wins():
    assert parse("a: &a {k: 1}\nb: &b {k: 2, m: 2}\nc:\n  <<: [*a, *b]\n", "c").tree["c"] == {"k": 1, "m": 2}


def test_merges_reach_through_merges():
    tree = parse("a: &a {k: 1, m: 1}\nb: &b\n  <<: *a\n  k: 2\nc:\n  <<: *b\n", "c").tree
    assert tree["c"] == {"k": 2, "m": 1}


def test_duplicate_key_names_both_lines():
    message = refused("Global:\n  a: 1\n  b: 2\n  a: 3\n")
    assert message == "c.yml:4: Global.a: given twice, first in line 2"


@pytest.mark.parametrize(
    "payload",
    [
        "!!python/object/apply:os.system ['touch {}']",
        "!!python/object/new:os.system ['touch {}']",
        "!!python/object/apply:builtins.open ['{}', 'w']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!custom {{a: 1}}",
    ],
)
@pytest.mark.parametrize("place", ["x: {}\n", "x:\n- {}\n", "x: {{? {} : 1}}\n", "a: &a {}\nx: *a\n", "{}\n"])
def test_tags_never_run_code(tmp_path, payload, place):
    sentinel = tmp_path / "ran"
    assert "c.yml:" in refused(place.format(payload.format(sentinel)))
    assert not sentinel.exists()


def test_tag_in_override_never_runs_code(tmp_path):
    sentinel = tmp_path / "ran"
    assert "not allowed" in override_refused(f"A.b=!!python/object/apply:os.system ['touch {sentinel}']")
    assert not sentinel.exists()


@pytest.mark.parametrize("shape", ["[{}]", "{{<<: [{}]}}"])
def test_billion_laughs(shape):
    lines = ["l0: &l0 " + ("[x]" if shape[0] == "[" else "{x: 1}")]
    for i in range(1, 12):
        lines.append(f"l{i}: &l{i} " + shape.format(", ".join([f"*l{i - 1}"] * 10)))
    assert "aliases repeat too much" in refused("\n".join(lines))


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a {<<: *a}\n", "a: &a\n  b: {<<: *a}\n"])
def test_alias_of_itself(text):
    assert refused(text).endswith("an alias contains itself")


def test_nested_too_deeply():
    assert "nested too deeply" in refused("a: " + "[" * 5000 + "]" * 5000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\nb: 2\n", "c.yml:2: not valid YAML"),
        ("a: b: c\n", "c.yml:1: not valid YAML"),
        ("a:\n\tb: 1\n", "c.yml:2: not valid YAML"),
        ("a: 1\nb: *gone\n", "c.yml:2: not valid YAML: found undefined alias 'gone'"),
        ("a: 1\n---\nb: 1\n", "c.yml:2: not valid YAML"),
        ("a: 1\nb: \x01\n", "c.yml:2: not valid YAML: the character 0x01"),
        ("a:\n  b: !!bool maybe\n", "c.yml:2: a.b: 'maybe' cannot be read as bool"),
        ("a: !!int x\n", "c.yml:1: a: 'x' cannot be read as int"),
        ("a: " + "1" * 5000, "c.yml:1: a: "),
        ("? [a]\n: 1\n", "c.yml:1: a key is a word"),
        ("a: {<<: 3}\n", "c.yml:1: a: << merges mappings only"),
        ("- a\n- b\n", "c.yml: a configuration is a mapping of sections, not a list"),
        ("just text\n", "c.yml: a configuration is a mapping of sections, not a string"),
        ("", "c.yml: the file is empty"),
        ("# nothing\n", "c.yml: the file is empty"),
    ],
)
def test_refused_text(text, said):
    assert refused(text).startswith(said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\x80\x02}q\x00.", "not a text file: byte 0 is not UTF-8"),
        (b"a\0b", "not a text file: it holds a zero byte"),
        (b"\x01\x02\x03", "not valid YAML: the character 0x01 is not allowed"),
        (b"PK\x03\x04", "not allowed"),
    ],
)
def test_refused_file(tmp_path, data, said):
    path = tmp_path / "c.yml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_missing_file_and_folder(tmp_path):
    for path, said in ((tmp_path / "none.yml", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(ConfigError, match=said) as caught:
            read_document(path)
        assert str(path) in str(caught.value)
        assert caught.value.hint


def test_file_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "MAX_BYTES", 10)
    path = tmp_path / "c.yml"
    path.write_text("a: " + "1" * 20)
    with pytest.raises(ConfigError, match="larger than 10 bytes"):
        read_document(path)
    path.write_text("a: " + "1" * 7)
    assert read_document(path).tree == {"a": 1111111}


def test_the_place_of_a_missing_key_is_that_of_the_section_around_it():
    document = Document({}, {("A",): "c.yml:3"})
    assert document.where(("A", "b", 0)) == "c.yml:3" and document.where(("B",)) == ""
    document.places[()] = "c.yml:1"
    assert document.where(("B",)) == document.where(()) == "c.yml:1"


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("A.b=2", "A.b", 2),
        ("A.b=1e-4", "A.b", 1e-4),
        ("A.b=x=y=z", "A.b", "x=y=z"),
        ("A.b=", "A.b", None),
        ("A.b=null", "A.b", None),
        ("A.b=[a, b]", "A.b", ["a", "b"]),
        ("A.b=[1e-3,2]", "A.b", [1e-3, 2]),
        ("A.b={c: 1}", "A.b", {"c": 1}),
        ("A.b=*.jpg", "A.b", "*.jpg"),
        ("A.b=[a", "A.b", "[a"),
        ("A.b=my folder #2", "A.b", "my folder #2"),
        ("A.b='007'", "A.b", "007"),
        ("A.b=C:\\x", "A.b", "C:\\x"),
        ("A.c.d.e=1", "A.c.d", {"e": 1}),
        ("N.x=1", "N", {"x": 1}),
        ("L.0=y", "L.0", "y"),
        ("L.1.T.k=true", "L.1.T.k", True),
        ("L.2.U.k=1", "L.2.U", {"k": 1}),
    ],
)
def test_override(override, path, expected):
    found = overridden(override).tree
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert found == expected
    assert type(found) is type(expected)


def test_override_replaces_place_and_later_one_wins():
    document = overridden("A.b={c: {d: 1}}", "A.b.c=5", "A.b={e: 2}")
    assert document.tree["A"] == {"b": {"e": 2}}
    assert document.where(("A", "b", "e")) == "-o A.b"
    assert document.raw == {("A", "b"): "{e: 2}"}
    assert overridden("N.x=1").where(("N",)) == "-o N.x"


def test_override_of_an_alias_changes_one_place():
    assert overridden("b.k=2", text="a: &x {k: 1}\nb: *x\n").tree == {"a": {"k": 1}, "b": {"k": 2}}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("A.b", "-o A.b: overrides are written Section.key=value"),
        ("=1", "overrides are written"),
        ("A..b=1", "overrides are written"),
        ("L.3=1", "-o L.3: L is a list of 3 items, 0 to 2"),
        ("E.0=1", "-o E.0: E is an empty list"),
        ("L.-1=1", "L is a list of 3 items"),
        ("L.²=1", "L is a list of 3 items"),
        ("L.T.k=1", "L is a list: T is item 1, write L.1.T"),
        ("A.b.c=1", "-o A.b.c: A.b is an int, not a section"),
        ("L.0.k=1", "L.0 is a string, not a section"),
        ("A.b=\x01", "-o A.b: not valid YAML: the character 0x01"),
    ],
)
def test_refused_override(override, said):
    assert said in override_refused(override)


def test_all_refused_overrides_at_once():
    assert len(override_refused("A.b", "L.9=1", "A.c=3").splitlines()) == 2


def test_reading_does_not_depend_on_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "c.yml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path)
    assert read_document(Path("c.yml")).where(("a",)) == "c.yml:1"


def test_a_list_given_twice_in_two_spellings_of_one_meaning_is_a_warning(tmp_path):
    twice = "L:\n  pairs: [Student, Teacher]\n  pairs:\n  - [{}, Teacher]\n"
    (tmp_path / "c.yml").write_text(twice.format("Student"))
    document = read_document(tmp_path / "c.yml")
    assert document.tree == {"L": {"pairs": ["Student", "Teacher"]}}
    (note,) = document.notes
    assert note.endswith("c.yml:3: L.pairs: given twice, first in line 2; both mean the same")
    (tmp_path / "c.yml").write_text(twice.format("Student2"))
    with pytest.raises(ConfigError, match="c.yml:3: L.pairs: given twice, first in line 2"):
        read_document(tmp_path / "c.yml")
