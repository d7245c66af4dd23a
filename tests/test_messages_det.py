"""What users get wrong in detection ends in one clear line with a cause and a hint, like every other mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppocr import cli
from tests.mistakes import Mistake, edit, train
from tests.system.det_project import make_det_project
from tests.system.project import Project

REGION = {"transcription": "a", "points": [[4, 4], [60, 4], [60, 30], [4, 30]]}


def labels(row):
    """Return what replaces the label of every image: `row` gives it from the image's number."""

    def prepare(project: Project) -> None:
        for name in ("train.txt", "test.txt"):
            path = project.folder / name
            paths = [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
            path.write_text("".join(f"{p}\t{row(i)}\n" for i, p in enumerate(paths)), encoding="utf-8")

    return prepare


MISTAKES = [
    Mistake(
        "crop sides that the network cannot take",
        train,
        ("images of 70 x 96", "DBFPN takes sides that are multiples of 32", "the nearest is 64 x 96"),
        ("Train.dataset.transforms.3.EastRandomCropData.size=[96,70]",),
        code=2,
    ),
    Mistake(
        "no transform makes the sides multiples of 32",
        train,
        ("images of any size", "DetResizeForTest makes them so"),
        prepare=edit(r"    - DetResizeForTest: .*\n", ""),
        code=2,
    ),
    Mistake(
        "image_shape that is no multiple",
        train,
        ("DetResizeForTest.image_shape", "multiples of 32", "[96, 128]"),
        prepare=edit(r"DetResizeForTest: \{.*\}", "DetResizeForTest: {image_shape: [100, 130]}"),
        code=2,
    ),
    Mistake(
        "misspelt limit_type",
        train,
        ("limit_type_side", "limit_type"),
        prepare=edit(r"limit_type: min", "limit_type_side: min"),
        code=2,
    ),
    Mistake(
        "unknown limit_type",
        train,
        ("DetResizeForTest.limit_type: expected 'min', 'max' or 'resize_long', got a string 'least'",),
        prepare=edit(r"limit_type: min", "limit_type: least"),
        code=2,
    ),
    Mistake(
        "misspelt augmenter",
        train,
        ("no augmenter 'Flipr'", "Fliplr"),
        prepare=edit("type: Fliplr", "type: Flipr"),
        code=2,
    ),
    Mistake(
        "misspelt argument of an augmenter",
        train,
        ("augmenter_args.1.args.rotat: unknown key, did you mean rotate?",),
        prepare=edit("args: {rotate:", "args: {rotat:"),
        code=2,
    ),
    Mistake(
        "threshold above one",
        train,
        ("PostProcess.thresh: expected a number of at least 0 and at most 1, got an int 3",),
        ("PostProcess.thresh=3",),
        code=2,
    ),
    Mistake(
        "KeepKeys without the shape",
        train,
        ("DBPostProcess needs 'shape'", "add shape to KeepKeys.keep_keys"),
        prepare=edit(r"keep_keys: \[image, shape, polys", "keep_keys: [image, polys"),
        code=2,
    ),
    Mistake(
        "KeepKeys without a map",
        train,
        ("DBLoss needs 'shrink_map'", "add shrink_map to KeepKeys.keep_keys"),
        prepare=edit("shrink_map, shrink_mask", "shrink_mask"),
        code=2,
    ),
    Mistake(
        "targets before labels",
        train,
        ("IaaAugment needs 'polys'", "DetLabelEncode"),
        prepare=edit(r"    - DetLabelEncode:\n", ""),
        code=2,
    ),
    Mistake("unknown main loss", train, ("main_loss_type", "DiceLoss"), ("Loss.main_loss_type=DiecLoss",), code=2),
    Mistake(
        "post-processing of another task",
        train,
        ("PostProcess", "CTCLabelDecode"),
        prepare=edit(r"PostProcess: .*", "PostProcess: {name: CTCLabelDecode}"),
        code=2,
    ),
    Mistake(
        "every region is illegible",
        train,
        ("every text instance is '###'",),
        prepare=labels(lambda i: json.dumps([{**REGION, "transcription": "###"}])),
    ),
    Mistake(
        "labels that are no JSON",
        train,
        ("bad_label", "not JSON", "train.txt:1"),
        prepare=labels(lambda i: "[{'transcription': 'a'}]"),
    ),
    Mistake(
        "a transcription is missing",
        train,
        ("bad_label", "without a transcription"),
        prepare=labels(lambda i: json.dumps([{"points": REGION["points"]}])),
    ),
    Mistake(
        "ratio that would keep nothing",
        train,
        ("shrink_ratio",),
        ("Train.dataset.transforms.5.MakeShrinkMap.shrink_ratio=1.4",),
        code=2,
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_mistake_is_reported_in_one_line(
    mistake: Mistake, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_det_project(tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    path = (mistake.prepare(project) if mistake.prepare else None) or project.config
    capfd.readouterr()
    code = cli.main(mistake.command, "", ["-c", str(path), *(["-o", *mistake.options] if mistake.options else [])])
    shown = capfd.readouterr().err
    reported = [line for line in shown.splitlines() if line.startswith(("error:", "hint:"))]
    assert code == mistake.code, shown
    for part in mistake.says:
        assert any(part in line for line in reported), f"{part!r} is not in:\n{shown}"
    assert "Traceback" not in shown
    assert sum(line.startswith("error:") for line in reported) <= 3
