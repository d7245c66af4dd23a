"""Every command refuses what it is not made for in one clear line: models of another task, dictionary or shape."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ppocr import commands
from ppocr.deploy.inference_schema import FILE_NAME
from tests.deploy.kinds import MAKERS, Kind

KINDS = tuple(MAKERS)
GIVES = {"rec": "texts of lines", "det": "places of text", "cls": "classes of images"}
POSTPROCESSES = {"rec": "CTCLabelDecode", "det": "DBPostProcess", "cls": "ClsPostProcess"}
PAIRS = [(command, kind) for command in KINDS for kind in KINDS]
OTHERS = [(command, kind) for command, kind in PAIRS if command != kind]
LOGGED = re.compile(r"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\] ")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    """A recogniser, a detector and a classifier, with weights and exported."""
    folder = tmp_path_factory.mktemp("kinds")
    return {name: make(folder / name) for name, make in MAKERS.items()}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Callable[..., tuple[int, str]]:
    """Run a command with its arguments; return the exit code and the lines of an error, or what was printed."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # it would keep the streams of this test

    def command(name: str, *arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        logging.getLogger("ppocr").handlers.clear()  # nor those of commands that ran before
        capfd.readouterr()
        code = commands.run(name)
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err
        reported = [line for line in captured.err.splitlines() if line.startswith(("error:", "hint:"))]
        assert sum(line.startswith("error:") for line in reported) <= (3 if code else 0), captured.err
        return code, "\n".join(reported) if code else captured.out

    return command


def with_weights(config: Kind, weights: Kind, *options: object) -> tuple[object, ...]:
    return "-c", config.config, "-o", f"Global.pretrained_model={weights.weights}", *options


@pytest.mark.parametrize(("command", "kind"), PAIRS)
def test_predict_prints_one_kind_of_result(models, run, tmp_path: Path, command: str, kind: str) -> None:
    results = tmp_path / "results.txt"
    results.write_text("of another model", encoding="utf-8")
    arguments = [f"--{command}_model_dir={models[kind].exported}", f"--image_dir={models[kind].images[0].parent}"]
    arguments += ["--save_res_path", results, *(["--draw=false"] if command == "det" else [])]
    code, shown = run(f"predict_{command}", *arguments)
    if command == kind:
        assert code == 0 and len(shown.splitlines()) >= len(models[kind].images)
        assert len(results.read_text(encoding="utf-8").splitlines()) == len(models[kind].images)
        return
    assert code == 2 and results.read_text(encoding="utf-8") == "of another model"
    assert f"{FILE_NAME}: PostProcess.name: {POSTPROCESSES[kind]} gives {GIVES[kind]}" in shown
    assert f"this command prints {GIVES[command]}" in shown and f"hint: use predict_{kind}" in shown


@pytest.mark.parametrize("kind", KINDS)
def test_predict_and_infer_of_no_kind_take_any_model(models, run, tmp_path: Path, kind: str) -> None:
    model, without = models[kind], ["--draw=false"] if kind == "det" else []
    common = [f"--image_dir={model.images[0].parent}", f"--save_res_path={tmp_path / 'results.txt'}", *without]
    code, shown = run("predict", f"--model_dir={model.exported}", *common)
    same = run(f"predict_{kind}", f"--{kind}_model_dir={model.exported}", *common)[1]
    assert code == 0 and results_in(shown) and results_in(shown) == results_in(same)
    options = (f"Global.infer_img={model.images[0].parent}", f"Global.save_res_path={tmp_path / 'results.txt'}")
    code, shown = run("infer", *with_weights(model, model, *options))
    assert code == 0 and shown.count("infer_img: ") == len(model.images)
    same = run(f"infer_{kind}", *with_weights(model, model, *options))[1]
    assert results_in(shown) and results_in(shown) == results_in(same)


def results_in(shown: str) -> list[str]:
    """Return the lines without those of the log, which hold the time of day and paces."""
    return [line for line in shown.splitlines() if not LOGGED.match(line)]


def test_predict_of_no_kind_says_what_it_lacks(models, run, tmp_path: Path) -> None:
    code, shown = run("predict", f"--model_dir={tmp_path}", "--image_dir=x")
    assert code == 2 and f"{FILE_NAME}: no such file" in shown
    code, shown = run("predict", f"--model_dir={models['rec'].exported}", "--image_dir=x", "--det_db_thresh=0.1")
    assert code == 2 and "--det_db_thresh: an argument of DBPostProcess; this model has no such part" in shown


@pytest.mark.parametrize(("command", "kind"), PAIRS)
def test_infer_prints_one_kind_of_result(models, run, tmp_path: Path, command: str, kind: str) -> None:
    results = tmp_path / "results.txt"
    results.write_text("of another model", encoding="utf-8")
    model = models[kind]
    options = (f"Global.infer_img={model.images[0].parent}", f"Global.save_res_path={results}")
    code, shown = run(f"infer_{command}", *with_weights(model, model, *options))
    if command == kind:
        assert code == 0 and shown.count("infer_img: ") == len(model.images)
        return
    assert code == 2 and results.read_text(encoding="utf-8") == "of another model"
    assert re.search(rf"config.yml:\d+: PostProcess.name: {POSTPROCESSES[kind]} gives {GIVES[kind]}", shown)
    assert f"hint: use infer_{kind}" in shown


@pytest.mark.parametrize(("command", "kind"), PAIRS)
def test_contact_sheet_shows_one_kind_of_result(models, run, tmp_path: Path, command: str, kind: str) -> None:
    labels, out = models[command].labels, tmp_path / "sheet.png"
    arguments = [f"--{command}_model_dir", models[kind].exported, "--label_file", labels, "--out", out]
    code, shown = run("contact_sheet", *arguments, "--data_dir", models[command].images[0].parent)
    assert out.exists() is (command == kind)
    if command != kind:
        assert code == 2 and GIVES[kind] in shown and f"hint: give it as --{kind}_model_dir" in shown


@pytest.mark.parametrize(("config", "kind"), OTHERS)
@pytest.mark.parametrize("command", ["eval", "infer", "export_model"])
def test_weights_of_another_task_are_refused(models, run, tmp_path: Path, command: str, config: str, kind: str) -> None:
    name = f"infer_{config}" if command == "infer" else command
    images = f"Global.infer_img={models[config].images[0]}"
    out = f"Global.save_inference_dir={tmp_path / 'exported'}"
    code, shown = run(name, *with_weights(models[config], models[kind], images, out))
    assert code == 1 and "best_accuracy" in shown
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize(("config", "kind"), OTHERS)
def test_import_refuses_a_model_of_another_task(models, run, tmp_path: Path, config: str, kind: str) -> None:
    code, shown = run(
        "pretrained", "import", models[kind].exported, "-c", models[config].config, "--out", tmp_path / "o"
    )
    assert code == 1 and str(models[kind].exported) in shown
    assert not list((tmp_path / "o").glob("*")) or not list((tmp_path / "o").rglob("*.pdparams"))


@pytest.mark.parametrize(("command", "kind"), OTHERS)
def test_predict_knows_the_form_of_an_output_without_any_file(
    models, run, tmp_path: Path, command: str, kind: str
) -> None:
    shutil.copytree(models[kind].exported, tmp_path / "m")
    (tmp_path / "m" / FILE_NAME).unlink()
    dictionary = tmp_path / "dict.txt"
    dictionary.write_text("a\nb\n", encoding="utf-8")
    arguments = [f"--{command}_model_dir={tmp_path / 'm'}", f"--image_dir={models[kind].images[0]}"]
    further = {"rec": ["--rec_image_shape=3,32,96", f"--rec_char_dict_path={dictionary}"], "det": ["--draw=false"]}
    further["cls"] = ["--cls_image_shape=3,32,96"]
    code, shown = run(f"predict_{command}", *arguments, *further[command])
    assert code and ("dimensions" in shown or "takes" in shown or "fails on inputs" in shown)


@pytest.mark.parametrize("command", ["eval", "infer_rec", "export_model"])
@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("Global.character_dict_path={other}", "best_accuracy"),
        ("Global.use_space_char=false", "best_accuracy"),
        ("Architecture.Backbone.scale=0.5", "best_accuracy"),
    ],
)
def test_a_recogniser_of_another_dictionary_or_size(models, run, tmp_path: Path, command, option, says) -> None:
    other = tmp_path / "other.txt"
    other.write_text("\n".join("0123456789"), encoding="utf-8")
    options = (option.format(other=other), f"Global.save_inference_dir={tmp_path / 'exported'}")
    code, shown = run(command, *with_weights(models["rec"], models["rec"], *options))
    assert (code, shown) == (1, shown) and says in shown
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize(
    ("kind", "arguments", "says"),
    [
        ("rec", ["--rec_image_shape=3,48,320"], "takes [3, 32, -1]"),
        ("rec", ["--rec_image_shape=1,32,100"], "takes [3, 32, -1]"),
        ("rec", ["--rec_image_shape=3,320,60000"], "more than 4194304 pixels"),
        ("rec", ["--use_space_char=false"], "classes"),
        ("cls", ["--label_list=a,b,c"], "names 3 classes"),
        ("cls", ["--cls_image_shape=3,48,192"], "takes [3, 32, -1]"),
        ("det", ["--det_limit_side_len=0", "--draw=false"], "limit_side_len"),
        ("det", ["--det_limit_side_len=1000000", "--draw=false"], "at least 1 and at most 65,535"),
        ("det", ["--det_db_thresh=nan", "--draw=false"], "thresh"),
    ],
)
def test_arguments_that_do_not_fit_the_model(models, run, kind: str, arguments: list[str], says: str) -> None:
    model = [f"--{kind}_model_dir={models[kind].exported}", f"--image_dir={models[kind].images[0]}"]
    code, shown = run(f"predict_{kind}", *model, *arguments)
    assert code == 2 and says in shown


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "says"),
    [
        (
            "inference.json",
            b'"trainable":true',
            b'"trainable":null',
            1,
            "inference.json: damaged or replaced: not the program",
        ),
        ("inference.pdiparams", b"\0\0\0\0", b"\0\0\0\1", 1, "inference.pdiparams: damaged or replaced"),
        (FILE_NAME, b"  - a\n", b"  - b\n", 2, "Model.sha256.classes: the names of the classes are not those"),
        (FILE_NAME, b"  - a\n", b"  - 7\n", 2, "PostProcess.character_dict.10: an int is not text: put it in quotes"),
        (FILE_NAME, b"Global:", b"Global: [1]\nX:", 2, "Global: expected a section, got a list"),
        (FILE_NAME, b"      - 100\n", b"      - .nan\n", 2, "image_shape.2: expected an int of at least -1"),
        (FILE_NAME, b"RecResizeImg", b"RecResizeImage", 2, "did you mean RecResizeImg?"),
        (FILE_NAME, b"use_space_char: true", b"use_space_cahr: true", 2, "did you mean use_space_char?"),
        (
            FILE_NAME,
            b"img_mode: BGR",
            b"img_mode: BGR\n      img_mode: RGB",
            2,
            "img_mode: given twice, first in line 6",
        ),
        (FILE_NAME, b"img_mode: BGR", b"img_mode: '\xff'", 2, "not a text file"),
    ],
)
def test_a_damaged_folder(models, run, tmp_path: Path, file: str, old: bytes, new: bytes, code: int, says: str) -> None:
    folder = Path(shutil.copytree(models["rec"].exported, tmp_path / "m"))
    data = (folder / file).read_bytes()
    assert old in data
    (folder / file).write_bytes(data.replace(old, new, 1))
    found, shown = run("predict_rec", f"--rec_model_dir={folder}", f"--image_dir={models['rec'].images[0]}")
    assert (found, says in shown) == (code, True), shown
