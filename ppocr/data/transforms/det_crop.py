"""The random crop that detectors train on: never through a text, always with one inside."""

from __future__ import annotations

import numpy as np

from ppocr.config.ranges import Count, Probability, Side
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.geometry import PendingImage, size_of
from ppocr.registry import TRANSFORMS

Window = tuple[int, int, int, int]  # x, y, width, height


@TRANSFORMS.register()
class EastRandomCropData(Transform):
    """Cut out a random part with at least one text and scale it to a fixed size.

    The edges of the part lie where no text that counts is, so that none is cut in two. The part is chosen from
    the polygons alone; where earlier steps left their changes pending, pixels are made here, by one warp.

    Args:
        size: width and height of the result.
        max_tries: parts tried before the whole image is taken.
        min_crop_side_ratio: least side of the part, as a share of the image's.
        keep_ratio: keep proportions, with black to the right or below; else the part fills the result.
        fuse: take pending changes along; without it the step before makes its own pixels.

    Source: the random crop of EAST (https://arxiv.org/abs/1704.03155) as DB trains with it.
    """

    needs = ("image", "polys", "ignore_tags", "texts")
    random = True

    def __init__(
        self,
        size: tuple[Side, Side] = (640, 640),
        max_tries: Count = 10,
        min_crop_side_ratio: Probability = 0.1,
        keep_ratio: bool = True,
        fuse: bool = True,
    ) -> None:
        self.width, self.height = size
        self.max_tries = max_tries
        self.min_crop_side_ratio = min_crop_side_ratio
        self.keep_ratio = keep_ratio
        self.takes_pending = fuse

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Crop `image`; `polys`, `texts` and `ignore_tags` keep what still shows, in pixels of the crop.

        Raises:
            SampleError: "undecodable", where pixels were not made before.
        """
        assert rng is not None
        image, polys = sample["image"], sample["polys"]
        ignored = np.asarray(sample["ignore_tags"], bool)
        low, high = polys.min(axis=1, initial=np.inf), polys.max(axis=1, initial=-np.inf)  # [N, 2]
        window = self._choose(low[~ignored], high[~ignored], size_of(image), rng)
        x, y, width, height = window
        scale = min(self.width / width, self.height / height)
        shown = (
            (max(1, int(height * scale)), max(1, int(width * scale))) if self.keep_ratio else (self.height, self.width)
        )
        sample["image"] = PendingImage.of(image).render_window(window, shown, (self.height, self.width))
        factors = np.array([shown[1] / width, shown[0] / height], np.float32)
        kept = np.flatnonzero(((high > (x, y)) & (low < (x + width, y + height))).all(axis=1))
        sample["polys"] = (polys[kept] - np.array([x, y], np.float32)) * factors
        sample["ignore_tags"] = ignored[kept]
        sample["texts"] = [sample["texts"][i] for i in kept]
        return sample

    def _choose(self, low: np.ndarray, high: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> Window:
        """Return a part that cuts no text: the boxes [N, 2] of the texts that count tell where they are."""
        whole = (0, 0, size[1], size[0])
        if not len(low):
            return whole
        edges = []
        for axis, length in enumerate((size[1], size[0])):
            gaps = free_gaps(low[:, axis], high[:, axis], length)
            if not len(gaps):
                return whole
            ends = draw_positions(gaps, self.max_tries, rng)
            edges.append((ends.min(axis=1), ends.max(axis=1)))
        (left, right), (top, bottom) = edges
        wide = (right - left >= self.min_crop_side_ratio * size[1]) & (right > left)
        tall = (bottom - top >= self.min_crop_side_ratio * size[0]) & (bottom > top)
        for place in np.flatnonzero(wide & tall):
            corner, far = (left[place], top[place]), (right[place], bottom[place])
            if ((high > corner) & (low < far)).all(axis=1).any():
                return int(corner[0]), int(corner[1]), int(far[0] - corner[0]), int(far[1] - corner[1])
        return whole

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the fixed size."""
        return self.height, self.width, shape[2]


def free_gaps(low: np.ndarray, high: np.ndarray, length: int) -> np.ndarray:
    """Return the runs of positions 0 .. length - 1 that no interval covers, int64 [G, 2] as (first, after the last).

    Args:
        low: start of each interval.
        high: its end; both are rounded, and the end itself is free.
        length: how many positions there are.
    """
    starts, ends = np.minimum(np.maximum(np.rint([low, high]), 0), length).astype(np.int64)
    order = np.argsort(starts)
    gaps = np.zeros((len(starts) + 1, 2), np.int64)
    np.maximum.accumulate(ends[order], out=gaps[1:, 0])
    gaps[:-1, 1], gaps[-1, 1] = starts[order], length
    return gaps[gaps[:, 0] < gaps[:, 1]]


def draw_positions(gaps: np.ndarray, tries: int, rng: np.random.Generator) -> np.ndarray:
    """Return pairs of free positions, int64 [tries, 2].

    With several gaps each position is drawn from one of them at random, whatever its length, so that a part is as
    likely to begin between two close lines as in a wide margin.

    Args:
        gaps: int64 [G, 2], as `free_gaps` gives them.
        tries: how many pairs.
        rng: source of the choice.
    """
    chosen = gaps[rng.integers(0, len(gaps), (tries, 2))] if len(gaps) > 1 else np.broadcast_to(gaps[0], (tries, 2, 2))
    return rng.integers(chosen[..., 0], chosen[..., 1])
