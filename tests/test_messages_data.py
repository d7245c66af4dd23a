"""Damaged and hostile data ends in one clear line with a cause and a hint, like every other mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.data.lmdb_writer import write_lmdb
from tests.mistakes import Mistake, infer, reported_in_one_line, train, whole_set
from tests.system.project import Project

HUGE_CHUNK = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000003000001030802000000f94affffffff002749444154789c639cd6b49d9383839d939de9f1f3"
    "c757ef5cfbf3"
)
WIDTH_TWICE = (
    b"II*\0\x08\0\0\0\x03\0"
    + b"\0\1\4\0\1\0\0\0\x60\xea\0\0"
    + b"\0\1\4\0\1\0\0\0\5\0\0\0"
    + b"\1\1\4\0\1\0\0\0\5\0\0\0"
)
FLAT_JPEG = b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x08\3\1\x11\0\2\x11\0\3\x11\0"
DDS = b"DDS |\0\0\0" + bytes(72) + b" \0\0\0\4\0\0\0JUNK" + bytes(100)


def all_images(data: bytes):
    """Return what replaces every image."""

    def prepare(project: Project) -> None:
        for path in (project.folder / "images").rglob("*"):
            if path.is_file():
                path.write_bytes(data)

    return prepare


def as_lmdb(change):
    """Return what puts the training set into an LMDB and changes its file."""

    def prepare(project: Project) -> Path:
        folder = project.folder / "lmdb"
        write_lmdb(str(project.folder / "train.txt"), str(project.folder / "images"), str(folder))
        data = (folder / "data.mdb").read_bytes()
        (folder / "data.mdb").write_bytes(change(data))
        text = project.config.read_text(encoding="utf-8")
        images, labels = project.folder / "images", project.folder / "train.txt"
        files = f"    name: SimpleDataSet\n    data_dir: {images}\n    label_file_list: [{labels}]\n"
        assert files in text
        path = project.folder / "with_lmdb.yml"
        path.write_text(text.replace(files, f"    name: LMDBDataSet\n    data_dir: {folder}\n"), encoding="utf-8")
        return path

    return prepare


def wreck_leaves(data: bytes) -> bytes:
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    return b"".join(p[:10] + b"\x40" + p[11:] if n > 1 and p[10] == 2 else p for n, p in enumerate(pages))


def hostile_image(name: str, data: bytes):
    """Return what puts one image with a hostile name into a folder of its own."""

    def prepare(project: Project) -> None:
        (project.folder / "some").mkdir()
        (project.folder / "some" / name).write_bytes(data)

    return prepare


NOT_USABLE = "no usable sample in 20 attempts"
UNTRAINED = "Global.pretrained_model={p}/out/best_accuracy"
MISTAKES = [
    Mistake(
        "PNG chunk of 4 GB",
        train,
        (NOT_USABLE, "undecodable: a damaged header"),
        prepare=all_images(HUGE_CHUNK),
        starts=True,
    ),
    Mistake(
        "TIFF of two widths", train, ("undecodable: a damaged header",), prepare=all_images(WIDTH_TWICE), starts=True
    ),
    Mistake("JPEG of no height", train, ("undecodable: a damaged header",), prepare=all_images(FLAT_JPEG), starts=True),
    Mistake("DDS", train, ("none of JPEG, PNG, BMP",), prepare=all_images(DDS), starts=True),
    Mistake(
        "an image name of brackets",
        train,
        ("no image of", "was found"),
        prepare=whole_set(lambda i: "[" * 1000 + "\ta\n"),
    ),
    Mistake("an image name with a zero byte", train, ("was found",), prepare=whole_set(lambda i: '["\\u0000"]\ta\n')),
    Mistake("an image name of a surrogate", train, ("was found",), prepare=whole_set(lambda i: '["\\ud800"]\ta\n')),
    Mistake("an escape sequence in a name", train, ("\\u001b[31m",), prepare=whole_set(lambda i: "\x1b[31m.png\ta\n")),
    Mistake(
        "LMDB truncated", train, ("lmdb is truncated: data.mdb has 8192 bytes",), prepare=as_lmdb(lambda d: d[:8192])
    ),
    Mistake("LMDB of a bad page", train, ("lmdb: num-samples: mdb_get: MDB_CORRUPTED",), prepare=as_lmdb(wreck_leaves)),
    Mistake(
        "no image that infer can read",
        infer,
        ("none of 1 images could be read: undecodable",),
        (UNTRAINED, "Global.infer_img={p}/some"),
        prepare=hostile_image("\x1b]0;title\x07.png", FLAT_JPEG),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_data_mistake_is_reported_in_one_line(
    mistake: Mistake, trained: Project, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch)
