"""Mistakes at the start of a run: names, encodings, paths, plug-ins, the environment; each reported in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr import cli
from ppocr.build import build_task
from ppocr.config.loader import load_config
from ppocr.data.simple_dataset import SimpleDataSet
from ppocr.deploy.images import list_images, read_labels
from ppocr.registry import BACKBONES
from ppocr.utils.encoding import not_utf8
from tests.mistakes import Mistake, config, edit, reported_in_one_line, train, write
from tests.system.det_project import make_det_project
from tests.system.project import ROOT, Project, make_project

GBK = "gbk"


def gbk_labels(project: Project) -> None:
    rows = "".join(f"line {i}.jpg\t汉阳鹦鹉\n" for i in range(8))
    (project.folder / "train.txt").write_bytes(rows.encode(GBK))


def half_missing(project: Project) -> None:
    rows = (project.folder / "train.txt").read_text(encoding="utf-8").splitlines()
    (project.folder / "train.txt").write_text(
        "".join(f"{'gone ' if i % 2 else ''}{row}\n" for i, row in enumerate(rows)), encoding="utf-8"
    )


# The sample of the tutorial, its placeholder filled in: nothing says that it is a backbone.
PASTED = """
import paddle.nn as nn

class MyBackbone(nn.Layer):
    def __init__(self, *args, **kwargs):
        super(MyBackbone, self).__init__()
        self.conv = nn.Conv2D(3, 8, 3)

    def forward(self, inputs):
        y = self.conv(inputs)
        return y
"""


@pytest.fixture(autouse=True)
def plug_in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let backbones also be found in a folder of this test's own, and forget them after it."""
    import ppocr.modeling.backbones as package

    folder = tmp_path / "ppocr" / "modeling" / "backbones"
    folder.mkdir(parents=True)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(f"{package.__name__}.{path.stem}", None)
        vars(package).pop(path.stem, None)


def pasted(text: str):
    def change(project: Project) -> Path:
        plug_in = project.folder.parent / "ppocr" / "modeling" / "backbones" / "my_backbone.py"
        plug_in.write_text(text, encoding="utf-8")
        BACKBONES._loaded = False  # a new process would look into the folder
        return edit(r"\{name: PlainConvNet, channels: \[8, 8, 16, 16\]\}", "{name: MyBackbone}")(project)

    return change


def named(name: str):
    return lambda project: Path(name)


MISTAKES = [
    Mistake(
        "tutorial: rec_en_lite_train",
        train,
        ("does not exist", "did you mean configs/rec/multi_language/rec_en_number_lite_train.yml?"),
        prepare=named("configs/rec/multi_language/rec_en_lite_train.yml"),
        code=2,
    ),
    Mistake(
        "tutorial: rec_ger_lite_train",
        train,
        ("does not exist", "did you mean configs/rec/multi_language/rec_german_lite_train.yml?"),
        prepare=named("configs/rec/rec_ger_lite_train.yml"),
        code=2,
    ),
    Mistake(
        "tutorial: en_PP-OCRv3_rec",
        train,
        ("does not exist", "did you mean configs/rec/PP-OCRv3/en_PP-OCRv3_rec.yml?"),
        prepare=named("en_PP-OCRv3_rec"),
        code=2,
    ),
    Mistake(
        "tutorial: backbone without decorator",
        train,
        (
            "unknown backbone 'MyBackbone': the class in ppocr/modeling/backbones/my_backbone.py is not registered",
            "@BACKBONES.register() above it (from ppocr.registry import BACKBONES) and set self.out_channels",
        ),
        prepare=pasted(PASTED),
        code=2,
    ),
    Mistake(
        "plug-in with a syntax error",
        train,
        ("ppocr/modeling/backbones/my_backbone.py:4: cannot be imported: SyntaxError",),
        prepare=pasted(PASTED.replace("(nn.Layer):", "(nn.Layer)")),
        code=2,
    ),
    Mistake(
        "plug-in that imports what is not there",
        train,
        ("ppocr/modeling/backbones/my_backbone.py:2: cannot be imported: ModuleNotFoundError", "nothing_here"),
        prepare=pasted(PASTED.replace("paddle.nn", "nothing_here")),
        code=2,
    ),
    Mistake("configuration in GBK", train, ("other.yml", "looks like GBK"), (), config("# 中文\n".encode(GBK)), 2),
    Mistake("labels in GBK", train, ("train.txt:1", "not UTF-8 (looks like GBK)", "save"), prepare=gbk_labels),
    Mistake(
        "dictionary in GBK", train, ("dict.txt", "looks like GBK"), prepare=write("dict.txt", "汉\n阳\n".encode(GBK))
    ),
    Mistake(
        "half of the images missing",
        train,
        ("4 of 8 samples (50.0 %)", "gone line 1.jpg", "Global.max_bad_ratio=0.53"),
        prepare=half_missing,
        starts=True,
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_mistake_at_the_start_is_reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch) -> None:
    reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch)


