from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from ppocr.data.lmdb_dataset import LMDBDataSet
from ppocr.data.lmdb_writer import write_lmdb
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.data.transforms.base import Pipeline
from ppocr.errors import ConfigError, DataError, SampleError
from tests.data.helpers import Decode, Fail, Noise, make_images

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "rec"


def write(folder: Path, text: str, name: str = "labels.txt") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_unicode_spaces_and_several_files(tmp_path: Path) -> None:
    for name in ("a b.png", "中文 字.png"):
        (tmp_path / name).write_bytes(name.encode())
    first = write(tmp_path, "a b.png\tx y\tz\n中文 字.png\t韩国\n")
    second = write(tmp_path, "a b.png\t\n", "more.txt")
    dataset = SimpleDataSet(str(tmp_path), [first, second], ratio_list=[1.0, 0.5], mode="eval")
    samples = [dataset.read(i, 0) for i in range(3)]
    assert [s["text"] for s in samples] == ["x y\tz", "韩国", ""]
    assert samples[1]["image"] == "中文 字.png".encode()
    assert [dataset.describe(i) for i in range(3)] == [f"{first}:1", f"{first}:2", f"{second}:1"]
    assert dataset.sizes == [2, 1] and dataset.ratios == [1.0, 0.5]
    assert len(SimpleDataSet(str(tmp_path), first)) == 2, "one file may be given without a list"


def test_a_json_list_gives_one_of_its_images_by_seed_and_epoch(tmp_path: Path) -> None:
    for name in ("11.jpg", "12.jpg", "[1].jpg"):
        (tmp_path / name).write_bytes(name.encode())
    path = write(tmp_path, '["11.jpg", "12.jpg"]\tSimple\n[1].jpg\tbracket\n["11.jpg", 3]\tbad\n')
    dataset = SimpleDataSet(str(tmp_path), [path], seed=5)
    drawn = [dataset.sample(epoch, 0).sample["image"] for epoch in range(40)]
    assert set(drawn) == {b"11.jpg", b"12.jpg"}
    assert drawn == [dataset.sample(epoch, 0).sample["image"] for epoch in range(40)]
    assert dataset.read(1, 0)["image"] == b"[1].jpg"
    with pytest.raises(SampleError, match="bad_line"):
        dataset.read(2, 0)


def test_spaces_instead_of_tabs_are_recognised(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png hello\nb.png world\n")
    with pytest.raises(DataError, match=r":1: no tab .*'a.png hello'; it has spaces instead: write path, tab, label"):
        SimpleDataSet(str(tmp_path), path)
    (tmp_path / "a.png").write_bytes(b"x")
    assert SimpleDataSet(str(tmp_path), path, delimiter=" ").read(0, 0)["text"] == "hello"


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "train/a.png\thello\n")
    with pytest.raises(DataError, match="the image folder nowhere does not exist; .* would be nowhere/train/a.png"):
        SimpleDataSet("nowhere", path)
    with pytest.raises(DataError, match=f"the first would be {tmp_path}/train/a.png"):
        SimpleDataSet(str(tmp_path), path)
    with pytest.raises(DataError, match="label file .*none.txt does not exist"):
        SimpleDataSet(str(tmp_path), str(tmp_path / "none.txt"))
    with pytest.raises(ConfigError, match="label_file_list is empty"):
        SimpleDataSet(str(tmp_path), [])


def test_lists_of_different_length_are_both_shown(tmp_path: Path) -> None:
    path = str(make_images(tmp_path, 2))
    with pytest.raises(ConfigError, match=r"1 entries and ratio_list 2: .*labels.txt.* and \[0.5, 0.5\]"):
        SimpleDataSet(str(tmp_path), [path], ratio_list=[0.5, 0.5])


