"""Checking, before anything heavy starts, that each part gets the keys it needs from the parts before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ppocr.codecs.context import option_parameters
from ppocr.config.sections import GlobalSection
from ppocr.data.transforms.base import ALWAYS_KEPT, Pipeline
from ppocr.declarations import check_made
from ppocr.errors import ConfigError, Problem
from ppocr.registry import LOSSES, METRICS, POSTPROCESSES, TRANSFORMS
from ppocr.suggestions import did_you_mean
from ppocr.utils.memory import available_bytes

_FLOAT_BYTES = 4
FROM_DATASET = ("image", "label", "img_path", *ALWAYS_KEPT)


def check_contracts(
    train: Pipeline | None,
    evaluation: Pipeline | None,
    *,
    network: Any = None,
    loss: Any = None,
    postprocess: Any = None,
    metric: Any = None,
) -> None:
    """Check the chain of needs and provides.

    Args:
        train: transforms of `Train`; its batches feed the loss and the head.
        evaluation: transforms of `Eval`; its batches feed the post-processing and the metric.
        network: an `Architecture`.
        loss: declares `requires`, `needs`.
        postprocess: declares `requires`, `needs`, `codec`.
        metric: declares `needs` and `result`, the type of what it measures, as the post-processing does.

    Raises:
        ConfigError: naming each missing key, who needs it, the keys provided, and the likely fix.
    """
    problems: list[Problem] = []
    made = ((loss, LOSSES, "Loss"), (postprocess, POSTPROCESSES, "PostProcess"), (metric, METRICS, "Metric"))
    for part, registry, section in made:
        _check_made(part, registry.base, section, problems)
    parts = {} if network is None else {k: part for k, part in network.parts().items() if part is not None}
    for model in () if network is None else network.models().values():
        bases = {id(part): model.part_sections[section].base for section, part in model.parts().items()}
        for section, part in parts.items():
            _check_made(part, bases.get(id(part)), f"Architecture.{section}", problems)
    outputs = _names(network, "outputs")
    last = network and network.last_part
    readers = {
        "Train": [(loss, _names(loss, "needs")), (last, _names(network, "targets"))],
        "Eval": [(part, _names(part, "needs")) for part in (postprocess, metric)],
    }
    pipelines = {name: pipeline for name, pipeline in (("Train", train), ("Eval", evaluation)) if pipeline is not None}
    for name, pipeline in pipelines.items():
        _check_sides(pipeline, parts.values(), f"{name}.dataset.transforms", problems)
    for name, pipeline in pipelines.items():
        section = f"{name}.dataset.transforms"
        batch, dropped = provided(pipeline, section, problems)
        needed = [(network, _image_key(network, batch)), *readers[name], (last, _names(network, "inputs"))]
        for part, keys in needed:
            for key in keys:
                if key not in batch:
                    problems.append(_missing(key, part, batch, section, "the batches", _hint(key, dropped)))
    if outputs:
        predictions = (*outputs, *_names(network, "train_outputs"))
        for part, section, known in ((loss, "Loss", predictions), (postprocess, "PostProcess", outputs)):
            for key in _names(part, "requires"):
                if key not in known:
                    near = did_you_mean(key, known) if part is loss else ""
                    hint = near or f"; do {section} and Head belong together?"
                    problems.append(_missing(key, part, known, section, "the head's predictions", hint))
    _check_metric(metric, postprocess, problems)
    counted, named = getattr(network, "classes", None), getattr(postprocess, "codec", None)
    if counted is not None and named is not None and counted != named.num_outputs:
        names = f"{type(postprocess).__name__} has names for {named.num_outputs}"
        problems.append(_broken("Architecture.Head", f"{type(last).__name__} has {counted} classes, {names}"))
    decoder = postprocess if named is not None and {*_names(postprocess, "requires")} <= {*outputs} else None
    _check_codecs(pipelines, (last, "Architecture.Head"), (loss, "Loss"), decoder, problems)
    neck = parts.get("Neck")
    gives, takes = getattr(neck, "gives", ""), getattr(last, "takes", "")
    if gives and takes and gives != takes:
        names = f"{type(last).__name__} takes a {takes}, {type(neck).__name__} gives a {gives}"
        problems.append(_broken("Architecture.Neck", f"{names}; leave the neck out or name another"))
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))  # a head may want a key as label and as input


def _check_metric(metric: Any, postprocess: Any, problems: list[Problem]) -> None:
    """Note a metric of other results than the post-processing gives."""
    measured, given = (getattr(part, "result", None) for part in (metric, postprocess))
    names = type(metric).__name__, type(postprocess).__name__
    if measured and given and not issubclass(given, measured):
        said = f"{names[0]} measures a {measured.__name__}, {names[1]} gives a {given.__name__}"
        problems.append(_broken("Metric", f"{said}; do they belong together?"))
    elif measured and given and metric.per_model != bool(postprocess.models):
        takes, gives = ("several models", "one") if metric.per_model else ("one model", "several")
        problems.append(_broken("Metric", f"{names[0]} takes results of {takes}, {names[1]} gives those of {gives}"))


def _image_key(network: Any, batch: set[str]) -> tuple[str, ...]:
    """Return the key of the image that a network takes from such batches, or the one it misses."""
    keys = _names(network, "image_keys")
    return tuple([key for key in keys if key in batch] or keys)[:1]


def _check_codecs(
    pipelines: Mapping[str, Pipeline],
    head: tuple[Any, str],
    loss: tuple[Any, str],
    decoder: Any,
    problems: list[Problem],
) -> None:
    """Note parts of one branch that hold different codecs: the label encoder, the head, the loss and the decoder."""
    first, section = (decoder, "PostProcess") if decoder is not None else head
    main = getattr(first, "codec", None)
    encoders = [
        (transform, f"{name}.dataset.transforms.{i}")
        for name, pipeline in pipelines.items()
        for i, transform in enumerate(pipeline.transforms)
        if transform.codec is not None
    ]
    for part, key in (head, loss, *encoders):
        codec = getattr(part, "codec", None)
        if main is not None and codec is not None and codec != main:
            problems.append(_other_codec((part, codec, key), (first, main)))
            return  # what follows would only say it again
    for encoder, key in encoders:
        made = _codecs_of_labels(encoder)
        for part, _ in (head, loss):
            for label, codec in _codecs_of_labels(part).items():
                if label in made and codec is not None and codec != made[label]:
                    problems.append(_other_codec((encoder, made[label], key), (part, codec), f" for {label}"))


def _codecs_of_labels(part: Any) -> Mapping[str, Any]:
    """Return the codecs of a part by the keys of the labels it makes or reads."""
    return getattr(part, "label_codecs", None) or {"label": getattr(part, "codec", None)}


def _other_codec(this: tuple[Any, Any, str], other: tuple[Any, Any], what: str = "") -> Problem:
    """Return the problem of two parts whose codecs differ, each a part and its codec; the first with its section."""
    (part, mine, section), (second, theirs) = this, other
    parts = type(part).__name__, type(second).__name__
    if type(mine) is not type(theirs):
        found, hint = (type(mine).__name__, type(theirs).__name__), "name parts that belong together"
    else:
        kind: Any = type(mine)
        shared = [field.name for field in fields(GlobalSection) if field.name in option_parameters(kind)]
        found = f"the classes of {mine}", f"those of {theirs}"
        hint = f"set {', '.join(shared)} in Global, for all parts"
    return _broken(section, f"{parts[0]} has {found[0]}{what}, {parts[1]} {found[1]}; {hint}")


def _check_made(part: Any, base: type | None, section: str, problems: list[Problem]) -> None:
    """Note a misspelt declaration that a part has made in its constructor."""
    if part is None or base is None:
        return
    try:
        check_made(part, base)
    except TypeError as error:
        problems.append(_broken(section, str(error)))


def check_batch_memory(pipeline: Pipeline, section: str, batch: int) -> None:
    """Refuse images or batches that do not fit into memory before the first of them is made.

    Args:
        pipeline: makes the images.
        section: "Train" or "Eval".
        batch: images in a batch.

    Raises:
        ConfigError: naming the size of the images or the batch, whichever is too large.
    """
    shape: tuple[int, ...] = (-1, -1, 3)
    maker = ""
    for transform in pipeline.transforms:
        before, shape = shape, transform.output_shape(shape)
        maker = type(transform).__name__ if shape[-2:] != before[-2:] else maker
    free = available_bytes()
    if free is None or min(shape) < 1:
        return
    one = math.prod(shape) * _FLOAT_BYTES
    size = " x ".join(map(str, shape))
    if one > free:
        text = f"{maker} makes images of {size}: {one / 1e9:.1f} GB each, and {free / 1e9:.1f} GB of memory are free"
        raise ConfigError([Problem("", f"{section}.dataset.transforms", text)], "make the images smaller")
    if one * batch > free:
        text = f"{batch} images of {size} take {one * batch / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free"
        raise ConfigError([Problem("", f"{section}.loader.batch_size_per_card", text)], f"at most {free // one} fit")


def provided(pipeline: Pipeline, section: str, problems: list[Problem]) -> tuple[set[str], set[str]]:
    """Return the keys a pipeline's batches have, and those it drops; note transforms whose own needs are not met."""
    keys = set(FROM_DATASET)
    seen = set(keys)
    for i, transform in enumerate(pipeline.transforms):
        for key in transform.needs:
            if key not in keys:
                hint = did_you_mean(key, keys) or _hint(key, seen)
                problems.append(_missing(key, transform, keys, f"{section}.{i}", "the steps before it", hint))
                keys.add(key)  # said once: what follows would only say it again
        kept = getattr(transform, "keep_keys", None)
        keys = {*kept, *ALWAYS_KEPT} if kept is not None else keys | set(transform.provides)
        seen |= keys
    return keys, seen - keys


