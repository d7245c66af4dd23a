"""`ppocr ocr`: what it prints and writes, in one process and in several."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.commands.ocr import main
from tests.deploy.kinds import make_det, make_rec
from tests.system.project import ROOT
from tests.system.real_models import FIRST_LINES, fill_cache, write_page


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The arguments of a detector and a recogniser of random weights, which read something everywhere."""
    folder = tmp_path_factory.mktemp("models")
    det, rec = make_det(folder / "det").exported, make_rec(folder / "rec").exported
    finding = ("--det_db_thresh=0.55", "--det_db_box_thresh=0", "--drop_score=0")
    return f"--det_model_dir={det}", f"--rec_model_dir={rec}", "--backend=paddle", *finding


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder of three pages and a file that is none."""
    folder = tmp_path / "pages"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 255, (64, 96, 3), np.uint8))
    (folder / "bad.png").write_bytes(b"no image")
    return folder


def test_one_run_writes_everything(models, pages: Path, tmp_path: Path, capfd) -> None:
    out = tmp_path / "out"
    files = [f"--json={out}/a.json", f"--markdown={out}/a.md", f"--hocr={out}/a.html", f"--draw={out}/pictures"]
    assert main([str(pages), "--text", *files, *models]) == 0
    said = capfd.readouterr()
    assert f"not read: {pages}/bad.png: undecodable" in said.err
    found = json.loads((out / "a.json").read_text(encoding="utf-8"))
    assert [Path(page["input_path"]).name for page in found] == ["0.png", "1.png", "2.png"]
    printed = said.out.split("\f")
    assert len(printed) == 3 and all(set("".join(page["rec_texts"])) for page in found)
    for text, page in zip(printed, found):
        assert sorted(text.split()) == sorted(" ".join(page["rec_texts"]).split())
    assert (out / "a.md").read_text(encoding="utf-8").count("\n---\n") == 2
    assert (out / "a.html").read_text(encoding="utf-8").count("class='ocr_page'") == 3
    pictures = sorted(path.name for path in (out / "pictures").iterdir())
    assert pictures == [f"{number}_ocr_res_img.png" for number in range(3)]


def test_a_searchable_pdf_is_read_again(models, pages: Path, tmp_path: Path, capfd) -> None:
    pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    assert main([str(pages), f"--pdf={tmp_path}/all.pdf", *models]) == 0
    assert capfd.readouterr().out == ""
    assert main([f"{tmp_path}/all.pdf", "--json", "--page_num=2", *models]) == 0
    assert [page["page_index"] for page in json.loads(capfd.readouterr().out)] == [0, 1]


@pytest.mark.slow
def test_several_processes_give_the_same_in_the_same_order(models, pages: Path, capfd) -> None:
    assert main([str(pages), "--json", *models]) == 0
    alone = capfd.readouterr().out
    assert main([str(pages), "--json", "--use_mp=true", "--total_process_num=2", *models]) == 0
    assert capfd.readouterr().out == alone
    assert main([str(pages), "--use_mp=true", *models, "--rec_model_dir=/no/such"]) == 1
    assert "/no/such: no such folder" in capfd.readouterr().err


@pytest.mark.slow
def test_a_worker_that_dies_is_an_error(models, pages: Path) -> None:
    for number in range(3, 200):
        (pages / f"{number}.png").write_bytes((pages / "0.png").read_bytes())
    command = [sys.executable, "-m", "ppocr", "ocr", str(pages), "--json", "--use_mp=true", *models]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stderr is not None
        run.stdout.readline()  # a page was read: the workers are there
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(encoding="ascii").split()
        spawned = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(int(spawned[0]), signal.SIGKILL)
        _, said = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "error: a process that reads pages ended unexpectedly" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--text_det_thresh=0.3"], 2, "it is called --det_db_thresh here"),
        (["--det_db_tresh=0.3"], 2, "did you mean det_db_thresh"),
        (["--json", "--hocr"], 2, "--json and --hocr both go to stdout"),
        (["--json", "page.png"], 2, "--json=page.png would write over a page"),
        (["--use_mlu=true"], 2, "CPU or an NVIDIA GPU"),
        (["--e2e_model_dir=x"], 2, "no end-to-end model"),
        (["--page_num=none"], 2, "invalid int"),
        (["--det_model_dir=/no/such"], 1, "/no/such: no such folder"),
        (["--dpi=-1", "--use_mp=true", "--total_process_num=0"], 2, "total_process_num=0"),
    ],
)
def test_mistakes(models, pages: Path, capfd, arguments: list[str], code: int, says: str) -> None:
    try:
        found = main([str(pages), *models, *arguments])
    except SystemExit as ended:  # argparse's own
        found = int(ended.code or 0)
    assert found == code
    said = capfd.readouterr().err
    assert says in said and "Traceback" not in said


def test_nothing_to_read(models, tmp_path: Path, capfd) -> None:
    assert main([f"{tmp_path}/none.png", *models]) == 1
    (tmp_path / "bad.png").write_bytes(b"no image")
    assert main([f"{tmp_path}/bad.png", *models]) == 1
    assert "none of 1 pages could be read" in capfd.readouterr().err


@pytest.mark.slow
def test_without_models_it_reads_a_page(tmp_path: Path, monkeypatch) -> None:
    fill_cache(tmp_path / "cache", monkeypatch)
    page = write_page(tmp_path / "page.png")
    command = [sys.executable, "-m", "ppocr", "ocr", str(page)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[:2] == FIRST_LINES
