"""The one place where the parts meet: a configuration becomes a Task, its codecs and keys wired."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import paddle
from paddle import nn

from ppocr.codecs.context import Codecs
from ppocr.config.contracts import check_batch_memory, check_contracts
from ppocr.config.schema import Config
from ppocr.config.sections import DataSection
from ppocr.data.transforms.base import Context, Pipeline
from ppocr.errors import ConfigError
from ppocr.failures import inside, located, running
from ppocr.modeling.architectures import build_model
from ppocr.registry import DATASETS, LOSSES, METRICS, POSTPROCESSES
from ppocr.task import Task

logger = logging.getLogger("ppocr")


def build_task(cfg: Config, mode: str) -> Task:
    """Build everything a command needs to run a configuration.

    Args:
        cfg: a checked configuration.
        mode: "train", "eval" or "infer"; decides which parts exist: the loss only in training, the
            metric not in inference.

    Raises:
        ConfigError: parts that cannot be built, or do not fit together; names their sections.
    """
    with located(cfg.where):
        return _build_task(cfg, mode)


def _build_task(cfg: Config, mode: str) -> Task:
    train_transforms = _transforms(cfg.Train, "Train", "training needs it") if mode == "train" else None
    eval_transforms = _transforms(cfg.Eval, "Eval", "its transforms say how images are prepared")
    shared = global_values(cfg)
    scope = cfg.Architecture["model_type"]
    codecs = Codecs(shared).within(cfg.PostProcess)
    with inside("PostProcess"):
        postprocess = build_postprocess(cfg, codecs)
    codecs.decoder = postprocess.codec
    for line in codecs.decoder.warnings if codecs.decoder is not None and mode != "infer" else ():
        logger.warning(line)
    model = build_model(cfg.Architecture, codecs)
    with inside("Loss"):
        loss = LOSSES.build(cfg.Loss, scope, codecs) if mode == "train" else None
    with inside("Metric"):
        metric = METRICS.build(cfg.Metric, scope) if mode != "infer" else None
    train = None
    if train_transforms is not None:
        with inside("Train.dataset.transforms"):
            train = Pipeline.from_config(train_transforms, shared, codecs)
    with inside("Eval.dataset.transforms"):
        evaluation = Pipeline.from_config(eval_transforms, shared, codecs).for_evaluation()
    check_contracts(
        train,
        evaluation,
        network=model,
        loss=loss,
        postprocess=postprocess,
        metric=metric,
    )
    for pipeline, name, section in ((train, "Train", cfg.Train), (evaluation, "Eval", cfg.Eval)):
        if pipeline is not None and section is not None and mode != "infer":
            check_batch_memory(pipeline, name, section.loader.batch_size_per_card)
    if train is not None:
        warn_of_heights(train, evaluation)
    task = Task(model, postprocess, loss=loss, metric=metric, train_pipeline=train, eval_pipeline=evaluation)
    if train is not None:
        with running(task.parts(), cfg.where):
            task.train_pipeline = compiled_for(train, model, postprocess.requires, evaluation.output_shape())
    return task


def warn_of_heights(train: Pipeline, evaluation: Pipeline) -> None:
    """Warn where lines are evaluated, and later predicted, at another height than they are trained at.

    Pages have any size: their preprocessing makes sides multiples of a number.
    """
    heights = train.output_shape()[-2], evaluation.output_shape()[-2]
    if min(heights) > 0 and heights[0] != heights[1] and evaluation.size_multiple == 1:
        logger.warning(
            f"Train.dataset.transforms make images {heights[0]} pixels high and Eval.dataset.transforms {heights[1]}: "
            "evaluation and the exported model see another size of text than training; give both resizes one height"
        )


def _transforms(section: DataSection | None, name: str, reason: str) -> list[Any]:
    """Return the transform list of a data section, with what its data set adds; ConfigError without the section."""
    if section is None:
        raise ConfigError(f"{name}: the section is missing; {reason}")
    dataset = section.dataset
    complete = getattr(DATASETS.get(dataset["name"]), "complete_transforms", None)
    return complete(dataset["transforms"], dataset, section.sampler) if complete else dataset["transforms"]


def global_values(cfg: Config) -> dict[str, Any]:
    """Return the `Global` values that parts may take over, without those left unset."""
    return {k: v for k, v in dataclasses.asdict(cfg.Global).items() if v is not None}


def build_postprocess(cfg: Config, codecs: Codecs) -> Any:
    """Build the post-processing with the keys of its section and those of `Global` that it takes over."""
    scope, shared = cfg.Architecture["model_type"], global_values(cfg)
    wanted = getattr(POSTPROCESSES.get(cfg.PostProcess["name"], scope), "from_global", ())
    return POSTPROCESSES.build(cfg.PostProcess, scope, codecs, **{k: shared[k] for k in wanted if k in shared})


def compiled_for(pipeline: Pipeline, model: nn.Layer, keys: tuple[str, ...], usual: tuple[int, ...] = ()) -> Pipeline:
    """Return a training pipeline that knows the time steps the network predicts, so that it refuses what cannot fit.

    CTC cannot align a label that needs more steps than there are, and its loss is silently zero there. Nothing is
    known when the width varies or the predictions have no time axis.

    Args:
        pipeline: whose images the network takes.
        model: the network.
        keys: the predictions to look at, the first that has a time axis counts.
        usual: shape of the images of evaluation, measured where only the height of those of training varies.
    """
    shape = pipeline.output_shape()
    if usual and shape[-2] < 1 and shape[-1] == usual[-1]:
        shape = usual
    if not any(t.wants_time_steps for t in pipeline.transforms) or min(shape) < 1:
        return pipeline
    was_training = model.training
    model.eval()
    with paddle.no_grad():
        preds = model(paddle.zeros([1, *shape]))
    if was_training:
        model.train()
    steps = next((preds[key].shape[1] for key in keys if key in preds and preds[key].ndim == 3), None)
    if steps is None:
        return pipeline
    return Pipeline(pipeline.transforms, Context(time_steps=steps, pixels_per_step=shape[-1] / steps))
