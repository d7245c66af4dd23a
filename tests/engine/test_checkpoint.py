"""R3: a damaged checkpoint never loads silently; official files load; a failed save changes nothing."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppocr.engine import checkpoint_files
from ppocr.engine.checkpoint import (
    find_checkpoint,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from ppocr.errors import CheckpointError, PpocrError

FILES = ["latest.pdparams", "latest.pdopt", "latest.states", "latest.json"]


def save(folder: Path, step: int = 1, name: str = "latest") -> None:
    arrays = {"w": np.arange(60, dtype=np.float32).reshape(6, 10) + step}
    save_checkpoint(
        folder / name,
        arrays,
        {"w_moment1_0": arrays["w"] * 2, "LR_Scheduler": {"last_epoch": step, "last_lr": 0.1}},
        {"step": step, "sampler": (1, [2, 3]), "rng": {"key": np.arange(4, dtype=np.uint32)}},
        {"epoch": 1, "step": step, "metric": {"acc": 0.5}, "vocabulary": ["a", "é", "字"]},
    )


@pytest.fixture(autouse=True)
def _messages(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("ppocr").propagate = True
    caplog.set_level(logging.WARNING, logger="ppocr")


def network() -> paddle.nn.Layer:
    paddle.seed(1)
    return paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4), paddle.nn.Linear(4, 2))


def optimizer_of(model: paddle.nn.Layer) -> paddle.optimizer.Optimizer:
    schedule = paddle.optimizer.lr.LinearWarmup(paddle.optimizer.lr.CosineAnnealingDecay(0.1, 10), 2, 0.0, 0.1)
    return paddle.optimizer.Adam(schedule, parameters=model.parameters())


def trained() -> tuple[paddle.nn.Layer, paddle.optimizer.Optimizer]:
    model = network()
    optimizer = optimizer_of(model)
    for _ in range(3):
        model(paddle.randn([4, 3])).square().sum().backward()
        optimizer.step()
        optimizer.clear_grad()
        optimizer._learning_rate.step()
    return model, optimizer


def same(left: dict, right: dict) -> bool:
    if list(left) != list(right):
        return False
    return all(
        left[k] == right[k] if isinstance(left[k], dict) else np.array_equal(np.array(left[k]), np.array(right[k]))
        for k in left
    )


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    save(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(FILES)
    for path in ("latest", "latest.pdparams", "latest.states", "latest.json"):
        found = load_checkpoint(tmp_path / path)
        assert found.prefix == tmp_path / "latest"
        assert found.params["w"][0, 0] == 1 and found.optimizer["LR_Scheduler"] == {"last_epoch": 1, "last_lr": 0.1}
        assert found.states["sampler"] == (1, [2, 3]) and found.states["rng"]["key"].dtype == np.uint32
        assert found.manifest["vocabulary"] == ["a", "é", "字"] and found.manifest["metric"] == {"acc": 0.5}
    assert load_checkpoint(tmp_path / "latest", weights_only=True).optimizer is None


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    text = "".join(["key", "s"])
    for name, states in (("a", {text: [text, text]}), ("b", {"".join(["ke", "ys"]): ["".join(["ke", "ys"]), "keys"]})):
        save_checkpoint(tmp_path / name, {}, None, states, {})
    assert (tmp_path / "a.states").read_bytes() == (tmp_path / "b.states").read_bytes()


def test_paddle_reads_our_files_and_resumes(tmp_path: Path) -> None:
    model, optimizer = trained()
    save_checkpoint(tmp_path / "latest", model.state_dict(), optimizer.state_dict(), {}, {"step": 3})
    other = network()
    other.set_state_dict(paddle.load(str(tmp_path / "latest.pdparams")))
    assert same(model.state_dict(), other.state_dict())
    want = optimizer.state_dict()
    for state in (paddle.load(str(tmp_path / "latest.pdopt")), load_checkpoint(tmp_path / "latest").optimizer):
        resumed = optimizer_of(model)
        resumed.set_state_dict(state)
        assert same(want, resumed.state_dict())


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_official_files_load(protocol: int, tmp_path: Path) -> None:
    model, optimizer = trained()
    state = optimizer.state_dict()
    state["master_weights"] = {"linear_0.w_0": paddle.ones([3, 4])}
    paddle.save(model.state_dict(), str(tmp_path / "best_accuracy.pdparams"), protocol=protocol)
    paddle.save(state, str(tmp_path / "best_accuracy.pdopt"), protocol=protocol)
    paddle.save({"epoch": 3, "acc": np.float64(0.5)}, str(tmp_path / "best_accuracy.states"), protocol=protocol)
    found = find_checkpoint(tmp_path / "best_accuracy")
    assert found.manifest is None and found.states == {"epoch": 3, "acc": 0.5}
    assert same(found.params, model.state_dict())
    assert isinstance(found.optimizer["master_weights"]["linear_0.w_0"], np.ndarray)
    assert found.optimizer["LR_Scheduler"] == state["LR_Scheduler"]
    assert len(found.optimizer) == len(state)


def test_large_arrays_that_paddle_wrote_in_slices(tmp_path: Path) -> None:
    slices = {"w@@.0": np.arange(4.0), "w@@.1": np.arange(4.0, 6.0)}
    info = {"UnpackBigParamInfor@@": {"w": {"OriginShape": (2, 3), "slices": list(slices)}}}
    paddle.save({**slices, **info}, str(tmp_path / "big.pdparams"), protocol=2)
    params = load_checkpoint(tmp_path / "big.pdparams", weights_only=True).params
    assert list(params) == ["w"]
    np.testing.assert_array_equal(params["w"], np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_survives(dtype: str, tmp_path: Path) -> None:
    tensor = paddle.to_tensor([1.0, -2.5, 3e-3]).astype(dtype)
    save_checkpoint(tmp_path / "latest", {"w": tensor}, None, {}, {})
    loaded = paddle.load(str(tmp_path / "latest.pdparams"))["w"]
    assert loaded.dtype == tensor.dtype and bool((loaded.astype("float32") == tensor.astype("float32")).all())
    ours = load_checkpoint(tmp_path / "latest.pdparams", weights_only=True).params["w"]
    np.testing.assert_array_equal(ours, tensor.numpy())
    assert load_checkpoint(tmp_path / "latest").optimizer is None


@pytest.mark.parametrize("name", FILES)
def test_damage_is_never_silent(name: str, tmp_path: Path) -> None:
    save(tmp_path)
    path = tmp_path / name
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [good[:cut] for cut in (0, 1, len(good) // 3, len(good) // 2, len(good) - 1)] + [good + b"\0"]
    for place in rng.integers(len(good), size=60):
        flipped = bytearray(good)
        flipped[place] ^= 1 << rng.integers(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=name):
            find_checkpoint(tmp_path / "latest")
        if name in ("latest.pdparams", "latest.json"):
            with pytest.raises(CheckpointError):
                load_checkpoint(tmp_path / "latest.pdparams", weights_only=True)
    path.unlink()
    if name != "latest.json":
        with pytest.raises(CheckpointError, match=f"{name}: damaged: missing"):
            load_checkpoint(tmp_path / "latest")


def test_without_manifest_a_cut_file_is_an_error(tmp_path: Path) -> None:
    paddle.save(network().state_dict(), str(tmp_path / "old.pdparams"))
    good = (tmp_path / "old.pdparams").read_bytes()
    for cut in range(0, len(good), 37):
        (tmp_path / "old.pdparams").write_bytes(good[:cut])
        with pytest.raises(CheckpointError, match="old.pdparams"):
            find_checkpoint(tmp_path / "old")


def test_falls_back_to_the_newest_intact_one_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for step, name in ((1, "iter_epoch_1"), (3, "iter_epoch_3"), (2, "best_accuracy"), (4, "latest")):
        save(tmp_path, step, name)
    for damaged, step in (("latest", 3), ("iter_epoch_3", 2), ("best_accuracy", 1)):
        (tmp_path / f"{damaged}.pdopt").write_bytes(b"gone")
        caplog.clear()
        assert find_checkpoint(tmp_path / "latest").manifest["step"] == step
        assert any("DAMAGED" in r.getMessage() and "latest.pdopt" in r.getMessage() for r in caplog.records)
    (tmp_path / "iter_epoch_1.json").write_text("{}")
    with pytest.raises(CheckpointError, match="no intact checkpoint.*best_accuracy, iter_epoch_1"):
        find_checkpoint(tmp_path / "latest")


def test_a_wrong_name_is_no_reason_to_fall_back(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(CheckpointError, match=r"latets.pdparams does not exist \(.*holds latest"):
        find_checkpoint(tmp_path / "latets")
    with pytest.raises(CheckpointError, match="there is no folder"):
        find_checkpoint(tmp_path / "nowhere" / "latest")
    with pytest.raises(CheckpointError, match="does not exist .*holds latest"):
        find_checkpoint(tmp_path)  # the folder instead of the checkpoint in it


def test_a_manifest_of_a_later_format_is_refused(tmp_path: Path) -> None:
    save(tmp_path)
    manifest = json.loads((tmp_path / "latest.json").read_text(encoding="utf-8"))
    (tmp_path / "latest.json").write_text(json.dumps({**manifest, "format": 99}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="format 99"):
        load_checkpoint(tmp_path / "latest")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_failed_save_leaves_the_old_one(where: str, code: int, tmp_path: Path, monkeypatch) -> None:
    save(tmp_path, 1)

    def fail(*args: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        owner = checkpoint_files.HashedFile if where == "write" else os
        patch.setattr(owner, where, fail)
        with pytest.raises(PpocrError, match="could not be saved"):
            save(tmp_path, 2)
    assert sorted(os.listdir(tmp_path)) == sorted(FILES)
    assert load_checkpoint(tmp_path / "latest").states["step"] == 1


@pytest.mark.parametrize("fail_at", [2, 3, 4])
def test_a_rename_that_fails_half_way_leaves_the_new_one(fail_at: int, tmp_path: Path, monkeypatch) -> None:
    save(tmp_path, 1)
    replace, calls = os.replace, []

    def fail(*args: object) -> None:
        calls.append(args)
        if len(calls) >= fail_at:
            raise PermissionError(errno.EACCES, "refused")
        replace(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        for _ in range(2):  # the second save fails while finishing the first, and must not undo it
            with pytest.raises(PpocrError):
                save(tmp_path, 2)
            found = load_checkpoint(tmp_path / "latest")
            assert (found.states["step"], found.params["w"][0, 0], found.manifest["step"]) == (2, 2, 2)
    save(tmp_path, 3)
    assert sorted(os.listdir(tmp_path)) == sorted(FILES)
    assert load_checkpoint(tmp_path / "latest").states["step"] == 3


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PpocrError, match="could not be saved"):
        save(tmp_path / "file" / "deeper")


def test_what_could_not_be_read_back_is_not_saved(tmp_path: Path) -> None:
    for bad in (object(), np.array([object()]), os.system, Path("x")):
        with pytest.raises(TypeError, match="cannot hold"):
            save_checkpoint(tmp_path / "latest", {}, None, {"x": bad}, {})
    assert not os.listdir(tmp_path)


def test_a_save_without_optimizer_removes_the_old_optimizer(tmp_path: Path) -> None:
    save(tmp_path)
    save_checkpoint(tmp_path / "latest", {"w": np.ones(2)}, None, {}, {"step": 2})
    assert sorted(os.listdir(tmp_path)) == ["latest.json", "latest.pdparams", "latest.states"]
    assert load_checkpoint(tmp_path / "latest").optimizer is None


def test_prune_keeps_the_last(tmp_path: Path) -> None:
    for number in (2, 10, 9, 1):
        save(tmp_path, number, f"iter_epoch_{number}")
    save(tmp_path, 10)
    assert prune_checkpoints(tmp_path, 0) == []
    removed = prune_checkpoints(tmp_path, 2)
    assert removed == [tmp_path / "iter_epoch_1", tmp_path / "iter_epoch_2"]
    left = {p.name.split(".")[0] for p in tmp_path.iterdir()}
    assert left == {"iter_epoch_9", "iter_epoch_10", "latest"}
    assert prune_checkpoints(tmp_path / "absent", 2) == []


def test_a_first_save_cut_short_and_damaged_is_not_taken_for_official_files(tmp_path: Path) -> None:
    """All data have their plain names, the manifest has not: without it nothing would say what they should hold."""
    save(tmp_path)
    (tmp_path / "latest.json").rename(tmp_path / "latest.json.tmp")
    assert load_checkpoint(tmp_path / "latest").manifest is not None
    data = bytearray((tmp_path / "latest.pdparams").read_bytes())
    data[data.index(np.float32(1).tobytes())] ^= 1  # a value: still a pickle of arrays
    (tmp_path / "latest.pdparams").write_bytes(data)
    with pytest.raises(CheckpointError, match="latest.pdparams: damaged: its sha256 differs"):
        load_checkpoint(tmp_path / "latest")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EIO])
def test_folders_that_cannot_be_synced_are_no_failure_and_broken_disks_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    sync = os.fsync

    def fsync(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(code, os.strerror(code))
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if code == errno.EIO:
        with pytest.raises(PpocrError, match="could not be saved"):
            save(tmp_path)
    else:
        save(tmp_path)
        assert load_checkpoint(tmp_path / "latest").states["step"] == 1


def test_checksums_of_manifests_stay_what_they_were() -> None:
    """Else the checkpoints of earlier versions would all be refused as altered."""
    manifest = {"characters": ["é", "中"], "step": 1, "best_metric": 0.5, "checksum": "not part of it"}
    recorded = "86a41a271c02920d14320a68a7d5a9dcee586e02e56ffc4580dab35a1a2aae39"
    assert checkpoint_files._digest(manifest) == recorded


def test_scalars_of_numpy_are_kept(tmp_path: Path) -> None:
    states = {"rate": np.float32(1.5), "step": np.int64(3), "on": np.bool_(True)}
    save_checkpoint(tmp_path / "latest", {"w": np.ones(2)}, None, states, {})
    assert load_checkpoint(tmp_path / "latest").states == states


def test_what_takes_the_place_of_a_damaged_one_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number, name in ((4, "iter_epoch_1"), (6, "best_accuracy"), (9, "latest")):
        save(tmp_path, number, name)
    for name in ("latest", "best_accuracy"):
        path = tmp_path / f"{name}.pdparams"
        path.write_bytes(path.read_bytes()[:-3])
    assert find_checkpoint(tmp_path / "latest").states["step"] == 4
    assert f"{tmp_path}/best_accuracy.pdparams: damaged" in caplog.text  # the next one tried
    assert f"Going on from the previous intact one, {tmp_path}/iter_epoch_1 (epoch 1, step 4)" in caplog.text
