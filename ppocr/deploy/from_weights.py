"""What is done with trained weights: export, and prediction without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ppocr.deploy import report
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.export import export, input_specs
from ppocr.deploy.images import list_images
from ppocr.deploy.inference_config import require_result
from ppocr.deploy.predictor import Prediction, Predictor
from ppocr.engine.device import choose_device, choose_threads
from ppocr.engine.log import set_up_logging
from ppocr.engine.start import trained_task
from ppocr.results import Result

LARGEST_BATCH = 32  # evaluation batches are sized for a GPU


def export_weights(cfg: Any) -> Path:
    """Export the weights the configuration names to `Global.save_inference_dir` and return that folder.

    Without the key, they go to the folder `inference` in `Global.save_model_dir`.

    Raises:
        PpocrError: weights are missing, or the exported model differs; nothing is written then.
    """
    set_up_logging()
    choose_device(cfg.Global, cfg.where("Global.use_gpu"))
    task = trained_task(cfg, "infer")
    folder = Path(cfg.Global.save_inference_dir or Path(cfg.Global.save_model_dir) / "inference")
    export(task, cfg, folder)
    return folder


def trained_predictor(cfg: Any) -> Predictor:
    """Return the predictor of the weights that a configuration names.

    Raises:
        PpocrError: they are missing, damaged, or those of another network.
    """
    choose_device(cfg.Global, cfg.where("Global.use_gpu"))
    choose_threads()
    task = next(iter(trained_task(cfg, "infer").exported().values()))
    assert task.eval_pipeline is not None  # every task has one
    kept = task.model.fixed_size or cfg.Global.infer_resize == "evaluation"
    pipeline = task.eval_pipeline.for_inference() if kept else task.eval_pipeline.for_deployment()
    backend = DygraphBackend(task.model, None)
    return Predictor(pipeline, backend, task.postprocess, inputs=input_specs(pipeline, task.model))


def infer(
    cfg: Any,
    wanted: type[Result] | None = None,
    pictures: str | None = None,
    prefix: str | None = None,
    as_labels: bool = False,
) -> list[Prediction]:
    """Predict `Global.infer_img` (or `Global.infer_list`) with the weights the configuration names.

    Results are printed, and written to `Global.save_res_path`.

    Args:
        cfg: a checked configuration.
        wanted: type of the results; None for any.
        pictures: also write pictures of the results, into this folder beside the results file.
        prefix: of the pictures' names; see `report.write_pictures`.
        as_labels: write lines of a label file.

    Raises:
        PpocrError: the results are of another type, weights are missing, there are no images, or none could be read.
    """
    set_up_logging()
    settings = cfg.Global
    place, scope = cfg.where("PostProcess.name"), cfg.Architecture["model_type"]
    require_result(cfg.PostProcess, wanted, place, "use infer_{}", scope)
    images = list_images(settings.infer_img or "", settings.infer_list)
    predictor = trained_predictor(cfg)
    place = Path(settings.save_res_path or Path(settings.save_model_dir) / "predicts.txt")
    coming = predictor.stream(images, min(cfg.Eval.loader.batch_size_per_card, LARGEST_BATCH))
    as_line = report.label_line if as_labels else report.results_line
    predictions = report.publish(coming, report.print_trained, place, as_line)
    report.warn_of_distorted(predictor, "Global.infer_resize: deployment keeps it")
    report.finish(predictions, place)
    if pictures:
        report.write_pictures(predictions, place.parent / pictures, prefix)
    return predictions
