"""Inputs that a network is tried with, and how outputs differ."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ppocr.deploy.inference_schema import TensorSpec

DEFAULT_SIZE = 64  # height and width of a synthetic image where the network takes any size


def trial_sizes(shape: Sequence[int], multiple: int) -> list[tuple[int, int | None, int | None]]:
    """Return (batch, height, width) of the inputs an export is tried with: three sizes, one image and several.

    Args:
        shape: of the input, -1 where a size is free; what is fixed is None in the result.
        multiple: a free height or width is a multiple of this.
    """

    def tried(size: int, *free: int) -> list[int | None]:
        return [max(1, each // multiple) * multiple if size == -1 else None for each in free]

    heights = tried(shape[-2], DEFAULT_SIZE, 3 * DEFAULT_SIZE, 2 * DEFAULT_SIZE)
    widths = tried(shape[-1], 2 * DEFAULT_SIZE, 5 * DEFAULT_SIZE, 6 * DEFAULT_SIZE + 8)
    return [(batch, heights[i], widths[i]) for batch, i in ((1, 0), (3, 1), (1, 2), (3, 2))]


def random_inputs(
    inputs: Sequence[TensorSpec], batch: int, width: int | None, seed: int = 0, height: int | None = None
) -> dict[str, np.ndarray]:
    """Return random arrays that fit the inputs; `width` and `height` are used where the image's are free."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for spec in inputs:
        free = [DEFAULT_SIZE] * len(spec.shape)
        if len(free) > 1:
            free[-1] = width or DEFAULT_SIZE
        if len(free) == 4:
            free[2] = height or DEFAULT_SIZE
        free[0] = batch
        shape = [size if size > 0 else free[axis] for axis, size in enumerate(spec.shape)]
        integers = np.issubdtype(np.dtype(spec.dtype), np.integer)
        low = -1.0 if spec.key == "image" else 0.5  # of other floats: shares of the image
        values = np.ones(shape) if integers else rng.uniform(low, 1, shape)
        arrays[spec.name] = values.astype(spec.dtype)
    return arrays


def synthetic_image(height: int, width: int) -> bytes:
    """Return a smooth colourful image as PNG."""
    height, width = (size if size > 0 else DEFAULT_SIZE for size in (height, width))
    y, x = np.mgrid[:height, :width]
    image = np.stack([(3 * x + 5 * y) % 256, (7 * x + y) % 256, (x + 11 * y) % 256], axis=-1).astype(np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def difference(expected: np.ndarray, found: np.ndarray) -> float:
    """Return the largest absolute difference of two arrays, infinity where their shapes differ."""
    if expected.shape != found.shape:
        return float("inf")
    return float(np.abs(expected.astype(np.float64) - found).max()) if expected.size else 0.0
