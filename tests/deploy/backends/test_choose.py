"""`auto`: the fastest engine whose outputs are the reference's, found out once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.deploy.backends import choose
from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.deploy.backends.openvino_backend import OpenVinoBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.predictor import Predictor
from ppocr.errors import PpocrError
from tests.deploy.kinds import make_rec
from tests.deploy.onnx_models import save_rec

AUTO = RuntimeOptions(backend="auto", cpu_threads=1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of each test's own, and no paddle2onnx."""
    monkeypatch.setenv("PPOCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PPOCR_PADDLE2ONNX_PYTHON", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_rec(tmp_path_factory.mktemp("rec") / "p").exported


def test_openvino_comes_first_and_is_compared_once(tmp_path, cache, monkeypatch):
    pytest.importorskip("openvino")
    path = save_rec(tmp_path / "rec.onnx")
    assert isinstance(Predictor.from_folder(path, AUTO).backend, OpenVinoBackend)
    assert len(list((cache / "verdicts").iterdir())) == 1
    monkeypatch.setattr(choose, "_compared", lambda *_: pytest.fail("compared again"))
    assert isinstance(Predictor.from_folder(path, AUTO).backend, OpenVinoBackend)


def test_an_engine_with_other_outputs_is_left_out(exported, tmp_path, caplog):
    caplog.set_level("INFO")
    folder = Path(shutil.copytree(exported, tmp_path / "model"))
    save_rec(folder / "inference.onnx")  # another network's
    for _ in range(2):
        caplog.clear()
        assert isinstance(Predictor.from_folder(folder, AUTO).backend, PaddleBackend)
        assert "not OpenVINO: its outputs differ by" in caplog.text
        assert "not ONNX Runtime: its outputs differ by" in caplog.text


def test_paddle_is_left_where_nothing_converts(exported, caplog):
    caplog.set_level("INFO")
    backend = Predictor.from_folder(exported, AUTO).backend
    assert isinstance(backend, PaddleBackend) and backend.mkldnn
    assert "run by Paddle with oneDNN; not OpenVINO: converting to ONNX needs paddle2onnx" in caplog.text


def test_an_engine_that_is_asked_for_is_not_replaced(exported):
    with pytest.raises(PpocrError, match="needs paddle2onnx"):
        Predictor.from_folder(exported, RuntimeOptions(backend="openvino"))


def test_engines_that_are_not_installed_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(choose.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PpocrError, match="no engine runs it: OpenVINO: not installed; ONNX Runtime: not installed"):
        Predictor.from_folder(save_rec(tmp_path / "rec.onnx"), AUTO)


def test_the_second_start_imports_no_paddle(exported, tmp_path):
    """The verdict of the first is read: that of a converted model, which ours here stands for."""
    folder = Path(shutil.copytree(exported, tmp_path / "model"))
    save_rec(folder / "inference.onnx")
    code = (
        "import sys\nfrom ppocr.deploy.backends.base import RuntimeOptions\n"
        "from ppocr.deploy.backends import choose\nfrom ppocr.deploy.predictor import Predictor\n"
        "choose.EQUAL = 2.0\n"  # every probability
        f"Predictor.from_folder({str(folder)!r}, RuntimeOptions(backend='auto', cpu_threads=1))\n"
        "print('paddle' in sys.modules)\n"
    )
    root = Path(__file__).parents[3]
    said = [
        subprocess.run([sys.executable, "-c", code], check=True, cwd=root, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert [text.split()[-1] for text in said] == ["True", "False"]
