"""Parts declare their CLI arguments: a new detector brings its own, and nobody takes another one's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ppocr.arguments import Argument
from ppocr.deploy.cli_arguments import arguments_of, make_parser, parse
from ppocr.deploy.inference_config import ASSUMED, FILE_NAME
from ppocr.errors import ConfigError
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.db import DBPostProcess
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.results import KINDS
from tests.deploy.kinds import Kind, make_det, make_rec

ROOT = Path(__file__).parents[2]


class FlatPostProcess(DBPostProcess):
    """A detector's post-processing with one argument of its own."""

    arguments = (Argument("flat_level", "level", "height of a plain", float),)

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = level


@pytest.fixture
def new_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register it for one test."""
    POSTPROCESSES.names()
    monkeypatch.setattr(POSTPROCESSES, "_classes", dict(POSTPROCESSES._classes))
    POSTPROCESSES.register()(FlatPostProcess)


@pytest.fixture(scope="module")
def det(tmp_path_factory: pytest.TempPathFactory) -> Kind:
    return make_det(tmp_path_factory.mktemp("det") / "p")


@pytest.fixture(scope="module")
def rec(tmp_path_factory: pytest.TempPathFactory) -> Kind:
    return make_rec(tmp_path_factory.mktemp("rec") / "p")


def read(kind: str, folder: Path, *arguments: str):
    """Return the namespace and the configuration that the arguments leave."""
    parser = make_parser(kind, "", 1)
    return parse(parser, kind, ["--image_dir=x", f"--{kind}_model_dir={folder}", *arguments])


@pytest.mark.parametrize("cls", [*TRANSFORMS.classes(), *POSTPROCESSES.classes()], ids=lambda cls: cls.__name__)
def test_arguments_overrule_parameters_that_are_there(cls: type) -> None:
    registry = POSTPROCESSES if issubclass(cls, PostProcess) else TRANSFORMS
    for kind in KINDS:
        declared = arguments_of(cls, kind)
        assert len({argument.name for argument in declared}) == len(declared)
        for argument in declared:
            assert {argument.parameter, *argument.instead_of} <= set(registry.section_keys(cls)), argument.name
            assert argument.help and "{" not in argument.name


def test_what_is_assumed_can_be_completed_by_arguments() -> None:
    for kind, assumed in ASSUMED.items():
        parts = [TRANSFORMS.get(name) for spec in assumed.transforms for name in spec]
        parts.append(POSTPROCESSES.get(assumed.postprocess["name"]))
        assert set(assumed.needed) <= {argument.name for cls in parts for argument in arguments_of(cls, kind)}


def test_a_new_detector_brings_its_arguments(new_detector, det: Kind, tmp_path: Path, capsys, caplog) -> None:
    folder = shutil.copytree(det.exported, tmp_path / "m")
    content = yaml.safe_load((folder / FILE_NAME).read_text(encoding="utf-8"))
    content["PostProcess"] = {"name": "FlatPostProcess", "level": 0.5}
    del content["Model"]["sha256"]
    (folder / FILE_NAME).write_text(yaml.safe_dump(content), encoding="utf-8")
    with caplog.at_level("INFO"):
        found, config = read("det", folder, "--flat_level=0.25", "--det_limit_side_len", "64")
    assert (found.flat_level, config.build_postprocess().level) == (0.25, 0.25)
    assert "--flat_level 0.25 overrules inference.yml" in caplog.text
    with pytest.raises(SystemExit):
        read("det", folder, "--help")
    shown = capsys.readouterr().out
    assert all(f"{cls}:\n  --" in shown for cls in ("FlatPostProcess", "DBPostProcess", "DetResizeForTest"))
    with pytest.raises(ConfigError, match="--det_db_thresh: an argument of DBPostProcess; this model has no such part"):
        read("det", folder, "--det_db_thresh", "0.3")
    with pytest.raises(ConfigError, match="--flat_lvel=1: unknown argument, did you mean flat_level?"):
        read("det", folder, "--flat_lvel=1")
    with pytest.raises(SystemExit):
        read("det", folder, "--flat_level=high")


PLUGIN = """
from ppocr.arguments import Argument
from ppocr.postprocess.base import PostProcess
from ppocr.postprocess.db import DBPostProcess
from ppocr.registry import POSTPROCESSES

@POSTPROCESSES.register()
class SteepPostProcess(DBPostProcess):
    arguments = (Argument("steep_level", "thresh", "height of a cliff", float),)
"""


def test_a_detector_from_a_folder_of_plugins_brings_its_arguments(det: Kind, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "steep.py").write_text(PLUGIN, encoding="utf-8")
    folder = shutil.copytree(det.exported, tmp_path / "m")
    text = (folder / FILE_NAME).read_text(encoding="utf-8").split("Model:")[0]
    (folder / FILE_NAME).write_text(text.replace("name: DBPostProcess", "name: SteepPostProcess"), encoding="utf-8")
    command = [sys.executable, "-m", "ppocr", "predict_det", "--plugins", str(tmp_path / "parts"), "--draw=false"]
    command += [f"--det_model_dir={folder}", f"--image_dir={det.images[0]}", f"--save_res_path={tmp_path / 'r.txt'}"]
    done = subprocess.run([*command, "--steep_level=0.9"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "--steep_level 0.9 overrules inference.yml" in done.stderr, done.stderr
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, cwd=ROOT).stdout
    assert "SteepPostProcess:\n  --steep_level" in shown
    without = subprocess.run([*command[:4], *command[6:]], capture_output=True, text=True, cwd=ROOT)
    assert without.returncode == 2 and "unknown post-processing 'SteepPostProcess'" in without.stderr


@pytest.mark.parametrize("argument", ["--det_db_thresh=0.3", "--label_list=a,b", "--flat_level=1"])
def test_arguments_of_other_models_are_named_as_theirs(new_detector, rec: Kind, argument: str) -> None:
    owner = {"det": "DBPostProcess", "lab": "ClsPostProcess", "fla": "FlatPostProcess"}[argument[2:5]]
    with pytest.raises(ConfigError, match=f"an argument of {owner}; this model has no such part"):
        read("rec", rec.exported, argument)


def test_a_typo_is_reported_before_the_folder_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--rec_char_dict_pth=x: unknown argument, did you mean rec_char_dict_path?"):
        read("rec", tmp_path / "none", "--rec_char_dict_pth=x")


def test_another_way_to_resize_gives_way(det: Kind, tmp_path: Path) -> None:
    folder = shutil.copytree(det.exported, tmp_path / "m")
    content = yaml.safe_load((folder / FILE_NAME).read_text(encoding="utf-8"))
    for spec in content["PreProcess"]["transform_ops"]:
        if "DetResizeForTest" in spec:
            spec["DetResizeForTest"] = {"image_shape": [96, 128], "keep_ratio": True}
    del content["Model"]["sha256"]
    (folder / FILE_NAME).write_text(yaml.safe_dump(content), encoding="utf-8")
    _, config = read("det", folder, "--det_limit_type=max")
    assert {"DetResizeForTest": {"limit_type": "max"}} in config.transforms
