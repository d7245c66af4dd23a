"""The loader: batches of an epoch from any step on, made by worker processes that live as long as the run."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from ppocr.config.sections import DataSection
from ppocr.data.batches import collate, make_batch, to_tensors
from ppocr.data.dataset import IndexedDataset
from ppocr.data.problems import DataReport
from ppocr.data.samplers import BatchSampler, EpochOrder, ShapeOrder
from ppocr.data.transforms.base import Pipeline
from ppocr.data.workers import WorkerPool, make_slots
from ppocr.errors import ConfigError, SampleError, one_sample
from ppocr.registry import DATASETS, SAMPLERS
from ppocr.utils.image_io import upright_size
from ppocr.utils.image_size import image_size
from ppocr.utils.memory import keep_freed_memory

DEFAULT_MAX_BAD_RATIO = 0.01
_SLACK = 1.25  # shared memory per batch, over what the first sample takes
_SMALL_BYTES = 1 << 16

logger = logging.getLogger("ppocr")


@dataclass(eq=False)
class BatchLoader:
    """Batches of a data set on one rank.

    A batch holds one `paddle.Tensor` per numeric key (samples on axis 0), one list per other key, and
    under "problems" a record for each sample that could not be used. Which samples a batch holds, and
    every random number used for them, depends on (seed, epoch, step) only, so that a run continued
    from a step gets the batches an uninterrupted one would have got.

    Args:
        dataset: whose samples.
        sampler: which samples a batch holds.
        num_workers: processes; 0 makes the batches in this one.
        use_shared_memory: hand batches over in /dev/shm where it is large enough.
        max_bad_ratio: end the run when more than this share of the samples is broken.
    """

    dataset: IndexedDataset
    sampler: BatchSampler
    _: KW_ONLY
    num_workers: int = 0
    use_shared_memory: bool = True
    max_bad_ratio: float = DEFAULT_MAX_BAD_RATIO
    report: DataReport = field(default_factory=DataReport, init=False)
    _pool: WorkerPool | None = field(default=None, init=False)

    def __len__(self) -> int:
        """Return the batches of an epoch on this rank."""
        return len(self.sampler)

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the batches of an epoch.

        `report` counts the samples of the batches yielded so far.

        Args:
            epoch: which epoch.
            start_step: batches to leave out, without loading them.

        Raises:
            DataError: more than `max_bad_ratio` of the samples are broken, or a worker failed.
        """
        self.report = DataReport()
        steps = range(start_step, len(self.sampler))
        batches: Iterable[tuple[dict[str, Any], tuple]] = ()
        if self.num_workers == 0:
            keep_freed_memory()
            self.dataset.pipeline.set_epoch(epoch)
            batches = (to_tensors(make_batch(self.dataset, self.sampler, epoch, step)) for step in steps)
        elif steps:
            batches = self._workers(epoch, start_step).batches(epoch, steps.start, steps.stop, to_tensors)
        for batch, counts in batches:
            self.report.add(*counts)
            self.report.check(self.max_bad_ratio, judge=self.dataset.pipeline.check_report)
            yield batch
        self.report.check(self.max_bad_ratio, minimum=1, judge=self.dataset.pipeline.check_report)

    def close(self) -> None:
        """End the worker processes; the next epoch starts new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _workers(self, epoch: int, step: int) -> WorkerPool:
        """Return the worker processes, started at the first batch that is asked of them."""
        if self._pool is None:
            slots = make_slots(self.num_workers, self._batch_bytes(epoch, step)) if self.use_shared_memory else None
            self._pool = WorkerPool(self.dataset, self.sampler, self.num_workers, slots)
        return self._pool

    def _batch_bytes(self, epoch: int, step: int) -> int:
        """Return the bytes the largest batch is expected to take, from a batch's first usable sample."""
        sampler = self.sampler
        indices, size = sampler.batch(epoch, step), sampler.image_size(epoch, step)
        for index in indices[:8]:
            sample = self.dataset.sample(epoch, int(index), size).sample
            arrays = collate([sample], self.dataset).arrays if sample is not None else {}
            if "image" in arrays:
                one = sum(array.nbytes for array in arrays.values())
                return int(one * len(indices) * sampler.largest(epoch, step) * _SLACK) + _SMALL_BYTES
        return 0


