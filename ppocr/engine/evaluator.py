"""Evaluation: every rank measures its share, each sample once, and all get the merged result."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import paddle

from ppocr.engine.distributed import World
from ppocr.engine.log import get_logger, shown
from ppocr.errors import DataError
from ppocr.task import Task

EXAMPLES = 3


@dataclass
class Evaluation:
    """What an evaluation found.

    Args:
        metrics: values by name, the deciding one under `main_indicator`.
        main_indicator: its name.
        total: samples of the set.
        used: samples measured.
        skipped: samples left out, by reason.
        unknown: characters of the labels that the dictionary lacks, with their counts.
        examples: (label, prediction, confidence) of a few samples.
        remarks: what the metric has to say besides its values.
        seconds: wall time.
        images_per_second: measured samples by wall time.
    """

    metrics: dict[str, float]
    main_indicator: str
    total: int
    used: int
    skipped: dict[str, int] = field(default_factory=dict)
    unknown: Counter = field(default_factory=Counter)
    examples: list[tuple[Any, Any, float]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    images_per_second: float = 0.0

    @property
    def main(self) -> float:
        """The value that decides which weights are best."""
        return float(self.metrics[self.main_indicator])

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the examples, ready for JSON."""
        return {
            "metrics": {k: v for k, v in self.metrics.items() if isinstance(v, (int, float))},
            "main_indicator": self.main_indicator,
            "total": self.total,
            "used": self.used,
            "skipped": self.skipped,
            "unknown_characters": dict(self.unknown.most_common()),
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.images_per_second, 2),
        }


def evaluate(task: Task, loader: Any, *, world: World | None = None, autocast: Any = None) -> Evaluation:
    """Measure a task on a data set; all ranks call it and all get the same answer.

    Args:
        task: needs its metric; its network is put back in the mode it was in.
        loader: this rank's share, each sample on exactly one rank.
        world: the ranks measuring together.
        autocast: returns the context to run the network in.

    Raises:
        DataError: there was nothing to measure.
    """
    world = world or World()
    autocast = autocast or contextlib.nullcontext
    was_training = task.model.training
    started = time.perf_counter()
    world.share_statistics(task.model)
    task.model.eval()
    try:
        share = _measure(task, loader, autocast)
    finally:
        if was_training:
            task.model.train()
    return _merge(task, world.gather(share), time.perf_counter() - started)


@paddle.no_grad()
def _measure(task: Task, loader: Any, autocast: Any) -> dict[str, Any]:
    """Return this rank's share as picklable values."""
    task.metric.reset()
    used = 0
    examples: list[tuple[str, str, float]] = []
    unknown: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    unknown_in = getattr(getattr(task.postprocess, "codec", None), "unknown", None)
    for batch in loader.epoch(1):
        skipped.update(problem.reason for problem in batch.get("problems", ()))
        if len(batch["index"]) == 0:
            continue
        labels = batch.get("text", ())
        if unknown_in is not None:
            unknown.update("".join(unknown_in(label) for label in labels if isinstance(label, str)))
        for part in equal_shapes(batch):
            with autocast():
                preds = task.forward(part)
            results = task.results(preds, part)
            task.metric(results, part)
            used += len(part["index"])  # a sample may make several images
            pairs = zip(part.get("text", ()), results)
            shown_ones = [(str(t), str(r.decision), float(r.certainty)) for t, r in pairs if r.certainty is not None]
            examples += shown_ones[: EXAMPLES - len(examples)]
    return {
        "state": task.metric.state(),
        "used": used,
        "skipped": dict(skipped),
        "unknown": dict(unknown),
        "examples": examples,
    }


def equal_shapes(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a batch in parts whose images have one size; as it is when they all have.

    Args:
        batch: as the loader gives it; `image` is a list of arrays [C, H, W] where the sizes differ.
    """
    images = batch["image"]
    if not isinstance(images, list):
        yield batch
        return
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, image in enumerate(images):
        groups.setdefault(image.shape, []).append(row)
    for rows in groups.values():
        part: dict[str, Any] = {"image": paddle.to_tensor(np.stack([images[row] for row in rows]))}
        for key, value in batch.items():
            if isinstance(value, paddle.Tensor):
                part[key] = paddle.to_tensor(value.numpy()[rows])
            elif key not in ("image", "problems"):
                part[key] = [value[row] for row in rows]
        yield part


def _merge(task: Task, shares: list[dict[str, Any]], seconds: float) -> Evaluation:
    used = sum(share["used"] for share in shares)
    skipped = sum((Counter(share["skipped"]) for share in shares), Counter())
    if used == 0:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in skipped.items())
        raise DataError(
            f"there is no image to evaluate ({reasons or 'the set is empty'})",
            "check Eval.dataset.data_dir and Eval.dataset.label_file_list",
        )
    task.metric.reset()
    task.metric.merge([share["state"] for share in shares])
    return Evaluation(
        metrics=dict(task.metric.get_metric()),
        main_indicator=task.metric.main_indicator,
        total=used + sum(skipped.values()),
        used=used,
        skipped=dict(skipped),
        unknown=sum((Counter(share["unknown"]) for share in shares), Counter()),
        examples=[example for share in shares for example in share["examples"]][:EXAMPLES],
        remarks=list(getattr(task.metric, "remarks", list)()),
        seconds=seconds,
        images_per_second=used / max(seconds, 1e-9),
    )


def report(found: Evaluation, *, unknown_too: bool = True) -> None:
    """Log an evaluation: the values, what was left out, and a few predictions against their labels."""
    logger = get_logger()
    values = "  ".join(f"{k} {v:.6g}" for k, v in found.metrics.items() if isinstance(v, (int, float)))
    logger.info(f"eval: {values}  images {found.used}/{found.total} | {found.images_per_second:.1f} images/s")
    if found.skipped:
        reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(found.skipped.items()))
        logger.warning(f"eval: {sum(found.skipped.values())} images were not measured: {reasons}")
    if unknown_too and found.unknown:
        most = ", ".join(f"{shown(c)} {n}" for c, n in found.unknown.most_common(20))
        logger.warning(
            f"eval: labels hold {len(found.unknown)} characters outside the dictionary, which count as errors: {most}"
        )
    for remark in found.remarks:
        logger.warning(f"eval: {remark}")
    for label, text, confidence in found.examples:
        mark = "right" if label == text else "wrong"
        logger.info(f"eval: {mark}: label {shown(label)} prediction {shown(text)} ({confidence:.4f})")
