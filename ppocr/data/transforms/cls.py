"""Labels and image sizes of classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from ppocr.arguments import Argument
from ppocr.codecs.class_names import ClassNames
from ppocr.config.ranges import Side, SideOrFree
from ppocr.data.transforms.base import Sample, Transform
from ppocr.data.transforms.rec_resize import MOST_PIXELS, RecResizeImg, image_shape
from ppocr.declarations import Filled
from ppocr.errors import ConfigError, SampleError
from ppocr.registry import TRANSFORMS


@TRANSFORMS.register()
class ClsLabelEncode(Transform):
    """Turn the name of a class into its index.

    Args:
        codec: the names; filled in.

    Raises:
        ConfigError: there are none.
    """

    needs = ("label",)
    provides = ("label",)
    label_only = True
    codec_class = ClassNames

    def __init__(self, codec: Filled[ClassNames | None]) -> None:
        if codec is None:
            raise ConfigError("Global.label_list is missing: it names the classes")
        self.codec = codec

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `label` (str) by its index, int64; `text` keeps the name.

        Raises:
            SampleError: "unknown_label".
        """
        sample["text"] = sample["label"]
        sample["label"] = np.array(self.codec.encode(sample["label"]), np.int64)
        return sample


@TRANSFORMS.register()
class ClsResizeImg(RecResizeImg):
    """Resize a text line to a fixed height, keep its proportions up to a width, pad with zeros, and scale to [-1, 1].

    Args:
        image_shape: (C, H, W) of the result.
    """

    provides = ("image",)
    from_global = ()
    none_without_global = ()
    frees_width = False
    arguments = (Argument("{kind}_image_shape", "image_shape", '"3, 48, 192"', image_shape),)

    def __init__(self, image_shape: Sequence[SideOrFree]) -> None:
        super().__init__(image_shape, character_dict_path=None)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Replace `image` (uint8 [h, w, 3] or [h, w]) by float32 [C, H, W]."""
        sample = super().__call__(sample, rng)
        del sample["valid_ratio"]
        return sample

    def for_inference(self) -> ClsResizeImg:
        """Return itself."""
        return self

    def for_deployment(self) -> ClsResizeImg:
        """Return itself: a class needs no more than evaluation shows of a line."""
        return self


@TRANSFORMS.register()
class ResizeImage(Transform):
    """Resize an image to a size, whatever its proportions, or its shorter side to a length.

    Args:
        size: [width, height], or one number for both.
        resize_short: length of the shorter side; the other follows.

    Raises:
        ConfigError: not exactly one of them, or no size.
    """

    def __init__(
        self,
        size: Side | tuple[Side, Side] | None = None,
        resize_short: Annotated[int, Field(ge=1, le=8192)] | None = None,
    ) -> None:
        if (size is None) == (resize_short is None):
            raise ConfigError("ResizeImage: exactly one of size and resize_short is needed")
        self.size = None if size is None else _pair(size, "ResizeImage.size")
        self.resize_short = resize_short

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Resize `image`, uint8 [h, w, 3]."""
        height, width = sample["image"].shape[:2]
        size = self._fitting(height, width)
        if size != (width, height):
            sample["image"] = cv2.resize(sample["image"], size)
        return sample

    def _fitting(self, height: int, width: int) -> tuple[int, int]:
        if self.size is not None:
            return self.size
        assert self.resize_short is not None
        factor = self.resize_short / min(height, width)
        return round(width * factor), round(height * factor)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (H, W, C)."""
        if self.size is None and min(shape[:2]) < 1:
            return -1, -1, *shape[2:]
        return *self._fitting(*shape[:2])[::-1], *shape[2:]


@TRANSFORMS.register()
class CropImage(Transform):
    """Keep the middle of an image.

    Args:
        size: [width, height], or one number for both.

    Raises:
        ConfigError: no size.
    """

    def __init__(self, size: Side | tuple[Side, Side]) -> None:
        self.size = _pair(size, "CropImage.size")

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Cut `image`, uint8 [h, w, 3], of which no side may be shorter.

        Raises:
            SampleError: "too_small".
        """
        image, (width, height) = sample["image"], self.size
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        if min(top, left) < 0:
            found = f"{image.shape[1]} x {image.shape[0]}"
            raise SampleError("too_small", f"{found} pixels hold no {width} x {height}: resize before CropImage")
        sample["image"] = image[top : top + height, left : left + width]
        return sample

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (H, W, C)."""
        return *self.size[::-1], *shape[2:]


def _pair(size: int | Sequence[int], key: str) -> tuple[int, int]:
    width, height = (size, size) if isinstance(size, int) else size
    if width * height > MOST_PIXELS:
        raise ConfigError(f"{key}: {size} has more than {MOST_PIXELS} pixels")
    return int(width), int(height)
