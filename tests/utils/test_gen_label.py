"""ICDAR's label files become ours, line by line; what cannot be read is refused by file and line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.data.transforms.det_labels import DetLabelEncode
from ppocr.utils import gen_label

SCRIPT = Path(gen_label.__file__)
FIRST = "\ufeff377,117,463,117,465,130,378,130,Genaxis Theatre\r\n493,115,519,115,519,131,493,131,[06]\r\n"
SECOND = "1,2,30,2,30,9,1,9,###\r\n\r\n5,20,90,20,90,30.5,5,30,a, b,c\r\n5,40,90,40,90,50,5,50,12,000\r\n"


def gts(folder: Path, **files: str) -> Path:
    """Write region files and return their folder."""
    path = folder / "gts"
    path.mkdir()
    for name, text in files.items():
        (path / f"{name}.txt").write_bytes(text.encode("utf-8"))
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script as the tutorial does, from a folder without the package."""
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def regions(path: Path) -> dict[str, list]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {image: json.loads(label) for image, label in (line.split("\t") for line in lines)}


def test_regions_of_icdar_2015(tmp_path: Path) -> None:
    folder = gts(tmp_path, gt_img_10=SECOND, gt_img_2=FIRST, gt_img_3="")
    output = tmp_path / "new" / "label.txt"
    done = run("--mode=det", "--root_path=train_imgs/", f"--input_path={folder}", f"--output_label={output}")
    assert done.returncode == 0, done.stderr
    made = regions(output)
    assert list(made) == ["train_imgs/img_2.jpg", "train_imgs/img_3.jpg", "train_imgs/img_10.jpg"]
    assert made["train_imgs/img_2.jpg"] == [
        {"transcription": "Genaxis Theatre", "points": [[377, 117], [463, 117], [465, 130], [378, 130]]},
        {"transcription": "[06]", "points": [[493, 115], [519, 115], [519, 131], [493, 131]]},
    ]
    assert made["train_imgs/img_3.jpg"] == [], "an image without text is a label too"
    last = made["train_imgs/img_10.jpg"]
    assert [region["transcription"] for region in last] == ["###", "a, b,c", "12,000"]
    assert last[1]["points"] == [[5, 20], [90, 20], [90, 30.5], [5, 30]]
    assert "3 images, 5 text instances" in done.stdout and "Genaxis" not in done.stdout


def test_what_is_written_is_what_the_encoder_reads(tmp_path: Path) -> None:
    output = tmp_path / "label.txt"
    gen_label.gen_det_label("", str(gts(tmp_path, gt_img_1=SECOND)), str(output))
    label = output.read_text(encoding="utf-8").rstrip("\n").split("\t")[1]
    sample = DetLabelEncode()({"label": label})
    assert sample["texts"] == ["###", "a, b,c", "12,000"]
    assert sample["ignore_tags"].tolist() == [True, False, False] and sample["polys"].shape == (3, 4, 2)


def test_polygons_have_as_many_points_as_their_line_has_numbers(tmp_path: Path) -> None:
    curved = "1,2,3,4,5,6,7,8,9,10,11,12,a\n1,2,3,4,5,6,7,8,9,10,b, 1\n1,2,3,4,5,6,7,8,c"
    output = tmp_path / "label.txt"
    gen_label.gen_det_label("", str(gts(tmp_path, img_1=curved)), str(output))
    made = regions(output)["img_1.jpg"]
    assert [(len(r["points"]), r["transcription"]) for r in made] == [(6, "a"), (5, "b, 1"), (4, "c")]


def test_numbers_after_four_points_are_text_where_most_lines_have_four(tmp_path: Path) -> None:
    folder = gts(tmp_path, gt_img_1=FIRST, gt_img_2="1,2,3,4,5,6,7,8,1,2,3")
    output = tmp_path / "label.txt"
    report = gen_label.gen_det_label("", str(folder), str(output))
    assert regions(output)["img_2.jpg"][0]["transcription"] == "1,2,3"
    assert f"1 texts begin with numbers, the first at {folder}/gt_img_2.txt:1" in report
    with pytest.raises(gen_label.LabelFileError, match="2 of 3 lines are wrong.*gt_img_1.txt:1: 5 points"):
        gen_label.gen_det_label("", str(folder), str(output), points=5)


