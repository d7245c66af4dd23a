"""infer_det, export_model and predict_det as users call them: same regions, arguments that win, clear failures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ppocr.config.loader import load_config
from ppocr.deploy import cli_arguments, inference_config, predictor
from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.predictor import Predictor
from ppocr.engine.runs import evaluate_weights, train
from ppocr.engine.start import trained_task
from ppocr.metrics.det import DetMetric
from tests.system.det_project import make_det_project
from tests.tools.commands import run_command

TRAINING = ["Global.epoch_num=16", "Global.eval_batch_epoch=16", "Global.save_epoch_step=1000", "Global.seed=5"]
TRAINING += ["Optimizer.lr.learning_rate=0.001"]


def run(name: str, project, *options: str) -> int:
    """Run a command of the -c kind in this process and return its exit code."""
    return run_command(name, "-c", project.config, "-o", *options)


def predict(*arguments: object) -> int:
    """Run predict_det in this process and return its exit code."""
    return run_command("predict_det", *arguments)


def often_reached(project, weights: list[str]) -> float:
    """Return what three tenths of the pixels of all probability maps exceed, which differs between machines."""
    task = trained_task(load_config(str(project.config), weights), "infer")
    pipeline, network = task.eval_pipeline.for_inference(), DygraphBackend(task.model, ("maps",))
    maps = []
    for path in sorted((project.folder / "images").iterdir()):
        sample = pipeline({"image": path.read_bytes(), "text": "", "label": "", "index": 0})
        maps.append(network.run({"x": sample["image"][None]})["maps"].ravel())
    assert min(np.ptp(one) for one in maps) > 0.05, "the network says the same of every pixel"
    return float(np.quantile(np.concatenate(maps), 0.7))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A detector trained for a few steps, and its export in both program formats.

    It finds regions, but not yet the labelled ones: every second region it finds becomes a label, so that its scores
    lie between 0 and 1 and change with each region.
    """
    made = make_det_project(tmp_path_factory.mktemp("det") / "p")
    train(load_config(str(made.config), TRAINING))
    weights = [f"Global.pretrained_model={made.out}/best_accuracy"]
    weights += [f"PostProcess.thresh={often_reached(made, weights):.3f}", "PostProcess.box_thresh=0.2"]
    exported = {ir: made.folder / f"inference {ir}" for ir in ("new", "old")}
    for ir, folder in exported.items():
        assert run("export_model", made, *weights, f"Global.save_inference_dir={folder}", f"Global.export_ir={ir}") == 0
    results = made.folder / "own.txt"
    assert run("infer_det", made, *weights, f"Global.infer_img={made.folder / 'images'}",
               f"Global.save_res_path={results}") == 0  # fmt: skip
    rows = [row.split("\t") for row in results.read_text(encoding="utf-8").splitlines()]
    half = [f"{Path(path).name}\t{json.dumps(json.loads(regions)[::2])}\n" for path, regions in rows]
    (made.folder / "test.txt").write_text("".join(half), encoding="utf-8")
    return SimpleNamespace(
        **vars(made), out=made.out, weights=weights, exported=exported, images=made.folder / "images"
    )


def results_in(output: str) -> str:
    """Return what was printed without the log lines of commands that ran in this process before."""
    return "".join(f"{row}\n" for row in output.splitlines() if "\t" in row)


def regions_of(lines: str) -> dict[str, list]:
    """Return the corners of each region by file name, from lines of either command."""
    found = {}
    for row in lines.splitlines():
        path, regions = row.split("\t")
        found[Path(path).name] = [r["points"] if isinstance(r, dict) else r for r in json.loads(regions)]
    return found


def test_exported_programs_find_what_the_trained_network_finds(project, capsys) -> None:
    results = project.folder / "predicts_db.txt"
    options = [*project.weights, f"Global.infer_img={project.images}", f"Global.save_res_path={results}"]
    assert run("infer_det", project, *options) == 0
    lines = results.read_text(encoding="utf-8")
    trained = regions_of(lines)
    assert len(trained) == 8 and sum(map(len, trained.values())) >= 16
    assert len({json.dumps(regions) for regions in trained.values()}) >= 6  # not one answer to every page
    first = json.loads(lines.splitlines()[0].split("\t")[1])[0]
    assert list(first) == ["transcription", "points"] and np.shape(first["points"]) == (4, 2)
    pictures = sorted((project.folder / "det_results").iterdir())
    assert len(pictures) == 8 and cv2.imread(str(pictures[0])) is not None
    for ir, folder in project.exported.items():
        place = project.folder / f"results {ir}"
        arguments = [f"--image_dir={project.images}", f"--det_model_dir={folder}", f"--draw_img_save_dir={place}"]
        capsys.readouterr()
        assert predict(*arguments, "--det_algorithm=DB") == 0
        printed = results_in(capsys.readouterr().out)
        assert regions_of(printed) == trained
        assert (place / "det_results.txt").read_text(encoding="utf-8") == printed
        assert len(list(place.glob("det_res_*.jpg"))) == 8
        assert predict(*arguments, "--det_batch_num=4", "--draw=false") == 0
        assert regions_of(results_in(capsys.readouterr().out)) == trained


