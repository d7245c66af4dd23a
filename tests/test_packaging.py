"""The wheel holds all that is needed: built, installed and used from an empty folder, away from the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.commands import COMMANDS
from ppocr.pretrained.catalogue import ENTRIES

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("ppocr", "configs", "tools")
FILES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "NOTICE", "CHANGELOG.md")
CONFIG = "configs/rec/quickstart_digits.yml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built wheel installed in it."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True)
    (wheel,) = folder.glob("ppocr-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel], check=True)
    shutil.rmtree(source)
    return folder / "site"


def run(site: Path, folder: Path, *command: str | Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def ppocr(site: Path, folder: Path, *arguments: str) -> str:
    """Run the console command and return what it printed."""
    done = run(site, folder, sys.executable, site / "bin" / "ppocr", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_every_configuration_and_dictionary(site: Path) -> None:
    def files(root: Path, *endings: str) -> set[Path]:
        return {p.relative_to(root) for p in root.rglob("*") if p.suffix in endings}

    configs = files(ROOT / "configs", ".yml", ".yaml")
    assert len(configs) > 100
    assert files(site / "ppocr" / "configs", ".yml", ".yaml") == configs
    texts = files(ROOT / "ppocr", ".txt")
    assert len(texts) > 60
    assert files(site / "ppocr", ".txt") == texts


def test_import_is_that_of_the_wheel_and_finds_what_ships(site: Path, tmp_path: Path) -> None:
    names = [f"configs/{p.relative_to(ROOT / 'configs').as_posix()}" for p in (ROOT / "configs").rglob("[!_]*.y*ml")]
    assert {entry.config for entry in ENTRIES} | {CONFIG} <= set(names)
    script = (
        "import ppocr, sys\n"
        "from ppocr.config.loader import read_document\n"
        "from ppocr.utils.paths import CONFIGS, resolve_dictionary\n"
        f"assert ppocr.__file__.startswith({str(site)!r}), ppocr.__file__\n"
        f"assert all(read_document(name).tree['Architecture'] for name in {names})\n"  # bases are found, too
        f"assert all((CONFIGS.parent / name).is_file() for name in {names})\n"
        "assert resolve_dictionary('ppocr/utils/ppocr_keys_v1.txt').is_file()\n"
    )
    done = run(site, tmp_path, sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr


def test_console_command(site: Path, tmp_path: Path) -> None:
    shown = ppocr(site, tmp_path, "--help")
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "PP-OCRv4_mobile_rec" in ppocr(site, tmp_path, "pretrained", "list")
    assert "usage: ppocr make_lmdb " in ppocr(site, tmp_path, "make_lmdb", "--help")
    unknown = run(site, tmp_path, sys.executable, "-m", "ppocr", "trian")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("error: ppocr: unknown command 'trian', did you mean train?\nhint: ")


def test_training_to_prediction_from_an_empty_folder(site: Path, tmp_path: Path) -> None:
    ppocr(site, tmp_path, "make_dataset", "lines", "--out", "lines", "--train", "16", "--test", "4", "--workers", "1")
    common = ["-c", CONFIG, "-o", "Global.use_gpu=false", "Global.character_dict_path=ppocr/utils/en_dict.txt"]
    data = ["Train.dataset.data_dir=lines", "Train.dataset.label_file_list=[lines/rec_gt_train.txt]"]
    data += ["Eval.dataset.data_dir=lines", "Eval.dataset.label_file_list=[lines/rec_gt_test.txt]"]
    short = ["Global.epoch_num=1", "Global.max_text_length=40", "Train.loader.batch_size_per_card=8"]
    ppocr(site, tmp_path, "train", *common, *data, *short, "Global.save_model_dir=run", "Global.max_bad_ratio=1")
    ppocr(site, tmp_path, "export_model", *common, "Global.pretrained_model=run/latest", "Global.save_inference_dir=m")
    image = "lines/" + (tmp_path / "lines" / "rec_gt_test.txt").read_text(encoding="utf-8").partition("\t")[0]
    shown = ppocr(site, tmp_path, "predict_rec", f"--image_dir={image}", "--rec_model_dir=m")
    assert shown.startswith(f"Predicts of {image}:(")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "gen_label"])
def test_script_beside_each_command(name: str) -> None:
    """`python tools/NAME.py` works in a clone nobody installed, from any folder."""
    (script,) = (ROOT / "tools").rglob(f"{name}.py")
    text = script.read_text(encoding="utf-8")
    assert "from ppocr.program import run" in text and f'run("{name}")' in text
