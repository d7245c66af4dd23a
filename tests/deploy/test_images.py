"""Naming images: files, folders and lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.deploy.images import ResultsFile, list_images, read_labels
from ppocr.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """A folder of two images, one of them deeper, and a file that is none."""
    (tmp_path / "deep er").mkdir()
    for name in ("b.png", "deep er/ä.JPG", "notes.md"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_one_image_needs_no_suffix_known_to_us(folder):
    assert list_images(folder / "notes.md") == [str(folder / "notes.md")]


def test_a_folder_is_searched_and_sorted(folder):
    assert list_images(folder) == [str(folder / "b.png"), str(folder / "deep er/ä.JPG")]


def test_a_pattern_names_what_matches_sorted(folder):
    assert list_images(f"{folder}/**/*.*") == [str(folder / name) for name in ("b.png", "deep er/ä.JPG", "notes.md")]
    (folder / "c[1].png").write_bytes(b"x")
    assert list_images(folder / "c[1].png") == [str(folder / "c[1].png")], "a file of that name is meant"


def test_a_label_file_does_as_a_list(folder):
    listed = folder / "list.txt"
    listed.write_text("b.png\tlabel with b\n\ndeep er/ä.JPG\n", encoding="utf-8-sig")
    assert list_images(folder, listed) == [str(folder / "b.png"), str(folder / "deep er/ä.JPG")]
    assert list_images(listed) == ["b.png", "deep er/ä.JPG"]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00"])
def test_nothing_to_read_is_an_error(tmp_path, content):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match="list.txt"):
        list_images(path)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no image"):
        list_images(tmp_path)


def test_results_are_in_the_file_as_soon_as_they_are_known(tmp_path):
    path = tmp_path / "new" / "out.txt"
    with ResultsFile(path) as file:
        assert not path.exists(), "an earlier run's results stay until there are others"
        file.add("a\tb")
        assert path.read_bytes() == b"a\tb\n"
        file.add("ä")
    assert path.read_bytes() == "a\tb\nä\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["out.txt"]
    with ResultsFile(None) as file:
        file.add("nowhere")
    for place in (path / "below a file.txt", Path("/dev/full")):
        with pytest.raises(DataError, match="cannot be written"), ResultsFile(place) as file:
            file.add("a")


def test_only_a_line_feed_ends_a_line_of_a_list(tmp_path):
    text = "a\u2028\x85\x0c.png\tx\x1cy\r\n\nb.png\tz"
    (tmp_path / "list.txt").write_bytes(text.encode())
    assert list_images("", tmp_path / "list.txt") == ["a\u2028\x85\x0c.png", "b.png"]
    (tmp_path / "list.txt").write_bytes(text.replace("\n\n", "\n").encode())
    assert read_labels(tmp_path / "list.txt", "") == [("a\u2028\x85\x0c.png", "x\x1cy"), ("b.png", "z")]