@pytest.mark.parametrize("ir", ["new", "old"])
def test_exported_maps_are_the_trained_ones(project, ir: str) -> None:
    task = trained_task(load_config(str(project.config), project.weights), "infer")
    trained, exported = DygraphBackend(task.model, ("maps",)), PaddleBackend(project.exported[ir], ("maps",))
    rng = np.random.default_rng(1)
    for batch, height, width in ((1, 64, 160), (3, 96, 32), (2, 160, 128)):
        x = rng.normal(0, 1, (batch, 3, height, width)).astype(np.float32)
        expected, found = trained.run({"x": x})["maps"], exported.run({"x": x})["maps"]
        assert expected.shape == (batch, 1, height, width) and np.ptp(expected) > 0.01
        assert np.abs(expected - found).max() <= 1e-4


OFFICIAL = """
Global: {model_name: PP-OCRv5_mobile_det}
PreProcess:
  transform_ops:
  - DecodeImage: {channel_first: false, img_mode: BGR}
  - DetLabelEncode: null
  - DetResizeForTest: RESIZE
  - NormalizeImage: {mean: [0.485, 0.456, 0.406], order: hwc, scale: 1./255., std: [0.229, 0.224, 0.225]}
  - ToCHWImage: null
  - KeepKeys: {keep_keys: [image, shape, polys, ignore_tags]}
PostProcess: {name: DBPostProcess, thresh: 0.4, box_thresh: 0.4, max_candidates: 1000, unclip_ratio: 1.5}
"""


@pytest.mark.parametrize("resize", ["{resize_long: 160}", "null", "{image_shape: [96, 128]}"])
def test_official_folders_load(project, tmp_path, capsys, caplog, resize: str) -> None:
    for file in project.exported["old"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / inference_config.FILE_NAME).write_text(OFFICIAL.replace("RESIZE", resize), encoding="utf-8")
    image = sorted(project.images.iterdir())[0]
    arguments = [f"--image_dir={image}", f"--det_model_dir={tmp_path}", f"--draw_img_save_dir={tmp_path}/out"]
    with caplog.at_level("INFO"):
        assert predict(*arguments) == 0
    assert list(regions_of(results_in(capsys.readouterr().out))) == [image.name]
    assert "DetLabelEncode makes labels" in caplog.text and "aspect ratio" not in caplog.text
    assert (tmp_path / "out" / f"det_res_{image.name}").is_file()
    with caplog.at_level("INFO"):
        assert predict(*arguments, "--det_limit_side_len=96", "--det_limit_type=max") == 0
    assert "--det_limit_side_len 96 overrules inference.yml" in caplog.text


def test_images_held_are_bounded_by_bytes(project, monkeypatch) -> None:
    images, seen = sorted(map(str, project.images.iterdir())), []
    whole = Predictor.from_folder(project.exported["new"]).predict(images, batch_size=4)
    predict_some = Predictor._predicted

    def predicted(self, chunk, batch_size):
        seen.append(len(chunk.samples))
        return predict_some(self, chunk, batch_size)

    monkeypatch.setattr(Predictor, "_predicted", predicted)
    monkeypatch.setattr(predictor, "CHUNK_BYTES", 400_000)  # two or three pages of 96 x 128 x 3 float32
    parts = Predictor.from_folder(project.exported["new"]).predict(images, batch_size=4)
    assert sum(seen) == 8 and max(seen) <= 3
    assert [p.result.to_json() for p in parts] == [p.result.to_json() for p in whole]


def test_default_cpu_program_runs_with_onednn(project) -> None:
    """The old format runs in a predictor as Paddle makes it; the new one does not (docs/export.md)."""
    images = sorted(map(str, project.images.iterdir()))
    plain = Predictor.from_folder(project.exported["old"]).predict(images)
    fast = Predictor.from_folder(project.exported["old"], RuntimeOptions(mkldnn=True)).predict(images)
    for one, other in zip(plain, fast):
        assert len(one.result) == len(other.result)
        assert all(np.abs(a - b).max() <= 1 for a, b in zip(one.result.points, other.result.points))


def test_evaluation_measures_what_the_exported_model_finds(project) -> None:
    measured = evaluate_weights(load_config(str(project.config), project.weights))
    predictions = Predictor.from_folder(project.exported["new"]).predict(sorted(map(str, project.images.iterdir())))
    metric = DetMetric()
    rows = dict(row.split("\t") for row in (project.folder / "test.txt").read_text(encoding="utf-8").splitlines())
    for prediction in predictions:
        labels = json.loads(rows[Path(prediction.source).name])
        polys = np.array([region["points"] for region in labels], np.float32).reshape(-1, 4, 2)
        metric([prediction.result], {"polys": [polys], "ignore_tags": [np.zeros(len(polys), bool)]})
    found = metric.get_metric()
    assert found["matched"] > 0 and 0 < found["hmean"] < 1
    assert {k: found[k] for k in ("precision", "recall", "hmean")} == pytest.approx(
        {k: measured.metrics[k] for k in ("precision", "recall", "hmean")}
    )


