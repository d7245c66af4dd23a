"""export_model, infer_rec and predict_rec as users call them: same texts, clear failures."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.parts import CHARACTERS, small_project
from tests.tools.commands import run_command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A recogniser with weights on disk, and its export by the command."""
    made = small_project(tmp_path_factory.mktemp("project") / "p")
    made.exported = made.config_path.parent / "my inference"
    made.weights_option = f"Global.pretrained_model={made.weights}"
    assert run("export_model", made, made.weights_option, f"Global.save_inference_dir={made.exported}") == 0
    return made


def run(name: str, project, *options: str, arguments: tuple[str, ...] = ()) -> int:
    """Run a command of the -c kind in this process and return its exit code."""
    return run_command(name, "-c", project.config_path, *arguments, *(["-o", *options] if options else []))


def predict(*arguments: str) -> int:
    """Run predict_rec in this process and return its exit code."""
    return run_command("predict_rec", *arguments)


def inferred(output: str) -> dict[str, tuple[str, float]]:
    """Return text and confidence by file name from what infer_rec printed."""
    found = re.findall(r"^infer_img: (.*)\n\tresult: \('(.*)', ([0-9.e-]+)\)$", output, re.M)
    return {Path(path).name: (text, float(confidence)) for path, text, confidence in found}


def predicted(output: str) -> dict[str, tuple[str, float]]:
    """Return text and confidence by file name from what predict_rec printed."""
    found = re.findall(r"^Predicts of (.*):\('(.*)', ([0-9.e-]+)\)$", output, re.M)
    return {Path(path).name: (text, float(confidence)) for path, text, confidence in found}


def assert_same(found, expected) -> None:
    assert {name: text for name, (text, _) in found.items()} == {name: text for name, (text, _) in expected.items()}
    assert all(abs(found[name][1] - expected[name][1]) <= 1e-4 for name in expected)


def test_trained_and_exported_read_the_same(project, capfd):
    capfd.readouterr()
    assert run("infer_rec", project, project.weights_option, arguments=("--draw",)) == 0
    expected = inferred(capfd.readouterr().out)
    assert sorted(expected) == [path.name for path in project.images]
    folder, images = f"--rec_model_dir={project.exported}", f"--image_dir={project.images[0].parent}"
    assert predict(folder, images, "--rec_image_shape=3, 32, 100", "--rec_batch_num=1") == 0
    assert_same(predicted(capfd.readouterr().out), expected)
    assert predict(folder, images, "--rec_char_dict_path", str(project.config_path.parent / "dict.txt")) == 0
    assert_same(predicted(capfd.readouterr().out), expected)
    results = (project.weights.parent / "predicts.txt").read_text(encoding="utf-8").splitlines()
    assert {Path(line.split("\t")[0]).name: line.split("\t")[1] for line in results} == {
        name: text for name, (text, _) in expected.items()
    }
    assert len(list((project.weights.parent / "infer_results").iterdir())) == len(project.images)


@pytest.mark.slow
def test_only_the_exported_folder_is_needed(project, tmp_path, capfd):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in project.exported.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    (tmp_path / "a.png").write_bytes(project.images[0].read_bytes())
    capfd.readouterr()
    command = [
        sys.executable,
        str(ROOT / "tools/infer/predict_rec.py"),
        "--image_dir=a.png",
        "--rec_model_dir=elsewhere",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert list(predicted(done.stdout)) == ["a.png"]


def test_a_folder_without_inference_yml_needs_two_flags(project, tmp_path, capfd):
    for path in project.exported.iterdir():
        if path.suffix != ".yml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    arguments = [f"--rec_model_dir={tmp_path}", f"--image_dir={project.images[0].parent}"]
    assert predict(f"--rec_model_dir={project.exported}", arguments[1]) == 0
    expected = predicted(capfd.readouterr().out)
    assert predict(*arguments) == 2
    assert "give --rec_image_shape and --rec_char_dict_path" in capfd.readouterr().err
    dictionary = f"--rec_char_dict_path={project.config_path.parent / 'dict.txt'}"
    assert predict(*arguments, "--rec_image_shape=3,32,100", dictionary) == 0
    assert_same(predicted(capfd.readouterr().out), expected)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--rec_char_dict_path={other}"], 2, "has 17 entries"),
        (["--rec_image_shape=3,48,320"], 2, "the network takes [3, 32, -1]"),
        (["--use_space_char=false"], 2, "classes"),
        (["--rec_batch_nun=3"], 2, "did you mean rec_batch_num"),
        (["--rec_model_dir={other}/none"], 1, "no such folder"),
        (["--image_dir={other}/none"], 1, "no such image"),
        (["--image_dir={other}"], 1, "none of 1 images could be read"),
        (["--rec_batch_num=0"], 2, "at least 1"),
    ],
)
def test_arguments_that_cannot_be_met(project, tmp_path, capfd, arguments, code, message):
    other = tmp_path / "other.jpg"
    other.write_text("\n".join(CHARACTERS + "g"), encoding="utf-8")
    given = [argument.format(other=other) for argument in arguments]
    base = [f"--rec_model_dir={project.exported}", f"--image_dir={project.images[0]}"]
    kept = [argument for argument in base if argument.split("=")[0] not in {f.split("=")[0] for f in given}]
    assert predict(*kept, *given) == code
    assert message in capfd.readouterr().err


