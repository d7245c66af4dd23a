"""Every mistake a user is likely to make ends in one clear line with a cause and a hint, and a non-zero exit code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from tests.mistakes import (
    BEST,
    Mistake,
    config,
    damage,
    edit,
    evaluate,
    export,
    flip,
    infer,
    reported_in_one_line,
    train,
    whole_set,
    write,
)
from tests.system.project import Project


class Payload:
    def __reduce__(self):
        return os.mkdir, ("payload_ran",)


def malicious(project: Project) -> None:
    for path in project.out.glob("*.json"):
        path.unlink()
    (project.out / "best_accuracy.pdparams").write_bytes(pickle.dumps({"w": Payload()}, protocol=2))


NO_FILE = "Global.character_dict_path={p}/none.txt"
MISTAKES = [
    # configuration
    Mistake("config missing", train, ("none.yml", "does not exist"), prepare=lambda p: p.folder / "none.yml", code=2),
    Mistake("config empty", train, ("other.yml", "empty"), prepare=config(b""), code=2),
    Mistake("config binary", train, ("other.yml", "not a text file"), prepare=config(b"\xff\xfe\x00\x01"), code=2),
    Mistake("config a list", train, ("other.yml", "mapping of sections"), prepare=config(b"- 1\n- 2\n"), code=2),
    Mistake("config a folder", train, ("is a folder",), prepare=lambda p: p.folder, code=2),
    Mistake("config not YAML", train, ("other.yml:2", "not valid YAML"), prepare=config(b"Global: [1\n"), code=2),
    Mistake(
        "config runs code",
        train,
        ("tag", "not allowed"),
        code=2,
        prepare=config(b"Global: !!python/object/apply:os.mkdir [payload_ran]\n"),
    ),
    Mistake(
        "key twice",
        train,
        ("edited.yml:4", "Global.seed", "given twice, first in line 3"),
        code=2,
        prepare=edit("  seed: 3\n", "  seed: 3\n  seed: 4\n"),
    ),
    Mistake(
        "unknown key",
        train,
        ("edited.yml:3", "Global.sead", "did you mean seed?"),
        code=2,
        prepare=edit("  seed: 3\n", "  sead: 3\n"),
    ),
    Mistake("unknown section", train, ("Metrics", "did you mean Metric?"), code=2, prepare=edit("Metric:", "Metrics:")),
    Mistake(
        "unknown override", train, ("-o Global.epoch_nmu", "did you mean epoch_num?"), ("Global.epoch_nmu=3",), code=2
    ),
    Mistake("override without =", train, ("-o Global.epoch_num", "Section.key=value"), ("Global.epoch_num",), code=2),
    Mistake(
        "override index",
        train,
        ("a list of 5 items, 0 to 4",),
        ("Train.dataset.transforms.9.RecAug.tia_prob=1",),
        code=2,
    ),
    Mistake(
        "wrong type",
        train,
        ("Global.epoch_num", "expected an int of at least 1, got a string 'many'"),
        ("Global.epoch_num=many",),
        code=2,
    ),
    Mistake(
        "wrong choice",
        train,
        ("Global.amp_dtype", "'bfloat16', got a string 'float17', did you mean"),
        ("Global.amp_dtype=float17",),
        code=2,
    ),
    Mistake("no epochs", train, ("Global.epoch_num", "at least 1"), ("Global.epoch_num=0",), code=2),
    Mistake(
        "unknown head",
        train,
        ("unknown head 'CTCHaed'", "did you mean CTCHead?"),
        ("Architecture.Head.name=CTCHaed",),
        code=2,
    ),
    Mistake(
        "unknown backbone key",
        train,
        ("Backbone.chanels", "did you mean channels?"),
        ("Architecture.Backbone.chanels=[8]",),
        code=2,
    ),
    Mistake(
        "unknown transform",
        train,
        ("unknown transform 'RecAgu'", "did you mean RecAug?"),
        code=2,
        prepare=edit("RecAug:", "RecAgu:"),
    ),
    Mistake(
        "unknown transform key",
        train,
        ("RecAug.tia_porb", "did you mean tia_prob?"),
        ("Train.dataset.transforms.1.RecAug.tia_porb=1",),
        code=2,
    ),
    Mistake("unknown loss", train, ("unknown loss 'CTCLos'", "did you mean CTCLoss?"), ("Loss.name=CTCLos",), code=2),
    Mistake(
        "unknown optimizer", train, ("unknown optimizer 'Adan'", "did you mean Adam?"), ("Optimizer.name=Adan",), code=2
    ),
    Mistake(
        "unknown schedule",
        train,
        ("unknown learning-rate schedule 'Cosin'", "did you mean Cosine?"),
        ("Optimizer.lr.name=Cosin",),
        code=2,
    ),
    Mistake(
        "unknown data set",
        train,
        ("unknown data set 'SimpleDataset'", "did you mean SimpleDataSet?"),
        ("Train.dataset.name=SimpleDataset",),
        code=2,
    ),
    Mistake("no name", train, ("name is missing",), code=2, prepare=edit(r"name: CTCLoss", "use_focal_loss: true")),
    Mistake(
        "label not kept",
        train,
        ("CTCLoss needs 'length'", "KeepKeys"),
        code=2,
        prepare=edit(r"\[image, label, length\]", "[image, label]"),
    ),
    Mistake("several at once", train, ("epoch_nmu", "sead"), ("Global.epoch_nmu=1", "Global.sead=2"), code=2),
    # devices and places
    Mistake(
        "no GPU", train, ("Global.use_gpu", "CPU build", "-o Global.use_gpu=false"), ("Global.use_gpu=true",), code=2
    ),
    Mistake(
        "output is a file",
        train,
        ("Global.save_model_dir", "cannot write"),
        ("Global.save_model_dir={p}/dict.txt/out",),
    ),
    # dictionaries
    Mistake("dictionary missing", train, ("none.txt does not exist", "character_dict_path"), (NO_FILE,)),
    Mistake("dictionary empty", train, ("dict.txt is empty",), prepare=write("dict.txt", b"")),
    Mistake("dictionary not UTF-8", train, ("not UTF-8",), prepare=write("dict.txt", b"\xff\xfe\n")),
    # data
    Mistake("label file missing", train, ("gone.txt",), ("Train.dataset.label_file_list=[{p}/gone.txt]",)),
    Mistake("label file empty", train, ("train.txt", "empty"), prepare=write("train.txt", b"")),
    Mistake("spaces for tab", train, ("train.txt:1", "tab"), prepare=whole_set(lambda i: f"line {i}.jpg    12\n")),
    Mistake("images missing", train, ("train.txt", "gone0.jpg"), prepare=whole_set(lambda i: f"gone{i}.jpg\t12\n")),
    Mistake("folder missing", train, ("nowhere",), ("Train.dataset.data_dir={p}/nowhere",)),
    Mistake(
        "ratios do not fit",
        train,
        ("label_file_list has 1", "ratio_list 2"),
        ("Train.dataset.ratio_list=[0.5, 0.5]",),
        code=2,
    ),
    Mistake("batch too large", train, ("8", "100", "batch_size_per_card"), ("Train.loader.batch_size_per_card=100",)),
    Mistake(
        "labels too long",
        train,
        ("max_text_length",),
        prepare=whole_set(lambda i: f"line {i}.jpg\t123456789012\n"),
        starts=True,
    ),
    Mistake("no evaluation set", evaluate, ("empty",), (BEST,), prepare=write("test.txt", b"")),
    Mistake(
        "evaluation images bad",
        evaluate,
        ("image",),
        (BEST,),
        prepare=lambda p: [f.write_bytes(b"") for f in (p.folder / "images").iterdir()] and None,
    ),
    # weights
    Mistake("no weights to evaluate", evaluate, ("weights", "Global.checkpoints"), code=2),
    Mistake("no weights to export", export, ("weights", "Global.pretrained_model"), code=2),
    Mistake(
        "no weights to infer with",
        infer,
        ("weights", "Global.pretrained_model"),
        ("Global.infer_img={p}/images",),
        code=2,
    ),
    Mistake("checkpoint missing", train, ("lates", "latest"), ("Global.checkpoints={p}/out/lates",)),
    Mistake("pretrained missing", train, ("nothing_here",), ("Global.pretrained_model={p}/out/nothing_here",)),
    Mistake("another network", evaluate, ("best_accuracy",), (BEST, "Architecture.Backbone.channels=[8, 8, 16, 24]")),
    Mistake("another dictionary", evaluate, ("best_accuracy",), (BEST, "Global.use_space_char=true")),
    Mistake(
        "weights truncated", evaluate, ("pdparams",), (BEST,), prepare=damage(".pdparams", lambda d: d[: len(d) // 2])
    ),
    Mistake("weights altered", evaluate, ("pdparams",), (BEST,), prepare=damage(".pdparams", flip)),
    Mistake("weights run code", evaluate, ("pdparams",), (BEST,), prepare=malicious),
    # prediction
    Mistake("image missing", infer, ("no such image",), (BEST, "Global.infer_img={p}/nothing.png")),
    Mistake("folder without images", infer, ("holds no image",), (BEST, "Global.infer_img={p}/out")),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_mistake_is_reported_in_one_line(
    mistake: Mistake, trained: Project, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch)
