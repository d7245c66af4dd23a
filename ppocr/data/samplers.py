"""Which samples a batch holds: a pure function of (seed, epoch, step), computed where it is needed and never stored."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ppocr.errors import ConfigError, DataError

_ROUNDS = 8
_SMALL = 4096  # up to here a stored, exactly uniform shuffle is cheap
_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mix(*numbers: int) -> int:
    """Return 64 well-mixed bits of whole numbers (finaliser of SplitMix64, https://doi.org/10.1145/2714064.2660195)."""
    state = 0
    for number in numbers:
        state = (state ^ (number & _MASK)) + _GOLDEN & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def shuffled(positions: np.ndarray, size: int, key: int) -> np.ndarray:
    """Return where a permutation of `range(size)` puts some positions, without making the permutation.

    Large sizes use a Feistel cipher on the next power of four, walked until it falls inside the range
    (Black and Rogaway 2002, https://doi.org/10.1007/3-540-45760-7_9): no memory at ten million samples.

    Args:
        positions: int64, within `range(size)`.
        size: how many elements are permuted.
        key: which permutation.
    """
    if size <= _SMALL:
        return _small_permutation(size, key)[positions]
    half = np.uint64(((size - 1).bit_length() + 1) // 2)
    found = positions.astype(np.uint64)
    walking = np.arange(len(found))
    while len(walking):
        found[walking] = _feistel(found[walking], half, key)
        walking = walking[found[walking] >= size]
    return found.astype(np.int64)


@functools.lru_cache(maxsize=16)
def _small_permutation(size: int, key: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=key)).permutation(size)


def _feistel(values: np.ndarray, half: np.uint64, key: int) -> np.ndarray:
    low_bits = np.uint64((1 << int(half)) - 1)
    left, right = values >> half, values & low_bits
    for turn in range(_ROUNDS):
        noise = (right ^ np.uint64(mix(key, turn))) * np.uint64(0xBF58476D1CE4E5B9)
        noise = (noise ^ (noise >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
        left, right = right, left ^ ((noise >> np.uint64(32)) & low_bits)
    return (left << half) | right


@dataclass(eq=False)
class EpochOrder:
    """The order in which an epoch goes through several files, a fresh part of each where a ratio asks for it.

    Args:
        sizes: samples of each file.
        ratios: share of each file an epoch uses, one for all or one per file, 0 to 1.
        shuffle: a new order each epoch; else files and lines follow one another.
        seed: the run's seed.
        fresh: a new part of a file each epoch; evaluation keeps the same.

    Raises:
        ConfigError: ratios outside 0 to 1, or not as many as files.
    """

    sizes: Sequence[int]
    ratios: float | Sequence[float] = 1.0
    _: KW_ONLY
    shuffle: bool = True
    seed: int = 0
    fresh: bool = True

    def __post_init__(self) -> None:
        ratios = expand_ratios(self.ratios, len(self.sizes))
        self.counts = [round(n * ratio) for n, ratio in zip(self.sizes, ratios)]
        self._first = np.cumsum([0, *self.sizes])
        self._first_drawn = np.cumsum([0, *self.counts])

    def __len__(self) -> int:
        return int(self._first_drawn[-1])

    def indices(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Return which samples stand at some positions of an epoch.

        Args:
            epoch: counted from any number; it names the order.
            positions: int64, within `range(len(self))`.

        Returns:
            int64 sample numbers over all files in turn.
        """
        places = np.asarray(positions, np.int64)
        if self.shuffle:
            places = shuffled(places, len(self), mix(self.seed, epoch, 1))
        files = np.searchsorted(self._first_drawn, places, side="right") - 1
        lines = places - self._first_drawn[files]
        for file in np.unique(files):
            if self.counts[file] < self.sizes[file]:
                chosen = files == file
                key = mix(self.seed, epoch if self.fresh else 0, 2, int(file))
                lines[chosen] = shuffled(lines[chosen], self.sizes[file], key)
        return self._first[files] + lines

    def earlier(self, epoch: int, positions: np.ndarray, stride: int, count: int) -> np.ndarray:
        """Return the samples that one rank takes before those at some positions.

        Args:
            epoch: see `indices`.
            positions: int64 [N].
            stride: from one position of a rank to its next.
            count: how many samples before each.

        Returns:
            int64 [N, count], the last one first; -1 where there is none, or where the order is not random.
        """
        places = np.asarray(positions, np.int64)[:, None] - stride * np.arange(1, count + 1)
        found = np.full(places.shape, -1)
        if self.shuffle:
            found[places >= 0] = self.indices(epoch, places[places >= 0])
        return found


class ShapeOrder(EpochOrder):
    """The order of an evaluation that puts images of one size together, large ones first, so that they share batches.

    Args:
        order: which samples there are.
        shapes: the image shape of each of them after the transforms, in that order.
    """

    def __init__(self, order: EpochOrder, shapes: Sequence[tuple[int, ...]]) -> None:
        vars(self).update(vars(order))
        samples = order.indices(1, np.arange(len(order)))
        places = sorted(range(len(shapes)), key=lambda i: (-int(np.prod(shapes[i])), shapes[i]))
        self._samples = samples[np.array(places, np.int64)]

    def indices(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Return which samples stand at some positions, the same in every epoch."""
        return self._samples[np.asarray(positions, np.int64)]


def expand_ratios(ratios: float | Sequence[float], files: int) -> list[float]:
    """Return one ratio per file.

    Raises:
        ConfigError: not as many as files, or outside 0 to 1.
    """
    found = [ratios] * files if isinstance(ratios, (int, float)) else list(ratios)
    for ratio in found:
        if not isinstance(ratio, (int, float)) or not 0 < ratio <= 1:
            raise ConfigError(
                f"ratio_list: {ratio!r} is not a share above 0 and up to 1",
                "to see a file more often, name it more often in label_file_list",
            )
    return found


def share_of(samples: int, train: bool, rank: int, world_size: int) -> int:
    """Return how many samples a rank takes from an epoch: in training as many as the others, some of them twice."""
    return -(-samples // world_size) if train else len(range(rank, samples, world_size))


@dataclass(eq=False)
class BatchSampler:
    """The batches one rank takes from an epoch.

    Training gives all ranks batches of one size and equally many of them: without `drop_last` the last
    ones are filled from the epoch's start. Evaluation gives each sample to exactly one rank.

    Args:
        order: the samples of an epoch.
        batch_size: samples per batch and rank.
        drop_last: leave out the samples that do not fill a batch on every rank (training only).
        train: training or evaluation.
        rank: this process.
        world_size: processes that share an epoch.

    Raises:
        DataError: no sample at all, or too few for one batch.
    """

    gives_sizes = False  # whether it says how large the images of a batch must be

    order: EpochOrder
    batch_size: int
    _: KW_ONLY
    drop_last: bool = False
    train: bool = True
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        samples = len(self.order)
        if samples == 0:
            raise DataError("the data set holds no sample", "check label_file_list and ratio_list")
        self._mine = share_of(samples, self.train, self.rank, self.world_size)
        if self.train and self.drop_last:
            self._mine = samples // self.world_size // self.batch_size * self.batch_size
        if self.train and self._mine == 0:
            ranks = f" on each of {self.world_size} ranks" if self.world_size > 1 else ""
            most = max(1, samples // self.world_size)
            raise DataError(
                f"the training set has {samples} samples, fewer than one batch of {self.batch_size}{ranks}",
                f"-o Train.loader.batch_size_per_card={most}, or Train.loader.drop_last=false",
            )

    def __len__(self) -> int:
        return -(-self._mine // self.batch_size)

    def batch(self, epoch: int, step: int) -> np.ndarray:
        """Return the sample numbers of a batch, int64 [<= batch_size]."""
        return self.order.indices(epoch, self._positions(step))

    def earlier(self, epoch: int, step: int, count: int) -> np.ndarray:
        """Return the samples taken before each one of a batch, int64 [<= batch_size, count]; see `EpochOrder`."""
        return self.order.earlier(epoch, self._positions(step), self.world_size, count)

    def image_size(self, epoch: int, step: int) -> tuple[int, int] | None:
        """Return the (height, width) a batch's images must have; None: the transforms decide."""
        return None

    def largest(self, epoch: int, step: int) -> float:
        """Return how many times the pixels of one batch the largest batch of an epoch may have."""
        return 1.0

    def _positions(self, step: int) -> np.ndarray:
        mine = np.arange(step * self.batch_size, min((step + 1) * self.batch_size, self._mine))
        return (mine * self.world_size + self.rank) % len(self.order)
