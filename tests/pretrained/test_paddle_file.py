"""Exported folders are read back to the last array, and anything damaged or foreign is refused in one line."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from ppocr.errors import CheckpointError
from ppocr.pretrained.deploy_form import deploy_state, deploy_units
from ppocr.pretrained.mapping import map_tensors
from ppocr.pretrained.model_file import ModelFile
from ppocr.pretrained.readers import read_model
from tests.pretrained.parts import ANGLE, SHAPE, export, network


@pytest.fixture(scope="module", params=["new", "old"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    model = network(ANGLE)
    return model, export(model, tmp_path_factory.mktemp("export") / request.param, request.param, "cls")


@pytest.fixture
def folder(exported: tuple, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported[1], tmp_path / "copy"))


def test_every_array_is_read_and_mapped_by_name_or_by_the_order_of_use(exported: tuple, folder: Path) -> None:
    model, _ = exported
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    named = read_model(folder)
    assert named.named == (folder / "inference.pdiparams.info").exists()
    (folder / "inference.pdiparams.info").unlink(missing_ok=True)
    for file, by in ((named, "name" if named.named else "order"), (read_model(folder), "order")):
        mapped = map_tensors(file, deploy_state(model), deploy_units(model, SHAPE))
        assert mapped.by == by and not mapped.folded
        assert sorted(mapped.arrays) == sorted(state)
        assert all(np.array_equal(mapped.arrays[name], state[name]) for name in state)


def test_names_are_taken_where_the_folder_tells_them(folder: Path) -> None:
    saved = [t.name for t in read_model(folder).tensors]
    info = {name: {"structured_name": f"layer.{i}", "stop_gradient": False} for i, name in enumerate(saved)}
    info["of_training_only"] = {"structured_name": "another"}
    (folder / "inference.pdiparams.info").write_bytes(pickle.dumps(info, protocol=2))
    file = read_model(folder)
    assert file.named and [t.structured for t in file.tensors] == [f"layer.{i}" for i in range(len(saved))]


def damage(folder: Path, pattern: str, change) -> CheckpointError:
    path = next(folder.glob(pattern))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CheckpointError) as caught:
        read_model(folder)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kept", [0, 3, 30, 1000, -1])
def test_a_parameter_file_cut_short_is_refused(folder: Path, kept: int) -> None:
    damage(folder, "*.pdiparams", lambda data: data[:kept])


def test_a_longer_parameter_file_is_refused(folder: Path) -> None:
    error = damage(folder, "*.pdiparams", lambda data: data + b"more")
    assert "4 bytes follow" in error.message


@pytest.mark.parametrize("foreign", [b"", b"\x89PNG\r\n\x1a\n" + bytes(200), b"{}", b"[1, 2]", b"\xff" * 64])
@pytest.mark.parametrize("pattern", ["*.pdiparams", "inference.[jp]*[nl]"])
def test_foreign_files_are_refused(folder: Path, foreign: bytes, pattern: str) -> None:
    damage(folder, pattern, lambda _: foreign)


def test_names_from_a_pickle_that_runs_code_are_refused(folder: Path) -> None:
    (folder / "inference.pdiparams.info").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(CheckpointError, match="refuses to run code"):
        read_model(folder)


def test_names_of_another_model_are_refused(folder: Path) -> None:
    (folder / "inference.pdiparams.info").write_bytes(pickle.dumps({"conv2d_0.w_9": {"structured_name": "a"}}))
    with pytest.raises(CheckpointError, match="does not name"):
        read_model(folder)


def test_altered_bytes_are_refused_or_read_but_never_crash(folder: Path) -> None:
    rng = np.random.default_rng(0)
    path = next(folder.glob("inference.[jp]*[nl]"))
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for position in rng.integers(0, len(data), 8):
            data[position] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            assert isinstance(read_model(folder), ModelFile)
        except CheckpointError as error:
            assert "\n" not in str(error)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        read_model(tmp_path / "absent" / "model")
    with pytest.raises(CheckpointError, match="an exported model is"):
        read_model(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="did you mean model.bin"):
        read_model(tmp_path / "modle.bin")
    with pytest.raises(CheckpointError, match="no such file"):
        read_model(tmp_path / "absent.onnx")
    with pytest.raises(CheckpointError, match="is no inference model"):
        read_model(tmp_path / "model.bin")
