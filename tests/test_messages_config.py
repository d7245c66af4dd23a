"""Values of a configuration that cannot be: each ends in one clear line that names its key, before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr import cli
from ppocr.data.lmdb_writer import write_lmdb
from tests.mistakes import Mistake, edit, reported_in_one_line, train
from tests.system.project import Project, run_tool

HUGE = 10**15
CHANNELS = "Architecture.Backbone.channels"
SHAPE = "Train.dataset.transforms.3.RecResizeImg.image_shape"


def refused(name: str, *says: str, options: tuple[str, ...] = (), prepare=None) -> Mistake:
    return Mistake(name, train, says, options, prepare, code=2)


MISTAKES = [
    *(
        refused(f"empty {section}", f"{section}: name is missing", options=(f"{section}={{{{}}}}",))
        for section in ("Loss", "PostProcess", "Metric", "Optimizer")
    ),
    refused("workers below 0", "num_workers", "at least 0", options=("Train.loader.num_workers=-1",)),
    refused("beta1 above 1", "Optimizer.beta1", "at least 0 and below 1", options=("Optimizer.beta1=1.5",)),
    refused("rate below 0", "Optimizer.lr.learning_rate", "at least 0", options=("Optimizer.lr.learning_rate=-0.1",)),
    refused(
        "two standard deviations",
        "NormalizeImage.std",
        "a list of 3 numbers",
        prepare=edit("    - RecAug:", "    - NormalizeImage: {std: [0.5, 0.5]}\n    - RecAug:"),
    ),
    refused(
        "infinite standard deviation",
        "NormalizeImage.std",
        "finite",
        prepare=edit("    - RecAug:", "    - NormalizeImage: {std: [0.5, 0.5, .inf]}\n    - RecAug:"),
    ),
    refused("infinite anywhere", "Train.dataset.cache.ram", "finite", options=("Train.dataset.cache={{ram: .inf}}",)),
    refused("no neck", "Architecture.Head", "Neck", prepare=edit("  Neck: .*\n", "")),
    refused("keep_keys without image", "'image'", "KeepKeys", prepare=edit(r"keep_keys: \[image, ", "keep_keys: [")),
    refused("channels", "Architecture.Backbone.channels", options=(f"{CHANNELS}=[{10**9}, 8, 8, 8]",)),
    refused("wide network", "Architecture.Backbone", "GB", options=(f"{CHANNELS}=[65000, 65000, 65000, 65000]",)),
    refused("batch size", "batch_size_per_card", "at most", options=(f"Train.loader.batch_size_per_card={HUGE}",)),
    refused(
        "a class of PaddleOCR", "'EASTHead'", "docs/not_supported.md", options=("Architecture.Head.name=EASTHead",)
    ),
    refused("print step", "print_batch_step", "at least 1", options=("Global.print_batch_step=-1",)),
    refused(
        "large batch",
        "batch_size_per_card",
        "GB",
        options=(f"{SHAPE}=[3, 2000, 2000]", "Train.loader.batch_size_per_card=1000000"),
    ),
    # devices
    refused(
        "a device that is not there", "Global.use_gcu", "-o Global.use_gcu=false", options=("Global.use_gcu=true",)
    ),
    # overrides
    refused("spaces around =", "Global.epoch_num = 3", "no spaces", options=("Global.epoch_num", "=", "3")),
    refused("a space behind =", "write Global.epoch_num=3", options=("Global.epoch_num=", "3")),
    refused(
        "an override of the class that was replaced",
        "-o Train.dataset.label_file_list",
        "unknown key",
        options=("Train.dataset.name=LMDBDataSet", "Train.dataset.label_file_list=[a.txt]"),
    ),
    # weights that are not there
    Mistake(
        "weights at an address",
        train,
        ("https://example.org/a.pdparams is an address", "-o Global.pretrained_model=null"),
        ("Global.pretrained_model=https://example.org/a.pdparams",),
    ),
    Mistake(
        "weights that can be had",
        train,
        ("PP-OCRv4_mobile_rec.pdparams does not exist", "tools/pretrained.py get PP-OCRv4_mobile_rec"),
        (
            "Global.pretrained_model=PP-OCRv4_mobile_rec",
            "Architecture.Backbone={{name: PPLCNetV3, scale: 0.95}}",
        ),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_value_is_refused_in_one_line(
    mistake: Mistake,
    trained: Project,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch)


def test_another_data_set_is_chosen_by_its_name(
    trained: Project,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:
    write_lmdb(str(trained.folder / "train.txt"), str(trained.folder / "images"), str(tmp_path / "lmdb"))
    options = ["Train.dataset.name=LMDBDataSet", f"Train.dataset.data_dir={tmp_path}/lmdb", "Optimizer.name=Momentum"]
    options += [f"Global.save_model_dir={tmp_path}/out", "Global.epoch_num=2", "Global.epoch_num=1"]
    assert cli.main(train, "", ["-c", str(trained.config), "-o", *options]) == 0
    shown = capfd.readouterr().err
    assert "Train.dataset.label_file_list: is of SimpleDataSet, and not used by LMDBDataSet" in shown
    assert "-o Global.epoch_num: given twice, first as '2'; the last, '1', is used" in shown


def test_libraries_underneath_keep_quiet(trained: Project, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    whole = (trained.folder / "images" / "line 0.jpg").read_bytes()
    (images / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    best = f"Global.checkpoints={trained.out}/best_accuracy"
    done = run_tool("export_model.py", "-c", str(trained.config), "-o", best, f"Global.save_inference_dir={tmp_path}/i")
    assert done.returncode == 0 and "out tensor" not in done.stderr, done.stderr
    done = run_tool("infer_rec.py", "-c", str(trained.config), "-o", best, f"Global.infer_img={images}")
    assert "[ERROR:" not in done.stderr and "Traceback" not in done.stderr, done.stderr