def _check_sides(pipeline: Pipeline, parts: Iterable[Any], section: str, problems: list[Problem]) -> None:
    """Note image sides that the network cannot take."""
    part = max(parts, key=lambda p: p.size_multiple, default=None)
    multiple = 1 if part is None else part.size_multiple
    shape = pipeline.output_shape()
    height, width = shape[-2:]
    taken = f"{type(part).__name__} takes sides that are multiples of {multiple}"
    if any(side > 0 and side % multiple for side in (height, width)):
        near = [side if side < 1 else max(1, round(side / multiple)) * multiple for side in (height, width)]
        text = f"images of {height} x {width}, but {taken}; the nearest is {near[0]} x {near[1]}"
        problems.append(_broken(section, text))
    elif min(height, width) < 1 and pipeline.size_multiple % multiple:
        problems.append(_broken(section, f"images of any size, but {taken}; DetResizeForTest makes them so"))


def _hint(key: str, dropped: Iterable[str]) -> str:
    """Return what would most likely provide a key."""
    if key in dropped:
        return f"; add {key} to KeepKeys.keep_keys"
    makers = [name for name in TRANSFORMS.names() if key in getattr(TRANSFORMS.get(name), "provides", ())]
    if makers:
        return f"; provided by {' or '.join(makers)}"
    return "; is a transform missing, or a key in KeepKeys.keep_keys?"


def _missing(key: str, part: Any, there: Iterable[str], section: str, source: str, hint: str) -> Problem:
    given = ", ".join(sorted(there)) or "nothing"
    return _broken(section, f"{type(part).__name__} needs {key!r}; {source} give {given}{hint}")


def _broken(section: str, text: str) -> Problem:
    return Problem("", section, text, "contract")


def _names(part: Any, attribute: str) -> tuple[str, ...]:
    return tuple(getattr(part, attribute, ()) or ())