def broken_set(folder: Path, good: int = 3) -> str:
    """Write a set with one missing file, one empty file, one bomb and one line without a tab."""
    make_images(folder, good)
    (folder / "empty.png").write_bytes(b"")
    header = b"IHDR" + struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (folder / "bomb.png").write_bytes(png + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")))
    lines = [f"word {i}.png\tlabel" for i in range(good)]
    lines += ["missing.png\tx", "empty.png\tx", "bomb.png\tx", "no tab here"]
    return write(folder, "\n".join(lines))


def test_training_replaces_a_bad_sample_and_evaluation_does_not(tmp_path: Path) -> None:
    path = broken_set(tmp_path)
    pipeline = Pipeline([Decode(), Noise()])
    train = SimpleDataSet(str(tmp_path), path, pipeline=pipeline, seed=2)
    draw = train.sample(1, 3)
    assert draw.skipped[:2] == ("missing_file", f"{path}:4") and "missing.png" in draw.skipped.detail
    assert draw.sample["index"] in (0, 1, 2)
    again = train.sample(1, 3)
    assert again.sample["index"] == draw.sample["index"]
    assert np.array_equal(again.sample["image"], draw.sample["image"])
    held_out = SimpleDataSet(str(tmp_path), path, pipeline=pipeline, mode="eval")
    draws = [held_out.sample(1, i) for i in range(len(held_out))]
    assert [d.sample is not None for d in draws] == [True] * 3 + [False] * 4
    assert draws[6].skipped.reason == "no_tab" and "'no tab here'" in draws[6].skipped.detail


def test_a_set_of_bad_samples_ends_with_the_first_causes(tmp_path: Path) -> None:
    path = broken_set(tmp_path, good=1)
    (tmp_path / "word 0.png").write_bytes(b"no image")
    dataset = SimpleDataSet(str(tmp_path), path, pipeline=Pipeline([Decode()]))
    with pytest.raises(DataError, match="no usable sample in 20 attempts") as caught:
        dataset.sample(0, 0)
    assert str(caught.value).count(path) == 5


def test_a_failing_transform_names_the_line(tmp_path: Path) -> None:
    make_images(tmp_path, 1)
    path = write(tmp_path, "word 0.png\tfine\nword 0.png\tcrash\n")
    dataset = SimpleDataSet(str(tmp_path), path, pipeline=Pipeline([Fail(), Decode()]))
    drawn = dataset.sample(0, 1)  # its own problem: another line takes its place
    assert drawn.sample is not None and drawn.sample["text"] == "fine"
    assert str(drawn.skipped).startswith(f"{path}:2: failed: ZeroDivisionError: division by zero (helpers.py:")
    path = write(tmp_path, "word 0.png\tcrash\n")
    with pytest.raises(DataError, match=f"{path}:1: failed: ZeroDivisionError") as caught:
        SimpleDataSet(str(tmp_path), path, pipeline=Pipeline([Fail(), Decode()])).sample(0, 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError), "for --debug"


def test_lmdb_of_nested_folders_gives_back_what_was_written(tmp_path: Path) -> None:
    path = make_images(tmp_path, 5)
    path.write_text(path.read_text() + "\nmissing.png\tx\n")
    written, problems = write_lmdb(str(path), str(tmp_path), str(tmp_path / "lmdb" / "a"))
    assert written == 5 and [p.reason for p in problems] == ["missing_file"] and problems[0].where == f"{path}:6"
    write_lmdb(str(path), str(tmp_path), str(tmp_path / "lmdb" / "deep" / "b"))
    with pytest.raises(DataError, match="already"):
        write_lmdb(str(path), str(tmp_path), str(tmp_path / "lmdb" / "a"))
    dataset = LMDBDataSet(str(tmp_path / "lmdb"), ratio_list=[1.0, 0.5], mode="eval", pipeline=Pipeline([Decode()]))
    files = SimpleDataSet(str(tmp_path), str(path), mode="eval", pipeline=Pipeline([Decode()]))
    assert dataset.sizes == [5, 5] and len(dataset) == 10
    for index in range(10):
        ours, wanted = dataset.sample(0, index).sample, files.sample(0, index % 5).sample
        assert ours["text"] == wanted["text"] and np.array_equal(ours["image"], wanted["image"])
    assert dataset.describe(6).endswith("lmdb/deep/b:image-000000002")
    with pytest.raises(ConfigError, match="2 LMDBs and ratio_list 1"):
        LMDBDataSet(str(tmp_path / "lmdb"), ratio_list=[1.0])


def test_lmdb_problems_are_distinguished(tmp_path: Path) -> None:
    import lmdb

    with pytest.raises(DataError, match="does not exist"):
        LMDBDataSet(str(tmp_path / "none"))
    with pytest.raises(DataError, match="no LMDB"):
        LMDBDataSet(str(tmp_path))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "data.mdb").write_bytes(b"x" * 100)
    with pytest.raises(DataError, match="cannot be opened"):
        LMDBDataSet(str(tmp_path / "broken"))
    lmdb.open(str(tmp_path / "none")).close()
    with pytest.raises(DataError, match="num-samples"):
        LMDBDataSet(str(tmp_path / "none"))
    with lmdb.open(str(tmp_path / "short")) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"2")
        transaction.put(b"image-000000001", b"x")
        transaction.put(b"label-000000001", b"\xff")
    dataset = LMDBDataSet(str(tmp_path / "short"))
    for index, reason in enumerate(("not_utf8", "missing_key")):
        with pytest.raises(SampleError, match=reason):
            dataset.read(index, 0)


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared photographs are not here")
def test_real_words_from_files_and_from_lmdb(tmp_path: Path) -> None:
    files = [str(path) for path in sorted(REAL.glob("*.txt"))]
    dataset = SimpleDataSet(str(REAL), files, mode="eval", pipeline=Pipeline([Decode()]))
    assert len(dataset) == 35
    texts = []
    for i, path in enumerate(files):
        write_lmdb(path, str(REAL), str(tmp_path / str(i)))
    stored = LMDBDataSet(str(tmp_path), mode="eval", pipeline=Pipeline([Decode()]))
    for index in range(35):
        ours, wanted = stored.sample(0, index).sample, dataset.sample(0, index).sample
        assert ours["text"] == wanted["text"] and np.array_equal(ours["image"], wanted["image"])
        texts.append(ours["text"])
    assert "韩国小馆" in texts and json.dumps(texts)


def test_a_bad_sample_is_replaced_by_another_each_epoch(tmp_path: Path) -> None:
    make_images(tmp_path, 30)
    lines = "".join(f"word {i}.png\tlabel\n" for i in range(30))
    train = SimpleDataSet(
        str(tmp_path), write(tmp_path, f"missing.png\tx\n{lines}"), pipeline=Pipeline([Decode()]), seed=2
    )
    taken = [train.sample(epoch, 0).sample["index"] for epoch in range(12)]
    assert len(set(taken)) > 4, "one sample stands in for it in every epoch"