def build_loader(
    section: DataSection,
    pipeline: Pipeline,
    *,
    mode: str,
    seed: int,
    rank: int = 0,
    world_size: int = 1,
    max_bad_ratio: float = DEFAULT_MAX_BAD_RATIO,
) -> BatchLoader:
    """Build the loader of a config section.

    Args:
        section: `Train` or `Eval`.
        pipeline: the section's transforms, built.
        mode: "train" or "eval". Evaluation sees each sample once over all ranks, and replaces none.
        seed: the run's seed.
        rank: this process.
        world_size: processes that share an epoch.
        max_bad_ratio: see `BatchLoader`.

    Raises:
        ConfigError: unknown data set or key.
        DataError: nothing to read, or less than a batch.
    """
    if mode not in ("train", "eval"):
        raise ValueError(f"mode is {mode!r}, not train or eval")
    options, asked = section.loader, section.loader.collate_fn
    if asked and asked != pipeline.collate_fn:
        raise ConfigError(f"unknown collate_fn {asked!r}", "leave loader.collate_fn out: the transforms say it")
    spec = {key: value for key, value in section.dataset.items() if key != "transforms"}
    dataset = DATASETS.build(spec, pipeline=pipeline, mode=mode, seed=seed)
    train = mode == "train"
    order = EpochOrder(dataset.sizes, dataset.ratios, shuffle=options.shuffle, seed=seed, fresh=train)
    sampler = _build_sampler(section, dataset, order, {"train": train, "rank": rank, "world_size": world_size})
    return BatchLoader(
        dataset,
        sampler,
        num_workers=sensible_workers(options.num_workers, mode),
        use_shared_memory=options.use_shared_memory is not False,
        max_bad_ratio=max_bad_ratio,
    )


def _build_sampler(section: DataSection, dataset: Any, order: EpochOrder, share: dict[str, Any]) -> Any:
    """Return what says which samples make a batch: the section's sampler, or batches of one length.

    Args:
        section: see `build_loader`.
        dataset: whose samples.
        order: the samples of an epoch.
        share: `train`, `rank` and `world_size`.

    Raises:
        ConfigError: only one of sampler and data set has to do with image sizes.
    """
    asked, options = section.sampler, section.loader
    sampler: Any
    if asked:
        sampler = SAMPLERS.build(asked, order=order, line_ratios=dataset.line_ratios, seed=order.seed, **share)
    else:
        if not share["train"] and options.batch_size_per_card > 1 and min(dataset.pipeline.output_shape()) < 1:
            order = ShapeOrder(order, image_shapes(dataset, order))
        sampler = BatchSampler(order, options.batch_size_per_card, drop_last=options.drop_last, **share)
    if sampler.gives_sizes != dataset.takes_sizes:
        teller, taker = (asked or {}).get("name", "the loader"), section.dataset["name"]
        says = "says how large images are, and" if sampler.gives_sizes else "does not say how large images are, but"
        raise ConfigError(
            f"sampler: {teller} {says} {taker} {'needs that' if dataset.takes_sizes else 'takes no sizes'}",
            "MultiScaleSampler and MultiScaleDataSet belong together",
        )
    return sampler


def image_shapes(dataset: IndexedDataset, order: EpochOrder) -> list[tuple[int, ...]]:
    """Return the shape each sample of an evaluation will have after the transforms, read from the images' headers.

    Args:
        dataset: reads the samples.
        order: which of them there are.

    Returns:
        One shape per position of `order`. What cannot be read keeps its place: it gets the shape before it.
    """
    found: list[tuple[int, ...]] = []
    for index in order.indices(1, np.arange(len(order))):
        try:
            with one_sample():
                data = dataset.read(int(index), 0)["image"]
                size = upright_size(data) or image_size(data)
        except SampleError:
            size = None
        if size is not None:
            found.append(dataset.pipeline.output_shape((size[1], size[0], 3)))
        else:
            found.append(found[-1] if found else ())
    first = next((shape for shape in found if shape), ())
    return [shape or first for shape in found]


def sensible_workers(asked: int, mode: str) -> int:
    """Return how many worker processes to use: what was asked, but no more than there are processors."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if asked > processors:
        logger.info(f"{mode} loader: {processors} data workers instead of {asked}, one for each processor")
    return min(asked, processors)
