"""The predictor: the pixels of evaluation, results that depend on one image alone, and bad images counted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.build import build_task
from ppocr.data.loader import build_loader
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.cli_arguments import overrule
from ppocr.deploy.export import export
from ppocr.deploy.inference_config import FILE_NAME, load
from ppocr.deploy.long_lines import cut, joined
from ppocr.deploy.predictor import WIDEST, Predictor, batches_of_equal_size
from ppocr.engine.evaluator import evaluate
from ppocr.errors import ConfigError, SampleError
from tests.deploy.parts import image, small_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A recogniser and its export."""
    made = small_project(tmp_path_factory.mktemp("project") / "p")
    made.folder = made.config_path.parent / "exported"
    export(made.task, made.cfg, made.folder)
    return made


def copy_of(project, tmp_path):
    """Return a copy of the exported folder that a test may damage."""
    for path in project.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_same_pixels(project):
    evaluation = project.task.eval_pipeline
    deployed = load(project.folder).pipeline("evaluation")
    for path in project.images:
        sample = {"image": path.read_bytes(), "text": "ab", "label": "ab", "index": 0}
        expected = evaluation(dict(sample))["image"]
        assert np.array_equal(evaluation.for_inference()(dict(sample))["image"], expected)
        found = deployed(dict(sample))["image"]
        assert found.dtype == expected.dtype and np.array_equal(found, expected)


def test_exported_folder_reads_as_the_trained_model_does(project):
    in_memory = Predictor(
        project.task.eval_pipeline.for_inference(), DygraphBackend(project.task.model), project.task.postprocess
    )
    expected = [p.result for p in in_memory.predict(project.images, 3)]
    found = Predictor.from_folder(project.folder, resize="evaluation").predict(project.images, 3)
    assert len({each.text for each in expected}) > 1, "the test needs different texts"
    assert [p.source for p in found] == [str(p) for p in project.images]
    assert [p.result.text for p in found] == [each.text for each in expected]
    assert np.allclose([p.result.confidence for p in found], [each.confidence for each in expected], atol=1e-4)


def test_the_metric_of_evaluation_is_that_of_the_exported_model(project):
    predictor = Predictor.from_folder(project.folder, resize="evaluation")
    results = [p.result for p in predictor.predict(project.images, 2)]
    labels = [found.text if number % 2 else "0a" for number, found in enumerate(results)]
    lines = "".join(f"{path.name}\t{label}\n" for path, label in zip(project.images, labels))
    (project.config_path.parent / "labels.txt").write_text(lines, encoding="utf-8")
    task = build_task(project.cfg, "eval")
    task.model.set_state_dict(project.task.model.state_dict())
    loader = build_loader(project.cfg.Eval, task.eval_pipeline, mode="eval", seed=0, rank=0, world_size=1)
    evaluated = evaluate(task, loader).metrics
    task.metric.reset()
    task.metric(results, {"text": labels})
    predicted = task.metric.get_metric()
    assert 0 < evaluated["acc"] < 1
    for name in ("acc", "norm_edit_dis"):
        assert evaluated[name] == pytest.approx(predicted[name], abs=1e-9)


@pytest.mark.parametrize("free", [False, True])
def test_a_result_depends_on_its_image_alone(project, free):
    predictor = Predictor.from_folder(project.folder, resize="deployment" if free else "evaluation")
    images = [image(32, width, width) for width in (30, 200, 100, 100, 200, 64, 333)]
    alone = [predictor.predict([one], 1)[0].result for one in images]
    for size in (2, 8):
        together = [p.result for p in predictor.predict(images, size)]
        assert [r.text for r in together] == [r.text for r in alone]
        assert np.allclose([r.confidence for r in together], [r.confidence for r in alone], atol=1e-5)
    assert (predictor.distorted > 0) is not free


def test_a_free_width_changes_long_lines_only(project):
    config = load(project.folder)
    overruled = load(project.folder)
    overrule(overruled, "rec", {"rec_image_shape": [3, 32, -1]})
    for width, same in ((60, True), (100, True), (180, False)):
        sample = {"image": image(32, width), "text": "", "label": "", "index": 0}
        fixed_pixels = config.pipeline("evaluation")(dict(sample))["image"]
        for free in (config.pipeline(), overruled.pipeline(), overruled.pipeline("evaluation")):
            assert np.array_equal(fixed_pixels, free(dict(sample))["image"]) is same


