"""Resizing of text lines to the size a recogniser takes, for training and for deployment."""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from ppocr.arguments import Argument
from ppocr.config.ranges import Side, SideOrFree
from ppocr.data.transforms.base import Sample, Transform
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

CHANNELS = (1, 3)
MOST_PIXELS = 2048 * 2048  # of a line: a network at half of both sides with 64 channels takes 256 MB a layer

# 8-bit value -> [-1, 1] in the incumbent's order of float32 operations, so that values agree to the last bit.
_TABLE = (np.arange(256, dtype=np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)


def image_shape(text: str) -> list[int]:
    """Return the three numbers of "3, 48, 320"; a width of -1 is free.

    Raises:
        ArgumentTypeError: they are not a shape.
    """
    try:
        shape = [int(part) for part in text.replace("[", "").replace("]", "").split(",")]
    except ValueError:
        shape = []
    if len(shape) != 3 or min(shape[:2]) < 1 or (shape[2] < 1 and shape[2] != -1):
        raise argparse.ArgumentTypeError(f'{text!r} is not channels, height, width, such as "3, 48, 320"')
    return shape


def _free_width(shape: Sequence[int], section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys for an image shape; a width of -1 keeps the one there is for all images that fit it."""
    if shape[2] > 0:
        return {"image_shape": list(shape)}
    return {"image_shape": [*shape[:2], section["image_shape"][2]], "eval_mode": True}


@TRANSFORMS.register()
class RecResizeImg(Transform):
    """Resize a text line to a fixed height, keep its proportions up to a width, pad with zeros, and scale to [-1, 1].

    Args:
        image_shape: (C, H, W) of the result; one channel is made of three by converting to grey.
        infer_mode: with a dictionary, let lines longer than W keep their proportions instead of squeezing them.
        eval_mode: the same without asking for a dictionary.
        character_dict_path: only whether it is None matters, and only in `infer_mode`. upstream: its default is not
            None, while a configuration without `Global.character_dict_path` passes None.
        padding: False stretches every line to W.
    """

    provides: tuple[str, ...] = ("image", "valid_ratio")
    frees_width = True
    arguments: tuple[Argument, ...] = (
        Argument(
            "{kind}_image_shape",
            "image_shape",
            '"3, 48, 320"; a width of -1 keeps the aspect ratio of long lines',
            image_shape,
            keys=_free_width,
        ),
    )
    from_global: tuple[str, ...] = ("character_dict_path",)
    none_without_global: tuple[str, ...] = ("character_dict_path",)

    def __init__(
        self,
        image_shape: Sequence[SideOrFree],
        infer_mode: bool = False,
        eval_mode: bool = False,
        character_dict_path: str | None = "ppocr/utils/ppocr_keys_v1.txt",
        padding: bool = True,
    ) -> None:
        name = type(self).__name__
        if len(image_shape) != 3 or min(image_shape) < 1 or image_shape[0] not in CHANNELS:
            what = "[channels, height, width] with 1 or 3 channels"
            raise ConfigError(f"{name}.image_shape: {list(image_shape)} is not {what}")
        if image_shape[1] * image_shape[2] > MOST_PIXELS:
            raise ConfigError(f"{name}.image_shape: {list(image_shape)} has more than {MOST_PIXELS} pixels")
        self.image_shape = tuple(int(n) for n in image_shape)
        self.character_dict_path = character_dict_path
        self.padding = padding
        self.dynamic = eval_mode or (infer_mode and character_dict_path is not None)

    def target_size(self) -> tuple[int, int]:
        """Return (height, width) of the result."""
        _, height, width = self.image_shape
        return height, width

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `image` (uint8 [h, w, 3] or [h, w]) by float32 [C, H, W] and add `valid_ratio`, the unpadded part."""
        channels, height, width = self.image_shape
        image = sample["image"]
        if self.dynamic:
            width = dynamic_width(height, width, image.shape[1] / image.shape[0])
        sample["image"], sample["valid_ratio"] = fitted(
            image, (channels, height, width), padding=self.padding or self.dynamic
        )
        return sample

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (C, H, W), with -1 for W where it follows an image of unknown size."""
        channels, height, width = self.image_shape
        if not self.dynamic:
            return channels, height, width
        known = min(shape[:2]) > 0
        return channels, height, dynamic_width(height, width, shape[1] / shape[0]) if known else -1

    def for_inference(self) -> RecResizeImg:
        """Return the variant for images without labels, whose pixels are evaluation's: only what is free is free."""
        # eval_mode says it without naming a dictionary, which a deployed model does not have as a file.
        return deployed_view(
            self.image_shape, {"eval_mode": True} if self.dynamic else {} if self.padding else {"padding": False}
        )

    def for_deployment(self) -> RecResizeImg:
        """Return the variant in which lines longer than W keep their aspect ratio; W is the least width.

        upstream: so do its deployed commands, while its evaluation does not keep it.
        """
        return deployed_view(self.image_shape, {"eval_mode": True}) if self.padding else self.for_inference()


@TRANSFORMS.register()
class SVTRRecResizeImg(RecResizeImg):
    """RecResizeImg under the name, and with the two keys, that configurations of SVTR have.

    Args:
        image_shape: (C, H, W) of the result.
        padding: False stretches every line to W.
    """

    from_global = ()
    none_without_global = ()
    arguments = (Argument("{kind}_image_shape", "image_shape", '"3, 64, 256"', image_shape),)

    def __init__(self, image_shape: Sequence[SideOrFree], padding: bool = True) -> None:
        super().__init__(image_shape, character_dict_path=None, padding=padding)


@TRANSFORMS.register()
class MultiScaleResize(Transform):
    """Resize a text line to the size that the sampler chose for its batch; `MultiScaleDataSet` puts it in place.

    Args:
        sizes: the [height, width] there are.
        free_width: the width follows the lines of a batch.
    """

    provides = ("image", "valid_ratio")

    def __init__(self, sizes: Sequence[Sequence[Side]], free_width: bool = False) -> None:
        self.sizes = [(int(height), int(width)) for height, width in sizes]
        self.free_width = free_width
        # widths that follow lines are whole multiples of the height
        sides = [side for size in self.sizes for side in (size[:1] if free_width else size)]
        self.size_multiple = functools.reduce(math.gcd, sides)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `image` (uint8 [h, w, 3] or [h, w]) by float32 [3, H, W] of `size`, and add `valid_ratio`."""
        height, width = sample.pop("size", self.sizes[0])
        sample["image"], sample["valid_ratio"] = fitted(sample["image"], (3, height, width))
        return sample

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (3, H, W), with -1 for what differs between batches."""
        heights, widths = ({size[side] for size in self.sizes} for side in (0, 1))
        height = heights.pop() if len(heights) == 1 else -1
        return 3, height, widths.pop() if len(widths) == 1 and not self.free_width else -1

    def for_inference(self) -> RecResizeImg:
        """Return the resize to the first size, longer lines as long as they are."""
        return deployed_view((3, *self.sizes[0]), {"eval_mode": True})


def deployed_view(shape: Sequence[int], options: Mapping[str, bool]) -> RecResizeImg:
    """Return the resize of a shape for images without labels, as `inference.yml` writes it."""
    config: dict[str, Any] = {"image_shape": list(shape), **options}
    return RecResizeImg(**config, character_dict_path=None).with_changes(_config=config)


def fitted(image: np.ndarray, shape: tuple[int, int, int], *, padding: bool = True) -> tuple[np.ndarray, np.float32]:
    """Return a line in a network's image, scaled to [-1, 1], and the share of its width that is not padding.

    Args:
        image: uint8 [h, w, 3] or [h, w].
        shape: (C, H, W) of the result; one channel is made of three by converting to grey, three of one by copying.
        padding: keep the proportions of lines that are not too long, and pad with zeros.
    """
    channels, height, width = shape
    if channels == 1 and image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.shape[2] == 3 else image[:, :, 0]
    elif channels == 3 and image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    filled = fitted_width(image.shape, (height, width)) if padding else width
    if image.shape[:2] != (height, filled):
        image = cv2.resize(image, (filled, height))
    out = np.zeros(shape, np.float32)
    _scale_into(_stack_planes(image), out.reshape(channels * height, width)[:, :filled])
    return out, np.float32(min(1.0, filled / width))


def fitted_width(shape: Sequence[int], target: tuple[int, int]) -> int:
    """Return the width an image of (h, w, ...) takes at the target's height, at most the target's width."""
    height, width = target
    return min(width, math.ceil(height * (shape[1] / shape[0])))


def dynamic_width(height: int, width: int, ratio: float) -> int:
    """Return the width of an input that holds a line of width/height `ratio`, at least `width`."""
    return int(height * max(width / height, ratio))


def _stack_planes(image: np.ndarray) -> np.ndarray:
    """Return the channels of an image below one another, [C * H, W], so that one call serves them all."""
    if image.ndim == 2:
        return image
    height, width, channels = image.shape
    planes = np.empty((channels * height, width), image.dtype)
    cv2.split(image, [planes[top : top + height] for top in range(0, channels * height, height)])
    return planes


def _scale_into(plane: np.ndarray, out: np.ndarray) -> None:
    """Write pixels, scaled from [0, 255] to [-1, 1], into a float32 array of their size."""
    if plane.dtype == np.uint8:
        cv2.LUT(plane, _TABLE, out)
    else:
        np.divide(plane, np.float32(255), out=out)
        out -= np.float32(0.5)
        out /= np.float32(0.5)
