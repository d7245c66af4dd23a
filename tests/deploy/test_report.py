"""Results show themselves, whatever they are; pictures of many images overwrite neither each other nor the images."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.deploy import report
from ppocr.deploy.predictor import Prediction
from ppocr.deploy.trial_inputs import trial_sizes
from ppocr.results import KINDS, Classification, Detection, Recognition, Result

DEPLOY = Path(report.__file__).parent
BOX = np.array([[4, 4], [40, 4], [40, 20], [4, 20]])
FOUND, NOTHING = Detection([BOX], np.ones(1, np.float32)), Detection([], np.zeros(0, np.float32))


def grey(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.full((32, 64, 3), 200, np.uint8))[1].tobytes())
    return str(path)


class Mark(Result):
    """A result that report.py has never heard of."""

    def to_json(self) -> str:
        return "42"

    def to_line(self) -> str:
        return "4\t2"

    def draw_on(self, image: np.ndarray) -> np.ndarray:
        return np.zeros_like(image)


@pytest.mark.parametrize(
    ("result", "line", "printed"),
    [
        (Recognition("joint", 0.9998967051506042), "joint\t0.9998967", "('joint', 0.9998967)"),
        (Recognition("a\tb", 0.5), "a\\tb\t0.5", "('a\\tb', 0.5)"),
        (Classification("180", 1.0), "180\t1.0", "('180', 1.0)"),
        (FOUND, json.dumps([BOX.tolist()]), json.dumps([{"transcription": "", "points": BOX.tolist()}])),
        (NOTHING, "[]", "[]"),
        (Mark(), "4\t2", "42"),
    ],
)
def test_lines_of_each_kind_of_result(result: Result, line: str, printed: str) -> None:
    prediction = Prediction("x/a.png", result)
    assert report.results_line(prediction) == f"x/a.png\t{line}"
    assert report.named_line(prediction) == f"a.png\t{line}"
    assert report.label_line(prediction) == f"x/a.png\t{result.to_json()}"
    assert report.predicts_line(prediction) == f"Predicts of x/a.png:{printed}"


def test_a_result_of_a_new_kind_is_drawn_by_itself(tmp_path) -> None:
    report.write_pictures([Prediction(grey(tmp_path / "a.png"), Mark())], tmp_path / "out", prefix="")
    assert cv2.imread(str(tmp_path / "out" / "a.png")).max() == 0


def test_pictures_of_images_of_one_name_are_all_kept(tmp_path) -> None:
    names = ("a.jpg", "a.png", "s/a.jpg", "t/a.jpg", "scan.tif")
    sources = [grey(tmp_path / "in" / name) for name in names]
    predictions = [Prediction(s, r) for s, r in zip(sources, (FOUND, NOTHING, FOUND, FOUND, FOUND))]
    report.write_pictures(predictions, tmp_path / "out", prefix="det_res_")
    found = sorted(p.name for p in (tmp_path / "out").iterdir())
    ours = ["a.jpg", "a.png", "a_2.jpg", "a_3.jpg", "scan.tif.png"]
    assert found == [f"det_res_{name}" for name in ours]
    assert all(cv2.imread(str(tmp_path / "out" / name)).shape == (32, 64, 3) for name in found)


def test_no_picture_is_written_over_an_image(tmp_path) -> None:
    source = grey(tmp_path / "a.png")
    before = Path(source).read_bytes()
    report.write_pictures([Prediction(source, FOUND)], tmp_path, prefix="")
    assert Path(source).read_bytes() == before and (tmp_path / "a_2.png").is_file()


def test_the_cap_on_pixels_is_that_of_the_prediction(tmp_path, monkeypatch) -> None:
    asked = []
    real = report.decode_image
    monkeypatch.setattr(report, "decode_image", lambda data, **given: asked.append(given) or real(data, **given))
    report.write_pictures([Prediction(grey(tmp_path / "a.png"), FOUND)], tmp_path / "out", prefix="")
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
    classes = {cls.__name__ for cls in (*KINDS.values(), Result)}
    found = []
    for path in (*DEPLOY.glob("*.py"), *(DEPLOY.parents[1] / "tools").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                found += [path.name for name in ast.walk(node.args[1]) if getattr(name, "id", "") in classes]
    assert not found
