"""Batches whose image size changes from one to the next: several heights, or widths that follow the lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from ppocr.config.ranges import Count, Positive, Side
from ppocr.data.samplers import EpochOrder, mix, share_of, shuffled
from ppocr.declarations import Filled
from ppocr.errors import ConfigError, DataError
from ppocr.registry import SAMPLERS

MAX_W = 480.0
_ASSIGNED, _VISITED = 11, 12  # keep apart the two shuffles of an epoch


class Scale(NamedTuple):
    """An image size, and how many images of it make a batch."""

    width: int
    height: int
    batch: int


def scales_of(
    scales: Sequence[int | tuple[int, int]],
    first_bs: int = 128,
    fix_bs: bool = True,
    divided_factor: Sequence[int] = (8, 16),
    is_training: bool = True,
) -> list[Scale]:
    """Return the sizes of a sampler's batches; see `MultiScaleSampler` for the arguments.

    Raises:
        ConfigError: there is no size, or one smaller than its divisor.
    """
    pairs = [(size, size) if isinstance(size, int) else size for size in scales]
    if not pairs:
        raise ConfigError("MultiScaleSampler.scales is empty", "name at least one [width, height]")
    width, height = pairs[0]
    if not is_training:
        return [Scale(width, height, first_bs)]
    pixels = width * height * first_bs
    found = []
    for wide, high in pairs:
        w, h = (side // factor * factor for side, factor in zip((wide, high), divided_factor))
        if min(w, h) < 1:
            raise ConfigError(
                f"MultiScaleSampler.scales: {[wide, high]} is smaller than divided_factor {list(divided_factor)}"
            )
        found.append(Scale(w, h, first_bs if fix_bs else max(1, int(pixels / (w * h)))))
    return found


def planned(scales: Sequence[Scale], samples: int, fill: bool) -> list[Scale]:
    """Return the batches of an epoch: rounds through all scales until every sample has been seen.

    Args:
        scales: of the batches.
        samples: how many there are.
        fill: what a batch lacks when the samples have run out is filled with samples seen before, at most all of
            them once; else it is smaller.
    """
    found: list[Scale] = []
    done = 0
    while done < samples:
        for scale in scales:
            left = min(scale.batch, max(0, samples - done))
            found.append(scale._replace(batch=left + fill * min(scale.batch - left, samples)))
            done += scale.batch
    return found


@SAMPLERS.register("MultiScaleSampler")
@dataclass(eq=False)
class MultiScaleSampler:
    """Batches of several image sizes; order and sizes are a function of (seed, epoch, step).

    All ranks have equally many batches, and at one step batches of one height and length. Every sample of an
    epoch is in a batch; those that fill up the last ones are in two.

    Args:
        scales: image sizes as [width, height], or one number for both.
        first_bs: images in a batch of the first size.
        fix_bs: as many in all batches; false: as many as make equally many pixels.
        divided_factor: widths and heights are rounded down to multiples of these two.
        is_training: false: batches of the first size only.
        max_w: widest images where the width follows the lines.
        order: the samples of an epoch (filled in by the builder, as are those below).
        line_ratios: width by height of every sample's line: lines alike then make a batch, and the width follows
            their mean; None for the widths of `scales`.
        train: false in evaluation, where each sample is in exactly one batch, of the first size.
        seed: the run's seed.
        rank: this process.
        world_size: processes that share an epoch.

    Raises:
        ConfigError: see `scales_of`.
        DataError: there is no sample.
    """

    gives_sizes = True
    ignored_keys = ("ratio_wh",)  # upstream: kept and unused

    scales: Sequence[Side | tuple[Side, Side]]
    first_bs: Count = 128
    fix_bs: bool = True
    divided_factor: tuple[Count, Count] = (8, 16)
    is_training: bool = True
    max_w: Positive = MAX_W
    _: KW_ONLY
    order: Filled[EpochOrder]
    line_ratios: Filled[np.ndarray | None] = None
    train: Filled[bool] = True
    seed: Filled[int] = 0
    rank: Filled[int] = 0
    world_size: Filled[int] = 1

    def __post_init__(self) -> None:
        self._shuffles = self.train and self.is_training  # beyond what the order does
        self._scales = scales_of(self.scales, self.first_bs, self.fix_bs, self.divided_factor, self._shuffles)
        if len(self.order) == 0:
            raise DataError("the data set holds no sample", "check label_file_list and ratio_list")
        self._mine = share_of(len(self.order), self.train, self.rank, self.world_size)
        self._plan = planned(self._scales, self._mine, fill=self.train)
        self._kept: dict[str, tuple[int, Any]] = {}

    def __len__(self) -> int:
        return len(self._plan)

    @property
    def batch_size(self) -> int:
        """Images in a batch of this rank, on average."""
        return max(1, round(self.samples / max(1, len(self))))

    @property
    def samples(self) -> int:
        """Samples this rank takes from an epoch."""
        return sum(scale.batch for scale in self._plan)

    def batch(self, epoch: int, step: int) -> np.ndarray:
        """Return the sample numbers of a batch, int64."""
        positions = self._positions(epoch, step)
        if self.line_ratios is None:
            return self.order.indices(epoch, positions)
        return self._of_epoch("sorted", epoch, self._sort_by_ratio)[positions]

    def earlier(self, epoch: int, step: int, count: int) -> np.ndarray:
        """Return the samples taken before each one of a batch, int64 [N, count]; see `EpochOrder`.

        Lines sorted by their proportions have none: neighbours are alike, not random.
        """
        positions = self._positions(epoch, step)
        if self.line_ratios is not None:
            return np.full((len(positions), count), -1)
        return self.order.earlier(epoch, positions, self.world_size, count)

    def image_size(self, epoch: int, step: int) -> tuple[int, int]:
        """Return (height, width) of the images of a batch."""
        visited, _ = self._of_epoch("layout", epoch, self._lay_out)
        width, height, _ = self._plan[visited[step]]
        if self.line_ratios is None:
            return height, width
        mean = float(self.line_ratios[self.batch(epoch, step)].mean())
        return height, height * max(1, round(mean if mean * height < self.max_w else self.max_w / height))

    def largest(self, epoch: int, step: int) -> float:
        """Return how many times the pixels of one batch the largest batch of an epoch may have."""
        height, width = self.image_size(epoch, step)
        widest = 0 if self.line_ratios is None else self.max_w
        # rounding the ratio adds at most half a height
        pixels = [(max(s.width, widest + s.height / 2) if widest else s.width) * s.height * s.batch for s in self._plan]
        return max(pixels) / (height * width * len(self._positions(epoch, step)))

    def _lay_out(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which batch of the plan each step is, and the position each batch of the plan starts at."""
        count = len(self._plan)
        visited = assigned = np.arange(count)
        if self._shuffles:
            visited = shuffled(visited, count, mix(self.seed, epoch, _VISITED))
            assigned = shuffled(assigned, count, mix(self.seed, epoch, _ASSIGNED))
        starts = np.zeros(count, np.int64)
        sizes = np.array([self._plan[i].batch for i in assigned], np.int64)
        starts[assigned] = np.cumsum(sizes) - sizes
        return visited, starts

    def _positions(self, epoch: int, step: int) -> np.ndarray:
        """Return where the samples of a batch stand in the epoch's order."""
        visited, starts = self._of_epoch("layout", epoch, self._lay_out)
        start, count = int(starts[visited[step]]) % self._mine, self._plan[visited[step]].batch
        if self.line_ratios is None:
            mine = (start + np.arange(count)) % self._mine
            return (mine * self.world_size + self.rank) % len(self.order)
        # the last batch goes back to lines as wide, instead of on to the first and narrowest
        mine = (min(start, max(0, self._mine - count)) + np.arange(count)) % self._mine
        return np.minimum(mine * self.world_size + self.rank, len(self.order) - 1)

    def _of_epoch(self, what: str, epoch: int, make: Callable[[int], Any]) -> Any:
        """Return what was made for an epoch, made anew when it is another one."""
        if what not in self._kept or self._kept[what][0] != epoch:
            self._kept[what] = epoch, make(epoch)
        return self._kept[what][1]

    def _sort_by_ratio(self, epoch: int) -> np.ndarray:
        """Return the samples of an epoch, narrow lines first; those alike in the epoch's own order."""
        assert self.line_ratios is not None
        samples = self.order.indices(epoch, np.arange(len(self.order)))
        return samples[np.argsort(self.line_ratios[samples], kind="stable")]


def sizes_of(sampler: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the (height, width) of the batches a `sampler` section asks for."""
    known = ("scales", "first_bs", "fix_bs", "divided_factor", "is_training")
    return [(s.height, s.width) for s in scales_of(**{k: v for k, v in sampler.items() if k in known})]
