"""A batch from its samples to its tensors: numbers are stacked, everything else stays a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ppocr.data.dataset import IndexedDataset
from ppocr.data.problems import SampleProblem
from ppocr.data.samplers import BatchSampler
from ppocr.data.transforms.base import Sample
from ppocr.errors import ConfigError, DataError


@dataclass
class Batch:
    """One batch before it becomes tensors.

    Attributes:
        arrays: stacked values by key, samples on axis 0.
        lists: values that are not numbers, one per sample, by key.
        drawn: samples asked for.
        skipped: why some of them were replaced (training) or left out (evaluation).
        noted: what is worth counting about those used.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    drawn: int = 0
    skipped: list[SampleProblem] = field(default_factory=list)
    noted: list[SampleProblem] = field(default_factory=list)


def make_batch(dataset: IndexedDataset, sampler: BatchSampler, epoch: int, step: int) -> Batch:
    """Return the samples of a batch, stacked.

    Args:
        dataset: whose samples.
        sampler: which samples the batch holds, and how large their images must be.
        epoch: which epoch.
        step: which batch of it.

    Raises:
        DataError: samples that cannot be stacked, or a sample that made a transform fail.
    """
    indices, size = sampler.batch(epoch, step).tolist(), sampler.image_size(epoch, step)
    earlier = sampler.earlier(epoch, step, dataset.pipeline.extra_samples).tolist()
    outcomes = [dataset.sample(epoch, index, size, before) for index, before in zip(indices, earlier)]
    batch = collate([outcome.sample for outcome in outcomes if outcome.sample is not None], dataset)
    batch.drawn = len(outcomes)
    batch.skipped = [outcome.skipped for outcome in outcomes if outcome.skipped is not None]
    batch.noted = [note for outcome in outcomes for note in outcome.noted]
    return batch


def collate(samples: Sequence[Sample], dataset: IndexedDataset) -> Batch:
    """Stack samples that have the same keys; without any, only `index` and `text` are there, empty.

    What a transform declares as `per_sample` stays a list, and so do the images of an evaluation batch whose sizes
    differ: the evaluator takes them in groups of one size. What is `joined` is put one after another, not stacked.

    Args:
        samples: what the pipeline made.
        dataset: tells where a sample comes from, for messages.

    Raises:
        DataError: a key is missing in a sample, or its shape or type differs.
    """
    if not samples:
        return Batch({"index": np.zeros(0, np.int64)}, {"text": []})
    batch = Batch()
    ragged, joined = dataset.pipeline.per_sample, dataset.pipeline.joined
    for key, first in samples[0].items():
        values = [sample.get(key) for sample in samples]
        if key in ragged or not isinstance(first, (np.ndarray, np.generic, int, float)):
            batch.lists[key] = [entry for value in values for entry in value or ()] if key in joined else values
            continue
        arrays = [np.asarray(value) for value in values]
        if key == "image" and dataset.mode != "train" and len({array.shape for array in arrays}) > 1:
            batch.lists[key] = arrays
            continue
        for sample, array in zip(samples, arrays):
            if array.shape != arrays[0].shape or array.dtype != arrays[0].dtype:
                raise _cannot_stack(key, (samples[0], arrays[0]), (sample, array), dataset)
        batch.arrays[key] = np.concatenate(arrays) if key in joined else np.stack(arrays)
    return batch


def _cannot_stack(
    key: str, first: tuple[Sample, np.ndarray], other: tuple[Sample, np.ndarray], dataset: IndexedDataset
) -> DataError:
    (sample_a, a), (sample_b, b) = first, other
    where_a, where_b = dataset.describe(sample_a["index"]), dataset.describe(sample_b["index"])
    return DataError(
        f"{key!r} cannot be stacked into a batch: {list(a.shape)} {a.dtype} from {where_a}, "
        f"{list(b.shape)} {b.dtype} from {where_b}",
        "resize to one shape in the transforms, or set batch_size_per_card to 1",
    )


def to_tensors(batch: Batch) -> tuple[dict[str, Any], tuple]:
    """Return a batch with tensors, which keep nothing of shared memory, and what to count about it."""
    import paddle  # here: looking up a data set's class must not load paddle

    if any(isinstance(image, bytes) for image in batch.lists.get("image", ())):
        raise ConfigError("dataset.transforms: the images of a batch are still encoded", "begin with DecodeImage")
    on_cpu = paddle.get_device() == "cpu"
    ready: dict[str, Any] = {}
    for key, array in batch.arrays.items():
        if on_cpu:  # to_tensor takes 15 ms for 24 MB, a numpy copy that a tensor then wraps takes 2
            own = array if array.flags.owndata and array.flags.writeable else array.copy()
            ready[key] = paddle.utils.dlpack.from_dlpack(own)
        else:
            ready[key] = paddle.to_tensor(array)
    ready.update(batch.lists)
    ready["problems"] = batch.skipped
    return ready, (batch.drawn, batch.skipped, batch.noted)