def test_evaluation_is_the_same_at_any_batch_size(project) -> None:
    one, four = (
        evaluate_weights(
            load_config(str(project.config), [*project.weights, f"Eval.loader.batch_size_per_card={size}"])
        )
        for size in (1, 4)
    )
    assert one.metrics == pytest.approx(four.metrics) and one.metrics["matched"] > 0 and one.used == four.used == 8


def test_arguments_win_over_the_file_and_are_logged(project, caplog) -> None:
    given = ["--image_dir=x", f"--det_model_dir={project.exported['new']}", "--det_limit_side_len=320"]
    given += ["--det_limit_type=max", "--det_db_thresh=0.2", "--det_db_unclip_ratio=1.5", "--use_dilation=true"]
    with caplog.at_level("INFO"):
        parser = cli_arguments.make_parser("det", "", 1)
        given += ["--det_box_type=poly", "--det_db_score_mode=slow"]
        config = cli_arguments.parse(parser, "det", given)[1]
    (resize,) = [t["DetResizeForTest"] for t in config.transforms if "DetResizeForTest" in t]
    assert resize == {"limit_side_len": 320, "limit_type": "max"}
    wanted = {"thresh": 0.2, "unclip_ratio": 1.5, "use_dilation": True, "box_type": "poly", "score_mode": "slow"}
    assert {k: config.postprocess[k] for k in wanted} == wanted
    assert "--det_db_thresh 0.2 overrules inference.yml" in caplog.text
    assert "--det_db_unclip_ratio" not in caplog.text  # the file says the same


def test_folder_that_says_nothing_about_itself(project, tmp_path, caplog, capsys) -> None:
    for file in project.exported["new"].iterdir():
        if file.name != inference_config.FILE_NAME:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    arguments = [f"--image_dir={project.images}", f"--det_model_dir={tmp_path}", "--draw=false"]
    with caplog.at_level("INFO"):
        assert predict(*arguments, f"--save_res_path={tmp_path}/r.txt") == 0
    assert "has no inference.yml" in caplog.text and len(regions_of(results_in(capsys.readouterr().out))) == 8


def test_large_images_are_bounded_and_the_others_still_read(project, tmp_path, caplog) -> None:
    for name, shape in (("a long.png", (40, 20_000, 3)), ("b.png", (64, 96, 3))):
        cv2.imwrite(str(tmp_path / name), np.full(shape, 255, np.uint8))
    bomb = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "c bomb.png").write_bytes(bytes(bomb))
    config = inference_config.load(project.exported["new"])
    config.transforms[1] = {"DetResizeForTest": {"limit_side_len": 96, "limit_type": "min", "max_side_limit": 640}}
    found = Predictor.from_folder(project.exported["new"], config=config).predict(sorted(map(str, tmp_path.iterdir())))
    assert [p.problem.reason if p.problem else None for p in found] == [None, None, "too_large"]
    assert "shrunk from 20000 x 40 to 640 x 32" in caplog.text


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--det_db_tresh=0.3"], "--det_db_tresh=0.3: unknown argument, did you mean det_db_thresh"),
        (["--det_db_thresh=3"], "DBPostProcess.thresh: expected a number of at least 0 and at most 1, got a float 3.0"),
        (["--image_dir=/no/such/folder"], "/no/such/folder: no such image or folder"),
        (["--det_model_dir=/no/such/model"], "/no/such/model"),
    ],
)
def test_mistakes_are_named_in_one_line(project, capsys, arguments: list[str], said: str) -> None:
    given = {"--image_dir": str(project.images), "--det_model_dir": str(project.exported["new"])}
    given.update(argument.split("=") for argument in arguments)
    assert predict(*(f"{k}={v}" for k, v in given.items())) != 0
    errors = [row for row in capsys.readouterr().err.splitlines() if row.startswith("error")]
    assert len(errors) == 1 and said in errors[0]


def test_contact_sheet_scores_what_evaluation_scores(project, capsys) -> None:
    measured = evaluate_weights(load_config(str(project.config), project.weights)).metrics
    out = project.folder / "sheet.png"
    arguments = [f"--det_model_dir={project.exported['new']}", f"--label_file={project.folder / 'test.txt'}"]
    assert run_command("contact_sheet", *arguments, f"--data_dir={project.images}", f"--out={out}") == 0
    assert f"8 images: hmean {measured['hmean']:.4f}" in capsys.readouterr().out
    assert cv2.imread(str(out)).shape[1] == 3 * 640
