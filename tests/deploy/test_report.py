"""Results show themselves, whatever they are; pictures of many images overwrite neither each other nor the images."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.deploy import report
from ppocr.deploy.export import trial_sizes
from ppocr.deploy.predictor import Prediction
from ppocr.postprocess.results import Detection

DEPLOY = Path(report.__file__).parent
BOX = np.array([[4, 4], [40, 4], [40, 20], [4, 20]])
FOUND, NOTHING = Detection([BOX], np.ones(1, np.float32)), Detection([], np.zeros(0, np.float32))


def grey(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.full((32, 64, 3), 200, np.uint8))[1].tobytes())
    return str(path)


class Mark:
    """A result that report.py has never heard of."""

    def to_json(self) -> str:
        return "42"

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        return np.zeros_like(image)


def test_lines_of_each_kind_of_result() -> None:
    assert report.line(Prediction("a.png", ("joint", 0.5))) == "a.png\tjoint\t0.5"
    path, regions = report.line(Prediction("a.png", FOUND)).split("\t")
    assert json.loads(regions) == [{"transcription": "", "points": BOX.tolist()}]
    assert report.line(Prediction("a.png", NOTHING)) == "a.png\t[]"
    assert report.points_line(Prediction("x/a.png", FOUND)) == f"a.png\t{json.dumps([BOX.tolist()])}"
    assert report.line(Prediction("a.png", Mark())) == "a.png\t42"


def test_a_result_of_a_new_kind_is_drawn_by_itself(tmp_path) -> None:
    report.draw([Prediction(grey(tmp_path / "a.png"), Mark())], tmp_path / "out", prefix="")
    assert cv2.imread(str(tmp_path / "out" / "a.png")).max() == 0


def test_pictures_of_images_of_one_name_are_all_kept(tmp_path) -> None:
    names = ("a.jpg", "a.png", "s/a.jpg", "t/a.jpg", "scan.tif")
    sources = [grey(tmp_path / "in" / name) for name in names]
    predictions = [Prediction(s, r) for s, r in zip(sources, (FOUND, NOTHING, FOUND, FOUND, FOUND))]
    report.draw(predictions, tmp_path / "out", prefix="det_res_")
    found = sorted(p.name for p in (tmp_path / "out").iterdir())
    ours = ["a.jpg", "a.png", "a_2.jpg", "a_3.jpg", "scan.tif.png"]
    assert found == [f"det_res_{name}" for name in ours]
    assert all(cv2.imread(str(tmp_path / "out" / name)).shape == (32, 64, 3) for name in found)


def test_no_picture_is_written_over_an_image(tmp_path) -> None:
    source = grey(tmp_path / "a.png")
    before = Path(source).read_bytes()
    report.draw([Prediction(source, FOUND)], tmp_path, prefix="")
    assert Path(source).read_bytes() == before and (tmp_path / "a_2.png").is_file()


def test_the_cap_on_pixels_is_that_of_the_prediction(tmp_path, monkeypatch) -> None:
    asked = []
    real = report.decode_image
    monkeypatch.setattr(report, "decode_image", lambda data, **given: asked.append(given) or real(data, **given))
    report.draw([Prediction(grey(tmp_path / "a.png"), FOUND)], tmp_path / "out", prefix="")
    assert asked == [{"max_pixels": None}]


@pytest.mark.parametrize("multiple", [1, 8, 32, 64, 96, 128, 512])
def test_exports_are_tried_with_sizes_the_network_takes(multiple: int) -> None:
    sizes = trial_sizes((-1, 3, -1, -1), multiple)
    assert {batch for batch, _, _ in sizes} == {1, 3}
    assert all(height >= multiple and height % multiple == width % multiple == 0 for _, height, width in sizes)
    assert trial_sizes((-1, 3, 32, 100), multiple) == [
        (1, None, None),
        (3, None, None),
        (1, None, None),
        (3, None, None),
    ]


def test_nothing_in_deployment_asks_for_the_class_of_a_result() -> None:
    found = []
    for path in (*DEPLOY.glob("*.py"), *(DEPLOY.parents[1] / "tools").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                found += [path.name for name in ast.walk(node.args[1]) if getattr(name, "id", "") == "Detection"]
    assert not found
