"""What all data sets share: running the pipeline on a sample, and what happens when a sample is bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ppocr.config.ranges import NonNegative, Whole
from ppocr.data.cache import KEYS, PixelCache, open_cache
from ppocr.data.problems import SampleProblem, first_causes
from ppocr.data.samplers import expand_ratios, mix
from ppocr.data.transforms.base import Pipeline, Sample, Transform
from ppocr.data.transforms.geometry import PendingImage
from ppocr.data.transforms.image import DecodeImage
from ppocr.declarations import Filled
from ppocr.errors import ConfigError, DataError, PpocrError, SampleError, one_sample
from ppocr.registry import Typed, Unknown, typed_or_unknown

MAX_ATTEMPTS = 20
_CHOICE, _EXTRA = 3, 16  # keep apart the random numbers of one sample: an alternative image, each sample mixed in


class Outcome(NamedTuple):
    """What came of asking for one sample.

    Attributes:
        sample: what the pipeline made; None where evaluation leaves the sample out.
        skipped: why the sample asked for was not used; None if it was.
        noted: what is worth counting about the sample used.
    """

    sample: Sample | None
    skipped: SampleProblem | None = None
    noted: Sequence[SampleProblem] = ()


@dataclass(eq=False)
class IndexedDataset:
    """Samples by number; a subclass opens their files, says how many there are by `number`, and reads one.

    Args:
        ratio_list: share of each file an epoch uses, one number or one per file.
        ext_op_transform_idx: how many transforms run on samples that are mixed into another; see `count_prepared`.
        cache: `{ram: GiB}`: keep so much of the decoded images in memory that the data workers share.
        pipeline: the transforms (filled in by the builder).
        mode: "train" or "eval" (filled in); only training replaces a bad sample.
        seed: the run's seed (filled in); every random number is a function of (seed, epoch, number).

    Attributes:
        takes_sizes: whether images are made the size a sampler says.
        line_ratios: width by height of every sample's line, where batches of lines alike are asked for.
    """

    takes_sizes = False

    _: KW_ONLY
    ratio_list: NonNegative | Sequence[NonNegative] = 1.0
    ext_op_transform_idx: Whole = 1
    cache: Mapping[str, Any] | None = None
    pipeline: Filled[Pipeline] = field(default_factory=lambda: Pipeline([]))
    mode: Filled[str] = "train"
    seed: Filled[int] = 0
    line_ratios: np.ndarray | None = field(default=None, init=False)

    def number(self, files: Sequence[str], sizes: Sequence[int], counted: str) -> None:
        """Number the samples, and keep decoded images if `cache` asks for it.

        Training and evaluation see the same pixels with a cache as without, but for one case: a step that can do
        with a JPEG decoded at half its size or less, as a random crop of a large image can, gets all of it.

        Args:
            files: paths of the files or folders.
            sizes: samples of each, in the order of their numbers.
            counted: how many files there are, in words, for the message that there are not as many ratios.

        Raises:
            ConfigError: ratios or a cache that cannot be, or no number of transforms makes what mixing needs.
        """
        if not isinstance(self.ratio_list, (int, float)) and len(self.ratio_list) != len(files):
            raise ConfigError(
                f"{counted} and ratio_list {len(self.ratio_list)}: {list(files)} and {list(self.ratio_list)}",
                "give one ratio for each, or one number for all",
            )
        self.sizes = list(sizes)
        self.ratios = expand_ratios(self.ratio_list, len(self.sizes))
        wanted = self.ext_op_transform_idx
        self.prepared = count_prepared(self.pipeline, wanted) if self.pipeline.extra_samples else 0
        self._first = np.cumsum([0, *self.sizes])
        self._kept: dict[tuple[int, ...], Sample] = {}  # prepared samples by what names their random numbers
        opened = open_cache(self.cache, self.pipeline, len(self), lambda index: self.read(index, 0)["image"])
        self._cache: PixelCache | None = opened[0] if opened else None
        self._decoder: DecodeImage | None = opened[1] if opened else None

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Unknown | Typed]:
        """Yield the unknown keys inside the values."""
        yield from typed_or_unknown(("cache",), values.get("cache"), {}, KEYS)

    def __len__(self) -> int:
        return int(self._first[-1])

    def read(self, index: int, choice: int, pixels: np.ndarray | None = None) -> Sample:
        """Return the raw sample of a number.

        Args:
            index: the sample's number.
            choice: a random number that picks among alternative images.
            pixels: the decoded image, if it is at hand: then no image is read.

        Raises:
            SampleError: it cannot be read.
        """
        raise TypeError(f"{type(self).__name__} does not implement read")

    def has_one_image(self, index: int) -> bool:
        """Return whether a sample has the same image each time."""
        return True

    def describe(self, index: int) -> str:
        """Return where a sample comes from, as "file:line"."""
        raise TypeError(f"{type(self).__name__} does not implement describe")

    def locate(self, index: int) -> tuple[int, int]:
        """Return the file or folder of a sample, and its number in there."""
        file = int(np.searchsorted(self._first, index, side="right")) - 1
        return file, index - int(self._first[file])

    def sample(
        self, epoch: int, index: int, size: tuple[int, int] | None = None, earlier: Sequence[int] = ()
    ) -> Outcome:
        """Return a sample, all transforms done.

        In training a bad sample is replaced by others, always by the same ones; what is wrong with a
        replacement is not counted here, because it is counted in its own turn.

        Args:
            epoch: which epoch.
            index: the sample's number.
            size: (height, width) the image must have; the transforms find it under "size".
            earlier: the samples to mix into it, -1 where one is to be chosen here. Those made just before, which
                a random order makes a random choice, are not read and decoded again; what they give is the same.

        Raises:
            DataError: no good sample was found in twenty attempts.
        """
        problems: list[SampleProblem] = []
        cause: BaseException | None = None
        for attempt in range(MAX_ATTEMPTS if self.mode == "train" else 1):
            number = index if attempt == 0 else mix(self.seed, epoch, index, attempt) % len(self)
            try:
                with one_sample():
                    sample, rng = self._prepare(epoch, number, attempt)
                    if size is not None:
                        sample["size"] = size
                    if self.pipeline.extra_samples:
                        self._keep((epoch, number, attempt), sample)
                        sample["ext_data"] = self._extra_samples(epoch, number, attempt, () if attempt else earlier)
                    sample = self._transform(sample, rng, self.pipeline.transforms[self.prepared :])
            except SampleError as error:
                problems.append(SampleProblem(error.reason, self.describe(number), error.detail))
                cause = cause or error.__cause__
            else:
                notes = [SampleProblem(reason, self.describe(index), why) for reason, why in sample.pop("notes", ())]
                return Outcome(sample, problems[0]) if problems else Outcome(sample, noted=notes)
        if self.mode != "train":
            return Outcome(None, problems[0])
        raise DataError(
            f"no usable sample in {MAX_ATTEMPTS} attempts: {first_causes(problems)}",
            "check data_dir and the label file" if cause is None else "--debug shows where the first of them failed",
        ) from cause

    def _prepare(self, epoch: int, index: int, *attempt: int) -> tuple[Sample, np.random.Generator | None]:
        """Return a sample as far as it is prepared for being mixed into another, and its random numbers."""
        choice = mix(self.seed, epoch, index, *attempt, _CHOICE)
        sample = self.read(index, choice) if self._cache is None else self._read_cached(index, choice)
        sample["index"], sample["notes"] = index, []
        rng = self._generator(epoch, index, *attempt) if self.pipeline.random else None
        return self._transform(sample, rng, self.pipeline.transforms[: self.prepared]), rng

    def _keep(self, key: tuple[int, ...], sample: Sample) -> None:
        """Keep a prepared sample for those that follow."""
        self._kept[key] = shared(sample)
        while len(self._kept) > self.pipeline.extra_samples + 1:
            del self._kept[next(iter(self._kept))]

    def _read_cached(self, index: int, choice: int) -> Sample:
        """Return a raw sample whose image is decoded, and read-only even where it is not in the cache."""
        assert self._cache is not None and self._decoder is not None
        pixels = self._cache.get(index)
        if pixels is not None:
            return self.read(index, choice, pixels)
        sample = self.read(index, choice)
        sample["image"] = pixels = self._decoder.decode(sample["image"])
        pixels.setflags(write=False)
        if self.has_one_image(index):
            self._cache.add(index, pixels)
        return sample

    def _generator(self, epoch: int, index: int, *attempt: int) -> np.random.Generator:
        key = np.array([mix(self.seed, epoch, index, *attempt), self.seed & (2**63 - 1)], np.uint64)
        return np.random.Generator(np.random.Philox(key=key))

    def _extra_samples(self, epoch: int, index: int, attempt: int, earlier: Sequence[int]) -> Iterator[Sample]:
        """Yield other samples, never the same one, prepared for being mixed into it; bad ones are left out."""
        others = len(self) - 1
        for extra in range(self.pipeline.extra_samples if others else 0):
            key: tuple[int, ...] = (epoch, earlier[extra], 0) if earlier else (epoch, -1)
            if key[1] < 0:
                which = (attempt, _EXTRA + extra)
                key = (epoch, (index + 1 + mix(self.seed, epoch, index, *which) % others) % len(self), index, *which)
            try:
                with one_sample():
                    sample = dict(self._kept.get(key) or shared(self._prepare(*key)[0]))
                    if isinstance(sample["image"], PendingImage):
                        sample["image"] = sample["image"].render()
            except SampleError:  # it is counted in its own turn
                continue
            yield sample

    def _transform(self, sample: Sample, rng: np.random.Generator | None, steps: Sequence[Transform]) -> Sample:
        """Run some steps of the pipeline; an error in the configuration names the sample it showed at."""
        index = sample["index"]
        try:
            for step in steps:
                sample = step(sample, rng)
            return sample
        except PpocrError as error:
            raise DataError(f"{self.describe(index)}: {error.message}", error.hint) from error


def shared(sample: Sample) -> Sample:
    """Return a sample that stays as it is whatever is done to the other; pixels are decoded once for both."""
    found = {
        name: value.copy() if isinstance(value, (np.ndarray, list)) and name != "image" else value
        for name, value in sample.items()
    }
    image = sample["image"]
    if isinstance(image, PendingImage):
        found["image"] = image.share()
    elif isinstance(image, np.ndarray):
        image.setflags(write=False)
    return found


def count_prepared(pipeline: Pipeline, asked: int) -> int:
    """Return how many transforms run on the samples that a pipeline mixes into others.

    These are as many as asked for, or all before the one that mixes where the first do not make what that one needs.

    Args:
        pipeline: with a transform that asks for extra samples.
        asked: `dataset.ext_op_transform_idx`.

    Raises:
        ConfigError: more than stand before the one that mixes, or even these do not make what it needs.
    """
    steps = pipeline.transforms
    place = next(i for i, step in enumerate(steps) if step.extra_samples)
    mixer = type(steps[place]).__name__
    if asked > place:
        raise ConfigError(
            f"dataset.ext_op_transform_idx: {asked} transforms are to run on the samples that {mixer} mixes in, but "
            f"it is itself number {place + 1}",
            f"at most {place}: those before it",
        )
    for count in (asked, place):
        made = {"image", "label", "text"}.union(*(step.provides for step in steps[:count]))
        if made.issuperset(steps[place].needs):
            return count
    missing = ", ".join(key for key in steps[place].needs if key not in made)
    raise ConfigError(
        f"dataset.transforms: those before {mixer} do not make {missing}, which it needs of the samples it mixes in",
        f"put what makes them before {mixer}",
    )
