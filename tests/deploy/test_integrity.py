"""An exported folder that is not what was exported any more is noticed: a flipped byte, a replaced file, an edit."""

from __future__ import annotations

import logging
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from ppocr.deploy.inference_config import load
from ppocr.deploy.inference_schema import FILE_NAME
from ppocr.deploy.predictor import Predictor
from ppocr.errors import CheckpointError, ConfigError, PpocrError
from ppocr.pretrained.readers import read_model
from tests.deploy.kinds import Kind, make_rec
from tests.fuzz.outcomes import clear

FLIPS = 40
SAID = "changed since the export"


@pytest.fixture(scope="module")
def rec(tmp_path_factory: pytest.TempPathFactory) -> Kind:
    return make_rec(tmp_path_factory.mktemp("integrity") / "p")


@pytest.fixture
def folder(rec: Kind, tmp_path: Path) -> Path:
    """A copy of the exported folder that a test may damage."""
    return Path(shutil.copytree(rec.exported, tmp_path / "m"))


def flipped(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / FILE_NAME).read_text(encoding="utf-8")
    assert old in text
    (folder / FILE_NAME).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("name", ["inference.json", "inference.pdiparams"])
def test_a_flipped_byte_of_the_network_is_refused(folder: Path, name: str) -> None:
    data, rng = (folder / name).read_bytes(), random.Random(1)
    for _ in range(FLIPS):
        (folder / name).write_bytes(flipped(data, rng))
        for use in (Predictor.from_folder, read_model):
            with pytest.raises(CheckpointError, match=f"{name}: damaged or replaced") as caught:
                use(folder)
            assert clear(caught.value)
    (folder / name).write_bytes(data)
    Predictor.from_folder(folder)


def test_a_flipped_byte_of_inference_yml_is_refused_said_or_harmless(
    folder: Path, rec: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    right = [p.result for p in Predictor.from_folder(folder).predict(rec.images)]
    data, rng = (folder / FILE_NAME).read_bytes(), random.Random(1)
    refused = 0
    for _ in range(2 * FLIPS):
        (folder / FILE_NAME).write_bytes(flipped(data, rng))
        caplog.clear()
        try:
            found = [p.result for p in Predictor.from_folder(folder).predict(rec.images)]
        except PpocrError as error:
            assert clear(error)
            refused += 1
            continue
        assert found == right or SAID in caplog.text
    assert refused > FLIPS


def test_an_edit_of_the_settings_is_said_and_done(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit(folder, "    - 100\n", "    - 104\n")
    with caplog.at_level(logging.WARNING):
        predictor = Predictor.from_folder(folder)
    assert predictor.pipeline({"image": np.zeros((32, 20, 3), np.uint8)})["image"].shape == (3, 32, 104)
    assert f"{FILE_NAME}: PreProcess {SAID}" in caplog.text and "PostProcess" not in caplog.text
    assert load(folder).changed == ["PreProcess"]


def test_layout_and_the_name_of_the_model_are_nobodys_concern(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit(folder, "model_name: exported", "model_name: other  # of ours")
    edit(folder, "img_mode: BGR", "img_mode:   'BGR'")
    Predictor.from_folder(folder)
    assert SAID not in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  - a\n", "  - á\n", r"inference.yml:\d+: Model.sha256.classes: the names of the classes"),
        ("made_by: ppocr", "made_by: somebody", r"inference.yml:\d+: Model.sha256.Model: this block"),
        ("    parameters: ", "    parameter: ", "Model.sha256.parameter: unknown key, did you mean parameters"),
        ("  sha256:", "  sha265:", "Model.sha265: unknown key, did you mean sha256"),
    ],
)
def test_what_belongs_to_the_weights_cannot_be_edited(folder: Path, old: str, new: str, message: str) -> None:
    edit(folder, old, new)
    with pytest.raises(ConfigError, match=message):
        load(folder)


def test_folders_without_hashes_are_used_unchecked(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (folder / FILE_NAME).read_text(encoding="utf-8")
    (folder / FILE_NAME).write_text(text.split("  sha256:")[0], encoding="utf-8")
    with caplog.at_level(logging.DEBUG, logger="ppocr"):  # commands of other tests set its own level
        Predictor.from_folder(folder)
    assert len([r for r in caplog.records if "not checked" in r.message and r.levelno == logging.DEBUG]) == 1