def test_paths_bytes_and_pixels_read_alike(project):
    predictor = Predictor.from_folder(project.folder)
    path = project.images[1]
    forms = [path, str(path), path.read_bytes(), cv2.imread(str(path))]
    results = [p.result for p in predictor.predict(forms)]
    assert results == [results[0]] * 4


def test_bad_images_are_reported_in_place(project, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"not an image")
    images = [
        tmp_path / "missing.png",
        project.images[0],
        tmp_path / "empty.png",
        tmp_path / "text.png",
        np.zeros((4, 4, 7), np.uint8),
        project.images[1],
    ]
    found = Predictor.from_folder(project.folder).predict(images)
    assert [p.problem.reason if p.problem else "" for p in found] == [
        "missing_file", "", "empty_file", "undecodable", "undecodable", "",
    ]  # fmt: skip
    assert all((p.result is None) == (p.problem is not None) for p in found)


def test_an_endless_line_is_refused_where_widths_are_free(project):
    found = Predictor.from_folder(project.folder).predict([np.zeros((1, 7000, 3), np.uint8)])
    assert found[0].problem.reason == "too_wide"


def test_a_line_longer_than_the_network_takes_is_read_in_pieces(project):
    predictor = Predictor.from_folder(project.folder)
    line = np.concatenate([image(32, 90, seed) for seed in range(80)], axis=1)
    pieces = cut(line, WIDEST)
    assert len(pieces) == 3
    parts = [p.result for p in predictor.predict([line[:, piece.start : piece.end] for piece in pieces])]
    _, found, again = predictor.predict([line[:, :64], line, cv2.imencode(".png", line)[1].tobytes()])
    assert found.result.text == joined(pieces, parts).text != "" and again.result.text == found.result.text
    assert found.result.confidence == pytest.approx(joined(pieces, parts).confidence, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("  - '7'\n", ""), "classes"),
        (("      - 32\n", "      - 48\n"), r"\[3, 48, -1\] \(C, H, W\), the network takes \[3, 32, -1\]"),
        (("outputs:\n  - ctc", "outputs:\n  - sar"), "reads"),
        (("key: image", "key: picture"), "picture"),
    ],
)
def test_a_tampered_inference_yml_is_found_before_any_image(project, tmp_path, change, message):
    folder = copy_of(project, tmp_path)
    text = (folder / FILE_NAME).read_text(encoding="utf-8").split("  sha256:")[0]  # as another program writes it
    assert change[0] in text
    (folder / FILE_NAME).write_text(text.replace(change[0], change[1], 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        Predictor.from_folder(folder)


def test_the_batch_size_must_be_positive(project):
    with pytest.raises(ConfigError, match="batch size 0"):
        Predictor.from_folder(project.folder).predict([], 0)


def test_batches_hold_images_of_one_size():
    samples = {n: {"image": np.zeros((3, 32, width))} for n, width in enumerate([64, 32, 64, 32, 32, 96])}
    assert list(batches_of_equal_size(samples, 2)) == [[1, 3], [4], [0, 2], [5]]


def sized(width: int, specs: dict) -> Predictor:
    """Return a predictor without a network, for lines of a height of 32 and a width."""
    shape = {"RecResizeImg": {"image_shape": [3, 32, 100], **specs}}
    pipeline = Pipeline.from_config([{"DecodeImage": None}, shape], {}).for_inference()
    pipeline.output_shape = lambda: (3, 32, width)
    return Predictor(pipeline, None, None)


@pytest.mark.parametrize(("columns", "refused"), [(400, False), (401, True), (799, True)])
def test_a_free_width_ends_at_3200_pixels(columns: int, refused: bool) -> None:
    line = np.zeros((4, columns, 3), np.uint8)
    if refused:
        with pytest.raises(SampleError, match="too_wide"):
            sized(-1, {})._check_width(line)
    else:
        sized(-1, {})._check_width(line)


@pytest.mark.parametrize(("columns", "distorted"), [(99, 0), (100, 0), (101, 1)])
def test_a_line_as_wide_as_the_network_takes_is_not_counted_as_distorted(columns: int, distorted: int) -> None:
    predictor = sized(100, {})
    assert predictor.pipeline.frees_width
    predictor._check_width(np.zeros((32, columns, 3), np.uint8))
    assert predictor.distorted == distorted
