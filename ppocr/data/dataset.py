"""What all data sets share: running the pipeline on a sample, and what happens when a sample is bad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ppocr.data.problems import Problem, first_causes
from ppocr.data.samplers import expand_ratios, mix
from ppocr.data.transforms.base import Pipeline, Sample
from ppocr.errors import DataError, PpocrError, SampleError

MAX_ATTEMPTS = 20


class Draw:
    """What came of drawing one sample.

    Attributes:
        sample: what the pipeline made; None where evaluation leaves the sample out.
        skipped: why the sample drawn was not used; None if it was.
        noted: what is worth counting about the sample used.
    """

    __slots__ = ("sample", "skipped", "noted")

    def __init__(self, sample: Sample | None, skipped: Problem | None, noted: Sequence[Problem]) -> None:
        self.sample, self.skipped, self.noted = sample, skipped, noted


class IndexedDataset:
    """Samples by number; a subclass says how many there are and reads one.

    Args:
        sizes: samples of each file or folder, in the order of their numbers.
        ratio_list: share of each an epoch uses.
        pipeline: the transforms.
        mode: "train" or "eval"; only training replaces a bad sample.
        seed: the run's seed; every draw is a function of (seed, epoch, number).
    """

    def __init__(
        self, sizes: Sequence[int], ratio_list: float | Sequence[float], pipeline: Pipeline | None, mode: str, seed: int
    ) -> None:
        self.sizes = list(sizes)
        self.ratios = expand_ratios(ratio_list, len(self.sizes))
        self.pipeline = pipeline if pipeline is not None else Pipeline([])
        self.mode = mode
        self.seed = seed
        self._first = np.cumsum([0, *self.sizes])

    def __len__(self) -> int:
        return int(self._first[-1])

    def read(self, index: int, choice: int) -> Sample:
        """Return the raw sample of a number.

        Args:
            index: the sample's number.
            choice: a random number that picks among alternative images.

        Raises:
            SampleError: it cannot be read.
        """
        raise TypeError(f"{type(self).__name__} does not implement read")

    def describe(self, index: int) -> str:
        """Return where a sample comes from, as "file:line"."""
        raise TypeError(f"{type(self).__name__} does not implement describe")

    def locate(self, index: int) -> tuple[int, int]:
        """Return the file or folder of a sample, and its number in there."""
        file = int(np.searchsorted(self._first, index, side="right")) - 1
        return file, index - int(self._first[file])

    def __getitem__(self, reference: tuple[int, int]) -> Draw:
        """Draw the sample of an (epoch, number).

        In training a bad sample is replaced by others, which this same reference always names; what is
        wrong with a replacement is not counted here, because it is counted in its own turn.

        Raises:
            DataError: no good sample was found in twenty attempts.
        """
        epoch, index = reference
        problems: list[Problem] = []
        for attempt in range(MAX_ATTEMPTS):
            number = index if attempt == 0 else mix(self.seed, epoch, index, attempt) % len(self)
            try:
                sample = self._process(epoch, number, attempt)
            except SampleError as error:
                problems.append(Problem(error.reason, self.describe(number), error.detail))
            else:
                notes = sample.pop("notes", ())
                if problems:
                    return Draw(sample, problems[0], ())
                return Draw(sample, None, [Problem(reason, self.describe(index), detail) for reason, detail in notes])
            if self.mode != "train":
                return Draw(None, problems[0], ())
        raise DataError(
            f"no usable sample in {MAX_ATTEMPTS} attempts: {first_causes(problems)}",
            "check data_dir and the label file",
        )

    def _process(self, epoch: int, index: int, attempt: int) -> Sample:
        choice = mix(self.seed, epoch, index, attempt, 3)
        rng = None
        if self.pipeline.random:
            key = np.array([mix(self.seed, epoch, index, attempt), self.seed & (2**63 - 1)], np.uint64)
            rng = np.random.Generator(np.random.Philox(key=key))
        sample = self.read(index, choice)
        sample["index"] = index
        sample["notes"] = []
        try:
            return self.pipeline(sample, rng)
        except SampleError:
            raise
        except PpocrError as error:
            raise DataError(f"{self.describe(index)}: {error.message}", error.hint) from error
        except Exception as error:
            raise DataError(
                f"{self.describe(index)}: {type(error).__name__}: {error}",
                "a transform failed on this sample; --debug shows where",
            ) from error
