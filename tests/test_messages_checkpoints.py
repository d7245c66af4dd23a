"""What is wrong with a checkpoint is reported in one line, and one of official tools is resumed at its next epoch."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppocr import cli
from tests.mistakes import Mistake, copy_of, evaluate, train
from tests.system.project import Project

TABLE, SLICES, NAME = "StructuredToParameterName@@", "UnpackBigParamInfor@@", "latest"
LATEST = ("Global.checkpoints={p}/out/latest",)
TWO = (*LATEST, "Global.epoch_num=2")
HANGING = b"\x80\x04}(X\x01\x00\x00\x00a)" + b"2\x86" * 30 + b"u."


def seal(folder: Path, name: str = NAME, **changed) -> None:
    """Write the manifest anew, as if its files had been saved as they are."""
    manifest = {**json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), **changed}
    manifest.pop("checksum")
    if "files" not in changed:
        for file in manifest["files"]:
            data = (folder / file).read_bytes()
            manifest["files"][file] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    text = json.dumps(manifest, sort_keys=True, ensure_ascii=True)
    manifest["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / f"{name}.json").write_text(json.dumps(manifest), encoding="utf-8")


def only_latest(project: Project) -> None:
    """Leave one checkpoint, so that no other takes its place."""
    for path in project.out.iterdir():
        if path.stem in ("best_accuracy", "iter_epoch_1"):
            path.unlink()


def content(suffix: str, change: Callable[[dict], object]) -> Callable[[Project], None]:
    """Change what a file holds, so that its manifest agrees."""

    def prepare(project: Project) -> None:
        path = project.out / f"{NAME}{suffix}"
        value = pickle.loads(path.read_bytes())
        change(value)
        path.write_bytes(pickle.dumps(value, protocol=4))
        seal(project.out)
        only_latest(project)

    return prepare


def raw(suffix: str, data: bytes) -> Callable[[Project], None]:
    def prepare(project: Project) -> None:
        (project.out / f"{NAME}{suffix}").write_bytes(data)
        seal(project.out)
        only_latest(project)

    return prepare


def manifest(**changed) -> Callable[[Project], None]:
    def prepare(project: Project) -> None:
        seal(project.out, **changed)
        only_latest(project)

    return prepare


def entry(optimizer: dict, part: str) -> str:
    return next(key for key in optimizer if part in key)


def without(part: str) -> Callable[[dict], object]:
    return lambda optimizer: optimizer.pop(entry(optimizer, part))


def instead(part: str, value) -> Callable[[dict], object]:
    return lambda optimizer: optimizer.update({entry(optimizer, part): value})


def make_official(project: Project) -> None:
    """Turn `latest` into what official tools write: other parameter names, no manifest, states of three entries."""
    only_latest(project)
    (project.out / f"{NAME}.json").unlink()
    files = {suffix: project.out / f"{NAME}{suffix}" for suffix in (".pdparams", ".pdopt", ".states")}
    params, optimizer, states = (pickle.loads(path.read_bytes()) for path in files.values())
    kinds: dict[str, list[str]] = {}
    for name in params[TABLE].values():
        kinds.setdefault(re.sub(r"_\d+\.", "_N.", name), []).append(name)
    # as if layers had been made in the opposite order: every name exists, and is that of another parameter
    new = {old: other for names in kinds.values() for old, other in zip(names, reversed(names))}
    params[TABLE] = {key: new[name] for key, name in params[TABLE].items()}
    state = {}
    for key, value in optimizer.items():
        owner = next((name for name in new if key.startswith(name + "_")), None)
        state[key if owner is None else new[owner] + key[len(owner) :]] = value
    official = {key: states[key] for key in ("epoch", "global_step", "best_model_dict")}
    for path, value in zip(files.values(), (params, state, official)):
        path.write_bytes(pickle.dumps(value, protocol=2))


def official(suffix: str, change: Callable[[dict], object]) -> Callable[[Project], None]:
    def prepare(project: Project) -> None:
        make_official(project)
        path = project.out / f"{NAME}{suffix}"
        value = pickle.loads(path.read_bytes())
        change(value)
        path.write_bytes(pickle.dumps(value, protocol=2))

    return prepare


def official_without(suffix: str) -> Callable[[Project], None]:
    def prepare(project: Project) -> None:
        make_official(project)
        (project.out / f"{NAME}{suffix}").unlink()

    return prepare


MISTAKES = [
    # the optimizer's state
    Mistake("another optimizer", train, ("latest.pdopt", "moment1_0", "this optimizer does not have"),
            (*TWO, "Optimizer.name=Momentum")),
    Mistake("a moment missing", train, ("latest.pdopt", "no moment2_0 of backbone"), TWO,
            content(".pdopt", without("moment2_0"))),
    Mistake("a moment is text", train, ("latest.pdopt", "moment1_0", "'0.1'"), TWO,
            content(".pdopt", instead("moment1_0", "0.1"))),
    Mistake("a moment of another shape", train, ("latest.pdopt", "shape [2, 3]"), TWO,
            content(".pdopt", instead("moment1_0", np.ones((2, 3), np.float32)))),
    Mistake("a moment of whole numbers", train, ("latest.pdopt", "int64"), TWO,
            content(".pdopt", instead("beta1_pow", np.ones(1, np.int64)))),
    Mistake("a moment is not finite", train, ("latest.pdopt", "not finite"), TWO,
            content(".pdopt", instead("beta1_pow", np.full(1, np.nan, np.float32)))),
    Mistake("an entry of nobody", train, ("latest.pdopt", "no parameter", "stranger_moment1_0"), TWO,
            content(".pdopt", lambda o: [o.pop(k) for k in list(o) if "_moment" in k or "_pow" in k]
                    and o.update({"stranger_moment1_0": np.ones(1, np.float32)}))),
    Mistake("no schedule", train, ("latest.pdopt", "LR_Scheduler"), TWO, content(".pdopt", without("LR_Sch"))),
    Mistake("schedule is a list", train, ("latest.pdopt: LR_Scheduler is a list",), TWO,
            content(".pdopt", instead("LR_Sch", [1, 2]))),
    Mistake("schedule at a text", train, ("latest.pdopt: LR_Scheduler.last_epoch is '2'",), TWO,
            content(".pdopt", lambda o: o["LR_Scheduler"].update(last_epoch="2"))),
    Mistake("schedule before the start", train, ("LR_Scheduler.last_epoch is -3",), TWO,
            content(".pdopt", lambda o: o["LR_Scheduler"].update(last_epoch=-3))),
    Mistake("learning rate is not a number", train, ("LR_Scheduler.last_lr is nan",), TWO,
            content(".pdopt", lambda o: o["LR_Scheduler"].update(last_lr=float("nan")))),
    Mistake("master weights are a number", train, ("latest.pdopt", "master_weights is 3"), TWO,
            content(".pdopt", lambda o: o.update(master_weights=3))),
    # the state of the run
    Mistake("epoch as text", train, ("latest.states: position.epoch is '2'",), TWO,
            content(".states", lambda s: s["position"].update(epoch="2"))),
    Mistake("negative position", train, ("latest.states: position.batches is -1",), TWO,
            content(".states", lambda s: s["position"].update(batches=-1))),
    Mistake("position beyond counting", train, ("position.global_step is a number beyond all counts",),
            (*TWO, "Global.resume_lr=override"),
            content(".states", lambda s: s["position"].update(global_step=10**40))),
    Mistake("more batches than steps", train, ("latest.states: position.batches is 7",), TWO,
            content(".states", lambda s: s["position"].update(batches=7))),
    Mistake("no seed", train, ("latest.states: seed is missing",), TWO, content(".states", lambda s: s.pop("seed"))),
    Mistake("seed is text", train, ("latest.states: seed is 'x'",), TWO,
            content(".states", lambda s: s.update(seed="x"))),
    Mistake("best is a list", train, ("latest.states: best is a list",), TWO,
            content(".states", lambda s: s.update(best=[1]))),
    Mistake("losses are texts", train, ("latest.states: meters.loss.0 is 'a'",), TWO,
            content(".states", lambda s: s["meters"].update(loss=["a"]))),
    Mistake("counts of the data are texts", train, ("latest.states: data.total.drawn is '8'",), TWO,
            content(".states", lambda s: s["data"]["total"].update(drawn="8"))),
    Mistake("states are a list", train, ("latest.states", "list"), TWO, raw(".states", pickle.dumps([1]))),
    # weights
    Mistake("weights that repeat themselves", evaluate, ("latest.pdparams", "instruction DUP"), LATEST,
            raw(".pdparams", HANGING)),
    Mistake("weights are whole numbers", evaluate, ("head.fc.bias holds int64, the network float32",), LATEST,
            content(".pdparams", lambda p: p.update({"head.fc.bias": np.zeros(11, np.int64)}))),
    Mistake("weights are not finite", evaluate, ("head.fc.bias is not finite",), LATEST,
            content(".pdparams", lambda p: p.update({"head.fc.bias": np.full(11, np.inf, np.float32)}))),
    Mistake("weights are text", train, ("latest.pdparams: 'head.fc.bias' is 'a'",), TWO,
            content(".pdparams", lambda p: p.update({"head.fc.bias": "a"}))),
    Mistake("slices missing", evaluate, ("latest.pdparams: " + SLICES, "'w@@.0' is missing"), LATEST,
            content(".pdparams", lambda p: p.update({SLICES: {"w": {"OriginShape": (2,), "slices": ["w@@.0"]}}}))),
    Mistake("slices without a shape", evaluate, (SLICES + ".w.OriginShape is missing",), LATEST,
            content(".pdparams", lambda p: p.update({SLICES: {"w": {"slices": []}}}))),
    Mistake("slices are a number", evaluate, (SLICES + " is 1",), LATEST,
            content(".pdparams", lambda p: p.update({SLICES: 1}))),
    Mistake("names that are numbers", train, ("latest.pdparams: it has 5 where a name is expected",), TWO,
            content(".pdparams", lambda p: p.update({5: np.ones(1)}))),
    # the manifest
    Mistake("manifest without sizes", evaluate, ("latest.json: files.latest.pdparams.size is missing",), LATEST,
            manifest(files={"latest.pdparams": {"sha256": "0"}})),
    Mistake("manifest with a step of text", evaluate, ("latest.json: step is '3'",), LATEST, manifest(step="3")),
    Mistake("manifest with characters of numbers", evaluate, ("latest.json: characters.0 is 1",), LATEST,
            manifest(characters=[1])),
    # official tools
    Mistake("official without a table", train, ("latest.pdparams", "no table of names"), TWO,
            official(".pdparams", lambda p: p.pop(TABLE))),
    Mistake("official table lacks a name", train, ("latest.pdparams", "does not name head.fc.bias"), TWO,
            official(".pdparams", lambda p: p[TABLE].pop("head.fc.bias"))),
    Mistake("official without optimizer", train, ("no optimizer state",), TWO, official_without(".pdopt")),
    Mistake("official without states", train, ("latest.states is missing",), TWO, official_without(".states")),
    Mistake("official epoch as text", train, ("latest.states: epoch is '1'",), TWO,
            official(".states", lambda s: s.update(epoch="1"))),
]  # fmt: skip


@pytest.fixture
def project(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return copy_of(trained, tmp_path, monkeypatch)


def run(command: Callable, project: Project, options: tuple[str, ...]) -> int:
    filled = [option.format(p=project.folder) for option in options]
    return cli.main(command, "", ["-c", str(project.config), "-o", *filled])


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_mistake_is_reported_in_one_line(mistake: Mistake, project: Project, capfd: pytest.CaptureFixture) -> None:
    if mistake.prepare:
        mistake.prepare(project)
    before = {path: path.read_bytes() for path in project.out.glob(f"{NAME}.*")}
    capfd.readouterr()
    code = run(mistake.command, project, mistake.options)
    shown = capfd.readouterr().err
    assert code == mistake.code, shown
    reported = [line for line in shown.splitlines() if line.startswith("error:")]
    for part in mistake.says:
        assert any(part in line for line in reported), f"{part!r} is not in:\n{shown}"
    assert "Traceback" not in shown and len(reported) == 1
    assert all(path.read_bytes() == data for path, data in before.items())


def test_an_official_folder_goes_on_at_the_next_epoch(project: Project) -> None:
    # an official checkpoint does not say its schedule: the configuration's holds
    same = ("Global.save_model_dir={p}/same", "Global.resume_lr=override")
    assert run(train, project, (*TWO, *same)) == 0
    make_official(project)
    assert run(train, project, (*TWO, "Global.save_model_dir={p}/from_official", "Global.seed=3")) == 0
    shown = (project.folder / "from_official" / "train.log").read_text(encoding="utf-8")
    assert "official checkpoint of epoch 1, step 2" in shown and "epoch 2 is done" in shown
    assert "epoch 1 is done" not in shown and "steps to epoch" not in shown
    assert "learning rate was" in shown  # its cosine was one of one epoch
    batch = ("Global.save_model_dir={p}/other", "Train.loader.batch_size_per_card=8")
    assert run(train, project, (*TWO, *batch)) == 0
    shown = (project.folder / "other" / "train.log").read_text(encoding="utf-8")
    assert "took 2 steps to epoch 1, here it is 1" in shown
    states, params = (
        [pickle.loads((project.folder / f"{name}/latest{suffix}").read_bytes()) for name in ("same", "from_official")]
        for suffix in (".states", ".pdparams")
    )
    assert states[0]["position"] == states[1]["position"] == {
        "epoch": 3, "batches": 0, "step_in_epoch": 0, "global_step": 4
    }  # fmt: skip
    for key, value in params[0].items():  # the same as our own checkpoint goes on
        if key != TABLE:
            np.testing.assert_array_equal(value, params[1][key], err_msg=key)
