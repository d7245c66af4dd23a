"""Wheels: fetched by pip alone, known by their sha256, opened for the named files only; all of it works offline."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import ENTRIES, Wheel, find, table


def make_wheel(folder: Path) -> Wheel:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "some_models-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some/../../escaped.txt", "out")
        archive.writestr("some/models/a.onnx", "model")
        archive.writestr("some/dict.txt", "characters")
        about = "Metadata-Version: 2.1\nName: some-models\nVersion: 1.0\n"
        archive.writestr("some_models-1.0.dist-info/METADATA", about)
        archive.writestr("some_models-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("some_models-1.0.dist-info/RECORD", "")
    data = path.read_bytes()
    return Wheel("some-models", "1.0", hashlib.sha256(data).hexdigest(), len(data))


def test_a_wheel_that_is_there_is_used_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path)
    monkeypatch.setattr(wheels.subprocess, "run", lambda *_, **__: pytest.fail("pip was called"))
    assert wheels.fetch(wheel, tmp_path).name == "some_models-1.0-py3-none-any.whl"


def test_another_wheel_of_the_same_name_is_refused(tmp_path: Path) -> None:
    wheel = dataclasses.replace(make_wheel(tmp_path), sha256="0" * 64)
    with pytest.raises(PpocrError, match="is not the wheel that is known as some-models==1.0"):
        wheels.fetch(wheel, tmp_path)


def test_pip_downloads_checks_and_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    path = wheels.fetch(wheel, tmp_path / "cache")
    assert path.parent == tmp_path / "cache" and path.stat().st_size == wheel.size
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [path.name]


def test_no_network_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PpocrError) as caught:
        wheels.fetch(Wheel("some-models", "1.0", "0" * 64, 15_000_000), tmp_path)
    assert caught.value.message == "some-models==1.0 (15 MB) could not be fetched from the package index"
    assert "by hand" in caught.value.hint and list(tmp_path.iterdir()) == []


def test_only_the_named_files_are_written(tmp_path: Path) -> None:
    make_wheel(tmp_path)
    path, folder = next(tmp_path.glob("*.whl")), tmp_path / "out" / "deep"
    folder.mkdir(parents=True)
    found = wheels.extract(path, ["some/models/a.onnx", "some/../../escaped.txt"], folder)
    assert found["some/models/a.onnx"].read_text() == "model"
    assert sorted(p.name for p in folder.iterdir()) == ["a.onnx", "escaped.txt"]  # without its path
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", path.name]
    with pytest.raises(PpocrError, match="does not hold some/models/b.onnx"):
        wheels.extract(path, ["some/models/b.onnx"], folder)
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for damaged in (whole[:100], whole[: directory + 8] + b"\x01" + whole[directory + 9 :]):  # the latter is encrypted
        path.write_bytes(damaged)
        with pytest.raises(PpocrError, match="damaged"):
            wheels.extract(path, ["some/../../escaped.txt"], folder)


def test_the_table_says_where_from_how_large_and_under_which_licence() -> None:
    lines = table()
    assert len(lines) == len(ENTRIES) + 1 and len({e.name for e in ENTRIES}) == len(ENTRIES)
    for entry, line in zip(ENTRIES, lines[1:]):
        assert {entry.name, entry.wheel.requirement, entry.wheel.licence} <= set(line.split())
        assert f"{entry.wheel.size / 1e6:.0f} MB" in line
        assert len(entry.wheel.sha256) == 64 and max(map(len, lines)) <= 120


def test_an_unknown_name_is_reported_with_the_nearest() -> None:
    with pytest.raises(PpocrError, match="did you mean PP-OCRv4_mobile_rec"):
        find("PP-OCRv4_mobile_rek")