def test_back_slashes_in_paths_are_understood(tmp_path: Path) -> None:
    make_project(tmp_path / "p")
    rows = [r"images\line 0.jpg", r'["images\line 1.jpg", "images\line 2.jpg"]', json.dumps([r"images\line 3.jpg"])]
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{row}\t12\n" for row in rows), encoding="utf-8")
    dataset = SimpleDataSet(str(tmp_path / "p"), str(labels), mode="eval")
    for index, choice in ((0, 0), (1, 0), (1, 1), (2, 0)):
        image = (tmp_path / "p" / "images" / f"line {index + choice + (index == 2)}.jpg").read_bytes()
        assert dataset.read(index, choice)["image"] == image
    labels.write_text(f"{rows[0]}\t12\n", encoding="utf-8")
    assert list_images(tmp_path / "p", labels) == [str(tmp_path / "p" / "images" / "line 0.jpg")]
    assert read_labels(labels, tmp_path / "p") == [(str(tmp_path / "p" / "images" / "line 0.jpg"), "12")]


def test_a_file_with_a_back_slash_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / r"a\b.jpg").write_bytes(b"1")
    (tmp_path / "labels.txt").write_text("a\\b.jpg\tx\n" + json.dumps([r"a\b.jpg"]) + "\tx\n", encoding="utf-8")
    dataset = SimpleDataSet(str(tmp_path), str(tmp_path / "labels.txt"), mode="eval")
    assert dataset.read(0, 0)["image"] == dataset.read(1, 0)["image"] == b"1"


@pytest.mark.parametrize(
    "text, encoding, said",
    [
        ("word_1.jpg\t韩国小馆", "gbk", "not UTF-8 (looks like GBK)"),
        ("电话：15952301928。", "gb18030", "not UTF-8 (looks like GBK)"),
        ("汉", "utf-16", "not UTF-8 (looks like UTF-16)"),
        ("Café élève", "latin-1", "not UTF-8"),
        ("Größe", "cp1252", "not UTF-8"),
    ],
)
def test_the_encoding_is_guessed(text: str, encoding: str, said: str) -> None:
    assert not_utf8(text.encode(encoding)) == said


@pytest.mark.parametrize(
    "variables, said",
    [
        ({"PADDLE_TRAINERS_NUM": "abc"}, "PADDLE_TRAINERS_NUM='abc': expected a whole number, at least 1"),
        ({"PADDLE_TRAINERS_NUM": "-3"}, "PADDLE_TRAINERS_NUM='-3': expected a whole number, at least 1"),
        ({"PADDLE_TRAINER_ID": "x"}, "PADDLE_TRAINER_ID='x': expected a whole number, at least 0"),
        ({"PPOCR_THREADS": "many"}, "PPOCR_THREADS='many': expected a whole number"),
        ({"PADDLE_TRAINERS_NUM": "2"}, "PADDLE_TRAINER_ENDPOINTS='' names no 2 places"),
        (
            {"PADDLE_TRAINERS_NUM": "2", "PADDLE_TRAINER_ENDPOINTS": "here,there"},
            "PADDLE_TRAINER_ENDPOINTS='here,there' names no 2 places",
        ),
    ],
)
def test_numbers_in_the_environment(variables, said, trained, capfd, monkeypatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli.main(train, "", ["-c", str(trained.config)]) == 1
    shown = capfd.readouterr().err
    errors = [line for line in shown.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and said in errors[0] and "\nhint: unset " in shown and "Traceback" not in shown


INTERRUPTING = """
import os, signal, threading
def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
"""
WHERE = {
    "import": "interrupt()",
    # an extension module makes an ImportError of the interrupt
    "import that catches": "try:\n    interrupt()\nexcept BaseException as error:\n    raise ImportError('failed')",
    "work": "def main():\n    from ppocr import cli\n    return cli.run_guarded(interrupt)",
    "start": "def main():\n    interrupt()",
    "exit": "import atexit\ndef main():\n    print('done')\n    atexit.register(interrupt)\n    return 0",
    "exit of threads": "def main():\n    print('done')\n    threading._register_atexit(interrupt)\n    return 0",
}


@pytest.mark.parametrize("place", WHERE)
def test_interrupts_are_one_line(place: str, tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(f"{INTERRUPTING}\n{WHERE[place]}\n", encoding="utf-8")
    program = "from ppocr import commands; commands.COMMANDS['train'] = ('interrupted', ''); "
    program += "from ppocr.program import run; run('train')"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert done.stdout == ("done\n" if place.startswith("exit") else "")


def heights_reported(caplog: pytest.LogCaptureFixture, config: Path | str, *options: str) -> list[str]:
    caplog.clear()
    build_task(load_config(config, options), "train")
    return [line for line in caplog.messages if "pixels high" in line]


def test_another_height_in_evaluation_is_reported(trained, caplog) -> None:
    caplog.set_level("WARNING", logger="ppocr")
    assert not heights_reported(caplog, trained.config)
    resize = "Eval.dataset.transforms.2.RecResizeImg.image_shape"
    assert not heights_reported(caplog, trained.config, f"{resize}=[3, 32, 320]")  # wider is usual
    (reported,) = heights_reported(caplog, trained.config, f"{resize}=[3, 48, 96]")
    assert reported.startswith("Train.dataset.transforms make images 32 pixels high and Eval.dataset.transforms 48:")


def test_pages_may_have_any_height(tmp_path: Path, caplog) -> None:
    caplog.set_level("WARNING", logger="ppocr")
    project = make_det_project(tmp_path / "p", pages=1)
    fixed = "Eval.dataset.transforms.2={DetResizeForTest: {image_shape: [64, 128]}}"
    assert not heights_reported(caplog, project.config, fixed)