def test_the_image_that_exists_gives_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "img_1.png").write_bytes(b"")
    output = tmp_path / "label.txt"
    gen_label.gen_det_label(str(tmp_path), str(gts(tmp_path, gt_img_1="", gt_img_2="")), str(output))
    assert [Path(name) for name in regions(output)] == [tmp_path / "img_1.png", tmp_path / "img_2.jpg"]


@pytest.mark.parametrize("line", ["1,2,3,4,5,6,7,8", "1,2,3,4,5,6,7,x,a", "nan,2,3,4,5,6,7,8,a", "word"])
def test_a_line_that_is_no_region_is_refused_and_nothing_written(tmp_path: Path, line: str) -> None:
    folder = gts(tmp_path, gt_img_1=FIRST, gt_img_2=f"\n{line}\n")
    output = tmp_path / "label.txt"
    done = run("--mode=det", f"--input_path={folder}", f"--output_label={output}")
    assert done.returncode == 1 and not output.exists()
    assert f"1 of 3 lines are wrong: {folder}/gt_img_2.txt:2: 4 points and a text expected" in done.stderr
    assert done.stderr.count("\n") == 1


def test_words_of_icdar(tmp_path: Path) -> None:
    source = tmp_path / "gt.txt"
    lines = (
        '\ufeffword_1.png, "Genaxis Theatre"\r\nword_2.png, "a, b"\r\nword_3.png,plain\r\nword_4.png, "\\"JOINT"\r\n'
    )
    source.write_bytes((lines + 'word_5.png, "日本"\n').encode())
    output = tmp_path / "rec_gt_label.txt"
    done = run("--mode=rec", f"--input_path={source}", f"--output_label={output}")
    assert done.returncode == 0, done.stderr
    assert output.read_text(encoding="utf-8").splitlines() == [
        "word_1.png\tGenaxis Theatre",
        "word_2.png\ta, b",
        "word_3.png\tplain",
        'word_4.png\t"JOINT',
        "word_5.png\t日本",
    ]
    gen_label.gen_rec_label(str(source), str(output), root_path="train")
    assert output.read_text(encoding="utf-8").startswith("train/word_1.png\t")


def test_the_mode_is_rec_by_default(tmp_path: Path) -> None:
    source = tmp_path / "gt.txt"
    source.write_text("word_1.png and no comma\nword_2.png,\n", encoding="utf-8")
    done = run(f"--input_path={source}", f"--output_label={tmp_path / 'out.txt'}")
    assert done.returncode == 1 and not (tmp_path / "out.txt").exists()
    assert f"2 of 2 lines are wrong: {source}:1: an image and a text expected" in done.stderr


@pytest.mark.parametrize("mode", ["det", "rec"])
def test_paths_that_are_not_there_are_named(tmp_path: Path, mode: str) -> None:
    done = run(f"--mode={mode}", f"--input_path={tmp_path / 'no such'}", f"--output_label={tmp_path / 'out.txt'}")
    assert done.returncode == 1 and "no such: not a f" in done.stderr and "Traceback" not in done.stderr


def test_another_encoding_is_named(tmp_path: Path) -> None:
    folder = gts(tmp_path, gt_img_1="")
    (folder / "gt_img_2.txt").write_bytes("1,2,3,4,5,6,7,8,中".encode("gbk"))
    with pytest.raises(gen_label.LabelFileError, match="gt_img_2.txt: not UTF-8"):
        gen_label.gen_det_label("", str(folder), str(tmp_path / "out.txt"))


def test_names_no_label_file_can_hold_are_refused_and_shown_harmlessly(tmp_path: Path) -> None:
    for number, name in enumerate((b"gt_a\tb.txt", b"gt_a\nb.txt", b"gt_\xff.txt")):
        folder = tmp_path / str(number) / "\x1b[31m"
        folder.mkdir(parents=True)
        (folder / os.fsdecode(name)).write_text(FIRST.lstrip("\ufeff"), encoding="utf-8")
        done = run("--mode=det", f"--input_path={folder}", f"--output_label={tmp_path / 'out.txt'}")
        assert done.returncode == 1 and "rename the file" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    (tmp_path / "\x1b[2J.txt").write_text("no comma\n", encoding="utf-8")
    done = run(f"--input_path={tmp_path}/\x1b[2J.txt", f"--output_label={tmp_path / 'out.txt'}")
    assert done.returncode == 1 and "\\u001b[2J.txt:1: " in done.stderr and "\x1b" not in done.stderr
    assert not (tmp_path / "out.txt").exists()
