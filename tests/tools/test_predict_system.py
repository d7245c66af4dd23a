"""predict_system, and what scripts import from tools.infer: arguments, results and files as users know them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.deploy.kinds import make_cls, make_det, make_rec
from tests.system.project import ROOT
from tests.tools.commands import run_command
from tools.infer import utility
from tools.infer.predict_system import TextSystem

FINDING = ("--det_db_thresh=0.55", "--det_db_box_thresh=0", "--drop_score=0")  # for a detector of random weights


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The arguments of a detector, a recogniser and a classifier of random weights."""
    folder = tmp_path_factory.mktemp("models")
    made = {"det": make_det, "rec": make_rec, "cls": make_cls}
    return *(f"--{kind}_model_dir={make(folder / kind).exported}" for kind, make in made.items()), *FINDING


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder of a page and of a TIFF of two."""
    folder = tmp_path / "pages"
    folder.mkdir()
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(3)]
    cv2.imwrite(str(folder / "a.png"), images[0])
    first, second = (Image.fromarray(image) for image in images[1:])
    first.save(folder / "b.tiff", save_all=True, append_images=[second])
    return folder


def test_the_command_prints_and_writes_what_users_know(models, pages: Path, tmp_path: Path, capfd) -> None:
    out, crops = tmp_path / "out", tmp_path / "crops"
    given = [f"--image_dir={pages}", f"--draw_img_save_dir={out}", "--use_angle_cls=true", "--warmup=true"]
    crop = ["--save_crop_res=true", f"--crop_res_save_dir={crops}"]
    harmless = ["--show_log=True", "--det_algorithm=DB", "--ir_optim=true", "--max_batch_size=10", "--use_xpu=False"]
    assert run_command("predict_system", *given, *crop, *harmless, *models) == 0
    printed = capfd.readouterr().out.splitlines()
    rows = (out / "system_results.txt").read_text(encoding="utf-8").splitlines()
    assert [row.split("\t")[0] for row in rows] == ["a.png", "b.tiff_0", "b.tiff_1"]
    lines = [line for row in rows for line in json.loads(row.split("\t")[1])]
    assert [text.rsplit(", ", 1)[0] for text in printed] == [line["transcription"] for line in lines]
    assert all(len(line["points"]) == 4 for line in lines)
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b_0.png", "b_1.png", "system_results.txt"]
    assert len(list(crops.iterdir())) == len(lines)


def test_text_system_as_scripts_call_it(models, pages: Path, tmp_path: Path) -> None:
    image = cv2.imread(str(pages / "a.png"))
    args = utility.parse_args([*models, "--use_angle_cls=true"])
    system = TextSystem(args)
    boxes, texts, times = system(image)
    assert len(boxes) == len(texts) > 0 and boxes[0].shape == (4, 2) and boxes[0].dtype == np.float32
    assert all(isinstance(text, str) and 0 <= score <= 1 for text, score in texts)
    assert set(times) == {"det", "cls", "rec", "all"} and times["all"] >= times["det"] > 0 and times["cls"] > 0
    assert system.use_angle_cls and system(image, cls=False)[2]["cls"] == 0
    crop = utility.get_rotate_crop_image(image, boxes[0])
    assert crop.ndim == 3 and crop.dtype == np.uint8
    scores = [score for _, score in texts]
    drawn = utility.draw_ocr_box_txt(
        Image.fromarray(image[:, :, ::-1]), boxes, [text for text, _ in texts], scores, drop_score=0
    )
    assert drawn.shape == (64, 192, 3) and (drawn[:, 96:] < 255).any()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--use_npu=true"], 2, "--use_npu=true: not supported: models run on the CPU"),
        (["--det_pse_thresh=0.5"], 2, "not part of this package"),
        (["--e2e_model_dir=x"], 2, "no end-to-end model"),
        (["--sr_model_dir=x"], 2, "no super-resolution model"),
        (["--max_text_length=40"], 2, "the network's own length counts"),
        (["--benchmark=true"], 2, "see benchmarks/"),
        (["--vis_font_path=/no/font.ttf"], 1, "/no/font.ttf: no such font"),
        (["--image_dir="], 2, "--image_dir is not given"),
        (["--use_onnx=true", "--use_openvino=true"], 2, "choose different engines"),
        (["--image_dir=/no/such"], 1, "/no/such: no such image or folder"),
    ],
)
def test_mistakes(models, pages: Path, tmp_path: Path, capfd, arguments, code: int, says: str) -> None:
    given = [f"--image_dir={pages}", f"--draw_img_save_dir={tmp_path}/out", *models, *arguments]
    assert run_command("predict_system", *given) == code
    said = capfd.readouterr().err
    assert says in said and "Traceback" not in said and not (tmp_path / "out").exists()


def test_a_command_of_one_model_refuses_what_it_does_not_do(models, pages: Path, tmp_path: Path, capfd) -> None:
    det = [f"--image_dir={pages}/a.png", models[0], f"--draw_img_save_dir={tmp_path}/out"]
    default = ["--use_angle_cls=false", "--use_mp=False", "--total_process_num=1", "--precision=fp32", "--warmup=true"]
    assert run_command("predict_det", *det, *default) == 0
    for change in ("--use_mp=true", "--use_angle_cls=true", "--use_gcu=true", "--page_num=3"):
        assert run_command("predict_det", *det, change) == 2
        assert "not supported" in capfd.readouterr().err


def test_a_recogniser_command_refuses_a_detector_without_settings(models, pages: Path, tmp_path: Path, capfd) -> None:
    exported = Path(models[0].partition("=")[2])
    for path in exported.iterdir():
        if path.suffix != ".yml":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    shape = ["--rec_image_shape=3,32,320", "--rec_char_dict_path=ppocr/utils/ppocr_keys_v1.txt"]
    given = [f"--image_dir={pages}/a.png", f"--rec_model_dir={tmp_path}", *shape]
    assert run_command("predict_rec", *given) == 2
    assert "is it a model of another task?" in capfd.readouterr().err


@pytest.mark.slow
def test_from_the_root_as_a_script_and_as_a_module(models, pages: Path, tmp_path: Path) -> None:
    given = [f"--image_dir={pages}", f"--draw_img_save_dir={tmp_path}/out", *models, "--use_mp=true"]
    command = [sys.executable, "tools/infer/predict_system.py", *given, "--total_process_num=2"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    rows = (tmp_path / "out" / "system_results.txt").read_text(encoding="utf-8").splitlines()
    assert [row.split("\t")[0] for row in rows] == ["a.png", "b.tiff_0", "b.tiff_1"]
    code = "import tools.infer.utility as utility; print(utility.init_args().parse_args([]).det_limit_side_len)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "None"
