"""Files and folders appear whole or not at all, and nothing but `utils/atomic.py` renames or syncs."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from ppocr.errors import PpocrError
from ppocr.utils.atomic import atomic_folder, write_file

ROOT = Path(__file__).resolve().parents[2]
OURS_ALONE = {"replace", "rename", "fsync", "mkstemp", "mkdtemp", "NamedTemporaryFile"}
MODULES = {"os", "tempfile", "shutil"}


def failing(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "config.yml"
    write_file(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, step, failing)
        with pytest.raises(PpocrError, match="config.yml: cannot be written: No space left"):
            write_file(path, b"new")
    assert path.read_bytes() == b"old"
    write_file(path, b"new")
    assert path.read_bytes() == b"new" and sorted(tmp_path.iterdir()) == [path]


def test_a_folder_gets_its_files_in_order_when_the_block_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, moved, replace = tmp_path / "a" / "b", [], os.replace
    target.mkdir(parents=True)
    for name in ("stale", "kept"):
        (target / name).write_text("of before")

    def watched(old: Path, new: Path) -> None:
        assert not (target / "stale").exists()
        moved.append(Path(new).name)
        replace(old, new)

    monkeypatch.setattr(os, "replace", watched)
    with atomic_folder(target, lambda path: path.name == "a.json", stale=["stale", "absent"]) as temporary:
        for name in ("a.json", "b", "c"):
            (temporary / name).write_text(name)
        assert sorted(p.name for p in target.iterdir() if p != temporary) == ["kept", "stale"]
    assert moved[-1] == "a.json" and sorted(p.name for p in target.iterdir()) == ["a.json", "b", "c", "kept"]


def test_a_folder_is_as_before_when_the_block_fails(tmp_path: Path) -> None:
    for target, before in ((tmp_path / "new", False), (tmp_path, True)):
        with pytest.raises(KeyError), atomic_folder(target, stale=["kept"]) as temporary:
            (temporary / "file").write_text("half")
            (tmp_path / "kept").write_text("")
            raise KeyError("in the block")
        assert target.exists() == before
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_a_place_that_cannot_be_written_is_named_with_the_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(PpocrError, match="file.*cannot be written") as caught,
        atomic_folder(tmp_path / "file", hint="set the place"),
    ):
        pass
    assert caught.value.hint == "set the place"


def test_nothing_else_renames_or_syncs() -> None:
    found = []
    for path in (p for folder in ("ppocr", "tools") for p in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in OURS_ALONE and isinstance(node.value, ast.Name):
                found += [path.relative_to(ROOT).as_posix()] if node.value.id in MODULES else []
    assert set(found) == {"ppocr/utils/atomic.py"}