def test_a_bad_image_among_good_ones_is_reported(project, tmp_path, capfd):
    (tmp_path / "a.png").write_bytes(project.images[0].read_bytes())
    (tmp_path / "b.png").write_bytes(b"")
    assert run("infer_rec", project, project.weights_option, f"Global.infer_img={tmp_path}") == 0
    output = capfd.readouterr().out
    assert list(inferred(output)) == ["a.png"]
    assert "b.png\n\tnot read: empty_file" in output
    assert predict(f"--rec_model_dir={project.exported}", f"--image_dir={tmp_path}") == 0
    captured = capfd.readouterr()
    assert list(predicted(captured.out)) == ["a.png"]
    assert "b.png: not read: empty_file" in captured.err


@pytest.mark.parametrize("command", ["infer_rec", "export_model"])
@pytest.mark.parametrize(
    ("option", "message"),
    [("", "no weights"), ("Global.pretrained_model={folder}/none", "none"), ("Global.checkpoints={folder}/cut", "cut")],
)
def test_missing_weights_are_an_error(project, tmp_path, capfd, command, option, message):
    cut = project.weights.parent / "cut"
    for suffix in (".pdparams", ".states", ".json"):
        source = project.weights.with_name(project.weights.name + suffix)
        if source.exists():
            cut.with_name("cut" + suffix).write_bytes(source.read_bytes()[: 2000 if suffix == ".pdparams" else None])
    options = [option.format(folder=project.weights.parent)] if option else []
    target = tmp_path / "inference"
    assert run(command, project, *options, f"Global.save_inference_dir={target}") != 0
    assert message in capfd.readouterr().err
    assert not target.exists()


def test_weights_of_another_network_are_never_exported(project, tmp_path, capfd):
    target = tmp_path / "inference"
    options = [project.weights_option, f"Global.save_inference_dir={target}", "Architecture.Neck.hidden_size=24"]
    assert run("export_model", project, *options) == 1
    assert not target.exists()


HOSTILE_NAMES = (b"\xff.png", b"\x1b[31mred.png", b"tab\there.png", b"line\nbreak.png", "韩国 é\u2028.png".encode())
SHOWN_NAMES = (
    "\\u001b[31mred.png",
    "line\\nbreak.png",
    "tab\\there.png",
    "韩国 é\\u2028.png",
    "\\udcff.png",
    "ordinary é.png",
)


@pytest.fixture
def hostile(project, tmp_path):
    """A folder of images whose names would break a results file or act on a terminal, two of them no images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in (*HOSTILE_NAMES, "ordinary é.png".encode()):
        (folder / os.fsdecode(name)).write_bytes(project.images[0].read_bytes())
    (folder / "\x1b]0;title\x07.png").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "of no height.png").write_bytes(b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x08\3\1\x11\0\2\x11\0\3\x11\0")
    return folder


@pytest.mark.parametrize("command", ["infer", "predict"])
def test_names_are_shown_and_written_harmlessly(command, project, hostile, tmp_path, monkeypatch, capfd):
    results = tmp_path / "results.txt"
    monkeypatch.setattr(logging.getLogger("ppocr"), "handlers", [])  # an earlier test's wrote to a stream that is gone
    capfd.readouterr()
    if command == "infer":
        options = (project.weights_option, f"Global.infer_img={hostile}", f"Global.save_res_path={results}")
        assert run("infer_rec", project, *options) == 0
    else:
        arguments = (f"--rec_model_dir={project.exported}", f"--image_dir={hostile}", f"--save_res_path={results}")
        assert predict(*arguments) == 0
    shown = capfd.readouterr()
    printed = shown.out + shown.err
    assert "\x1b" not in printed and "\u2028" not in printed and "Traceback" not in printed
    assert printed.count("not read: undecodable") == 2
    lines = results.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == "" and all(line.count("\t") == 2 for line in lines)
    assert sorted(Path(line.split("\t")[0]).name for line in lines) == sorted(SHOWN_NAMES)
    for name in SHOWN_NAMES:
        assert name in shown.out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe with a name stands for an image that never comes")
def test_a_kill_leaves_the_results_known_so_far(project, tmp_path):
    names = [str(project.images[0])] * 40 + [str(tmp_path / "never")]
    os.mkfifo(names[-1])
    (tmp_path / "list.txt").write_text("\n".join(names), encoding="utf-8")
    results = tmp_path / "new" / "results.txt"
    command = [sys.executable, "-m", "ppocr", "predict_rec", f"--image_dir={tmp_path / 'list.txt'}"]
    command += [f"--rec_model_dir={project.exported}", "--rec_batch_num=1", f"--save_res_path={results}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        printed = [process.stdout.readline() for _ in range(32)]  # of the first chunk, on a pipe
        process.kill()
    assert all(line.startswith("Predicts of ") for line in printed)
    lines = results.read_text(encoding="utf-8").splitlines()
    assert 31 <= len(lines) <= 32 and all(line.count("\t") == 2 for line in lines), "the last may be cut by the kill"
