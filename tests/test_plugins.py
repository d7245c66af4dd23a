"""Folders of a user's own parts: imported because the user names them, refused in one line where something is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.deploy import inference_config
from ppocr.errors import ConfigError
from ppocr.plugins import import_plugins
from tests.system.project import Project, make_project

LOSS = """\
from paddle import nn

from ppocr.registry import LOSSES


@LOSSES.register()
class MyLoss(nn.Layer):
    requires = ("ctc",)
    needs = ("label",)

    def __init__(self, smoothing: float = 0.1) -> None:
        super().__init__()

    def forward(self, preds, batch):
        return {"loss": preds["ctc"].mean()}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "p")


def named(project: Project, text: str | None, name: str = "parts", loss: str = "MyLoss") -> Path:
    """Return a configuration that names a folder of plug-ins and a loss of its own."""
    folder = project.folder / name
    if text is not None:
        folder.mkdir(exist_ok=True)
        (folder / "my_loss.py").write_text(text, encoding="utf-8")
    config = project.changed("plug", r"seed: 3\n", f"seed: 3\n  plugins: [{folder}]\n")
    config.write_text(config.read_text(encoding="utf-8").replace("{name: CTCLoss}", f"{{name: {loss}}}"))
    return config


def reported(config: Path) -> str:
    """Return what a new process says of a configuration: the registries of this one stay as they are."""
    code = (
        "import sys\nfrom ppocr.config.loader import load_config\nfrom ppocr.errors import PpocrError\n"
        "try:\n    print(load_config(sys.argv[1]).Loss)\nexcept PpocrError as error:\n    print('refused', error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(config)], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_class_of_the_users_own_is_found_and_its_keys_are_checked(project: Project) -> None:
    assert "MyLoss" in reported(named(project, LOSS))
    typo = named(project, LOSS, loss="MyLoss, smothing: 0.2")
    assert "Loss.smothing: unknown key, did you mean smoothing?" in reported(typo)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"plug.yml:\d+: Global.plugins: .*/parts: no such folder"),
        (
            LOSS.replace("    requires", "    reads"),
            r"MyLoss.reads is no declaration of a Loss, did you mean requires\?",
        ),
        (LOSS.replace("requires = (", "requires = ((("), r"parts/my_loss.py:\d+: cannot be imported: SyntaxError"),
        ("import nowhere_at_all\n", r"parts/my_loss.py:1: cannot be imported: ModuleNotFoundError"),
        (LOSS.replace("@LOSSES.register()\n", ""), r"parts/my_loss.py is not registered; write @LOSSES.register\(\)"),
        (LOSS.replace(".register()", ".register('CTCLoss')"), r"loss 'CTCLoss' is registered twice"),
        (LOSS.replace('("label",)', '"label"'), r"MyLoss.needs is a text where a tuple is meant: write \('label',\)"),
    ],
)
def test_what_is_wrong_is_reported_in_one_line(project: Project, text: str | None, said: str) -> None:
    found = reported(named(project, text))
    assert found.startswith("refused") and re.search(said, found), found
    assert "Traceback" not in found


KIND = """\
from ppocr.results import Result


class Seal(Result):
    kind = "rec"
"""


def test_a_kind_of_results_belongs_to_one_class(project: Project) -> None:
    found = reported(named(project, KIND))
    assert re.search(r"parts/my_loss.py:4: .* Seal.kind is 'rec', as that of ppocr.results.base.Recognition", found), (
        found
    )


def test_a_model_type_is_known_where_a_class_has_it_as_scope(project: Project) -> None:
    config = named(project, LOSS.replace("register()", 'register(scope="mine")'))
    own = config.read_text(encoding="utf-8").replace("model_type: rec", "model_type: mine")
    config.write_text(own, encoding="utf-8")
    found = reported(config)
    assert "unknown backbone 'PlainConvNet' where model_type is mine; it is for det, rec" in found
    config.write_text(own.replace("type: mine", "type: yours"), encoding="utf-8")
    assert "unknown model type 'yours', known: cls, det" in reported(config)


def test_a_folder_without_python_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no Python file"):
        import_plugins([str(tmp_path)])


def test_files_of_a_folder_import_each_other_and_only_once(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("from .two import VALUE\n", encoding="utf-8")
    (tmp_path / "two.py").write_text(f"open({str(tmp_path / 'seen')!r}, 'a').write('x')\nVALUE = 1\n", encoding="utf-8")
    for _ in range(2):
        import_plugins([str(tmp_path)])
    assert (tmp_path / "seen").read_text(encoding="utf-8") == "x"


def test_an_inference_yml_never_imports_anything(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8")
    (tmp_path / "inference.yml").write_text(
        f"Global: {{model_name: x, plugins: [{tmp_path}]}}\nPreProcess: {{transform_ops: [{{DecodeImage: null}}]}}\n"
        "PostProcess: {name: CTCLabelDecode, character_dict: [a, b]}\n",
        encoding="utf-8",
    )
    inference_config.load(tmp_path)
    assert not (tmp_path / "ran").exists()
