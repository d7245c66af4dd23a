"""Resizing a whole image for a detector, in evaluation and deployment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import cv2
import numpy as np
from pydantic import Field

from ppocr.arguments import Argument
from ppocr.config.ranges import Side
from ppocr.data.transforms.base import Sample, Transform
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS, Typed, Unknown, parameters, typed_or_unknown

STRIDE = 32  # sides are multiples of what a detector's last stage divides them by
LONG_STRIDE = 128  # upstream: `resize_long` rounds up to this
MOST_PIXELS = 4000 * 4000  # of a result: a network at a quarter of this with 256 channels takes a gigabyte a layer
OTHER_WAYS = ("image_shape", "keep_ratio", "resize_long")  # than `limit_side_len`
LimitType = Literal["min", "max", "resize_long"]
Length = Annotated[int, Field(ge=1, le=65_535)]  # the longest side of a JPEG


@TRANSFORMS.register()
class DetResizeForTest(Transform):
    """Resize an image so that both sides are multiples of 32.

    One of three ways: `image_shape`, `resize_long`, or `limit_side_len`, which is the default.

    Args:
        image_shape: height and width of every result.
        keep_ratio: let the width of `image_shape` follow the image's proportions, rounded up.
        limit_side_len: a length in pixels; 736 when None.
        limit_type: "min" enlarges images whose shorter side is less than that, "max" shrinks those whose longer side
            is more, "resize_long" gives every longer side that length.
        resize_long: length of the longer side; both sides are rounded up to multiples of 128.
        max_side_limit: no side becomes longer than this. With or without it no result has more than 16 million
            pixels; an image that would is shrunk and noted as "shrunk".
        deployment_resize: keys for these parameters that exported models use instead; None: the same ones.
    """

    provides = ("image", "shape")
    size_multiple = STRIDE
    arguments = (
        Argument(
            "{kind}_limit_side_len",
            "limit_side_len",
            "length in pixels that the limit type is about",
            int,
            instead_of=OTHER_WAYS,
        ),
        Argument(
            "{kind}_limit_type",
            "limit_type",
            "which images are resized to it",
            choices=get_args(LimitType),
            instead_of=OTHER_WAYS,
        ),
    )

    def __init__(
        self,
        image_shape: tuple[Side, Side] | None = None,
        keep_ratio: bool = False,
        limit_side_len: Length | None = None,
        limit_type: LimitType = "min",
        resize_long: Length | None = None,
        max_side_limit: Annotated[int, Field(ge=STRIDE)] | None = None,
        deployment_resize: Mapping[str, Any] | None = None,
    ) -> None:
        self.keep_ratio = keep_ratio
        self.image_shape = None if image_shape is None else _checked_shape(image_shape, keep_ratio)
        self.limit_side_len = 736 if limit_side_len is None else limit_side_len
        self.limit_type = limit_type
        self.resize_long = resize_long
        self.max_side_limit = max_side_limit
        self.deployed = self
        if deployment_resize is not None:
            view = TRANSFORMS.build({"name": "DetResizeForTest", **deployment_resize})
            self.deployed = view.with_changes(_config=dict(deployment_resize))

    @staticmethod
    def unknown_inside(values: Mapping[str, Any]) -> Iterator[Typed | Unknown]:
        """Yield what is in `deployment_resize`."""
        accepted = {key: p for key, p in parameters(DetResizeForTest)[0].items() if key != "deployment_resize"}
        return typed_or_unknown(("deployment_resize",), values.get("deployment_resize"), accepted)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Resize `image` (uint8 [H, W, 3]) and add `shape`.

        `shape` is float64 [4]: height and width of the source, and what each was multiplied with.
        """
        image = sample["image"]
        height, width = image.shape[:2]
        if height + width < 2 * STRIDE:  # upstream: tiny images are padded before they are enlarged
            image = _padded(image)
        new_height, new_width, shrunk = self._target(*image.shape[:2])
        if shrunk:
            detail = f"{width} x {height} to {new_width} x {new_height}, to bound the memory"
            sample.setdefault("notes", []).append(("shrunk", detail))
        ratios = new_height / image.shape[0], new_width / image.shape[1]
        if image.shape[:2] != (new_height, new_width):
            image = cv2.resize(image, (new_width, new_height))
        sample["image"] = image
        sample["shape"] = np.array([height, width, *ratios])
        return sample

    def for_inference(self) -> DetResizeForTest:
        """Return the resize of evaluation."""
        kept = {key: value for key, value in self.config().items() if key != "deployment_resize"}
        return self.with_changes(_config=kept)

    def for_deployment(self) -> DetResizeForTest:
        """Return the resize of exported models."""
        return self.deployed.for_inference()

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (H, W, C) of the result, with -1 where it depends on a size that is not known."""
        height, width, channels = shape
        if min(height, width) < 1:
            if self.image_shape is None:
                return -1, -1, channels
            return self.image_shape[0], -1 if self.keep_ratio else self.image_shape[1], channels
        if height + width < 2 * STRIDE:
            height, width = max(height, STRIDE), max(width, STRIDE)
        return (*self._target(height, width)[:2], channels)

    def _target(self, height: int, width: int) -> tuple[int, int, bool]:
        """Return the new height and width, and whether a bound made them smaller."""
        new_height, new_width = self._wanted(height, width)
        ratio = min(1.0, math.sqrt(MOST_PIXELS / (new_height * new_width)))
        if self.max_side_limit is not None:
            ratio = min(ratio, self.max_side_limit / max(new_height, new_width))
        if ratio == 1 or self.image_shape is not None and not self.keep_ratio:
            return new_height, new_width, False
        new_height, new_width = _down(new_height * ratio), _down(new_width * ratio)
        # a side that 32 made longer than its share leaves less to the other
        return min(new_height, _down(MOST_PIXELS / new_width)), min(new_width, _down(MOST_PIXELS / new_height)), True

    def _wanted(self, height: int, width: int) -> tuple[int, int]:
        if self.image_shape is not None:
            new_height, new_width = self.image_shape
            if self.keep_ratio:
                new_width = math.ceil(width * new_height / height / STRIDE) * STRIDE
            return new_height, new_width
        if self.resize_long is not None:
            ratio = self.resize_long / max(height, width)
            new_height, new_width = (-(-int(side * ratio) // LONG_STRIDE) * LONG_STRIDE for side in (height, width))
            return max(new_height, LONG_STRIDE), max(new_width, LONG_STRIDE)
        ratio = self._ratio(height, width)
        new_height, new_width = (max(round(int(side * ratio) / STRIDE) * STRIDE, STRIDE) for side in (height, width))
        return new_height, new_width

    def _ratio(self, height: int, width: int) -> float:
        limit, longest, shortest = self.limit_side_len, max(height, width), min(height, width)
        if self.limit_type == "max":
            return limit / longest if longest > limit else 1.0
        if self.limit_type == "min":
            return limit / shortest if shortest < limit else 1.0
        return limit / longest


def _checked_shape(shape: Sequence[int], keep_ratio: bool) -> tuple[int, int]:
    height, width = shape
    if height * width > MOST_PIXELS:
        raise ConfigError(f"DetResizeForTest.image_shape: {list(shape)} has more than {MOST_PIXELS} pixels")
    if height % STRIDE or (width % STRIDE and not keep_ratio):
        near = [max(1, round(side / STRIDE)) * STRIDE for side in shape]
        raise ConfigError(
            f"DetResizeForTest.image_shape: the sides of {list(shape)} are not multiples of {STRIDE}",
            f"the nearest are {near}",
        )
    return height, width


def _padded(image: np.ndarray) -> np.ndarray:
    """Return an image with black to the right and below, both sides at least 32."""
    below, right = (max(0, STRIDE - side) for side in image.shape[:2])
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT)


def _down(length: float) -> int:
    return max(int(length) // STRIDE * STRIDE, STRIDE)
