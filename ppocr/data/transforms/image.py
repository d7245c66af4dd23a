"""Transforms that any task uses: decoding, normalising, axis order, and the choice of what reaches the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from ppocr.config.ranges import Pixels, Positive
from ppocr.data.transforms.base import ALWAYS_KEPT, Context, Sample, Transform
from ppocr.data.transforms.geometry import PendingImage
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS
from ppocr.utils.image_io import MAX_IMAGE_PIXELS, check_size, decode_image, upright_size


@TRANSFORMS.register()
@dataclass(eq=False)
class DecodeImage(Transform):
    """Turn the bytes of an image file into pixels.

    Args:
        img_mode: "RGB", "BGR" or "GRAY"; the last still gives three channels, all equal.
        channel_first: give [3, H, W] instead of [H, W, 3].
        ignore_orientation: do not turn the image as its EXIF data says.
        max_image_pixels: refuse images whose header states more; None for no cap.
    """

    from_global = ("max_image_pixels",)

    img_mode: Literal["RGB", "BGR", "GRAY"] = "RGB"
    channel_first: bool = False
    ignore_orientation: bool = False
    max_image_pixels: Pixels | None = MAX_IMAGE_PIXELS

    _leave_pending = False

    def compiled(self, context: Context) -> Transform:
        """Return the variant that leaves the decoding to a later step where that can decode less than all."""
        return self.with_changes(_leave_pending=context.next_takes_pending and not self.channel_first)

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Decode `sample["image"]`: bytes, or pixels that are taken as decoded, as `decode` gives them.

        Raises:
            SampleError: "empty_file", "too_large" or "undecodable".
        """
        image = sample["image"]
        pixels = isinstance(image, np.ndarray) and image.ndim > 1
        size = upright_size(image, self.ignore_orientation) if self._leave_pending and not pixels else None
        if size is not None:
            check_size(size, self.max_image_pixels)
            sample["image"] = PendingImage(
                lambda r: self._in_mode(self.decode(image, r)), size[1], size[0], reducible=True
            )
            return sample
        decoded = self._in_mode(image if pixels else self.decode(image))
        sample["image"] = decoded.transpose(2, 0, 1) if self.channel_first else decoded
        return sample

    def decode(self, data: bytes | np.ndarray, reduction: int = 1) -> np.ndarray:
        """Return the pixels of an encoded image in the form that calling this takes as decoded.

        Args:
            data: the bytes of the file.
            reduction: by which both sides are divided.

        Raises:
            SampleError: "empty_file", "too_large" or "undecodable".
        """
        return decode_image(
            data,
            gray=self.img_mode == "GRAY",
            ignore_orientation=self.ignore_orientation,
            max_pixels=self.max_image_pixels,
            reduction=reduction,
        )

    def _in_mode(self, image: np.ndarray) -> np.ndarray:
        """Return blue-green-red or grey pixels in this mode, with three channels."""
        if self.img_mode == "GRAY" and image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if image.ndim == 2:
            return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if self.img_mode == "RGB" else image

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the size of the file's image with three channels, first or last."""
        return (3, *shape[:2]) if self.channel_first else (*shape[:2], 3)

    def config(self) -> dict[str, Any]:
        """Return the arguments other runtimes know; the pixel cap is not one of them."""
        return {k: v for k, v in super().config().items() if k != "max_image_pixels"}


@TRANSFORMS.register()
class NormalizeImage(Transform):
    """Scale pixels, subtract the mean and divide by the standard deviation, to float32.

    Args:
        scale: factor on the pixels, as a number or a quotient such as "1./255."; 1/255 when None.
        mean: mean of each channel after scaling; that of ImageNet when None.
        std: standard deviation of each channel after scaling; that of ImageNet when None.
        order: "hwc" or "chw", the layout of the image.
    """

    def __init__(
        self,
        scale: Positive | str | None = None,
        mean: tuple[float, float, float] | None = None,
        std: tuple[Positive, Positive, Positive] | None = None,
        order: Literal["hwc", "chw"] = "chw",
    ) -> None:
        self.order = order
        self.scale = np.float32(1 / 255 if scale is None else parse_quotient(scale, "NormalizeImage.scale"))
        self.mean = np.asarray([0.485, 0.456, 0.406] if mean is None else mean, np.float32)
        self.std = np.asarray([0.229, 0.224, 0.225] if std is None else std, np.float32)
        self._factors = (self.scale / self.std).tolist()
        self._offsets = (-self.mean / self.std).tolist()
        self._turned = min(self._factors, default=0) < 0  # dark becomes bright: nobody's, but allowed

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Normalise `sample["image"]`: 8-bit values in one pass over each channel, anything else by arithmetic.

        An image in order "hwc" is laid out by channel in memory, so that `ToCHWImage` costs nothing.
        """
        image = sample["image"]
        channels = image.shape[2 if self.order == "hwc" else 0]
        if image.dtype != np.uint8 or channels != len(self._factors) or len(self._offsets) != channels or self._turned:
            sample["image"] = self._compute(image)
            return sample
        planes = cv2.split(image, [*np.empty((channels, *image.shape[:2]), np.uint8)]) if self.order == "hwc" else image
        out = np.empty((channels, *planes[0].shape), np.float32)
        for plane, factor, offset, result in zip(planes, self._factors, self._offsets, out):
            # the only door from Python to OpenCV's scaling conversion, twice as fast as addWeighted: name the ends
            low, high, _, _ = cv2.minMaxLoc(plane)
            ends = low * factor + offset, high * factor + offset
            cv2.normalize(plane, result, *ends, cv2.NORM_MINMAX, cv2.CV_32F)
        sample["image"] = out.transpose(1, 2, 0) if self.order == "hwc" else out
        return sample

    def _compute(self, image: np.ndarray) -> np.ndarray:
        shape = (1, 1, -1) if self.order == "hwc" else (-1, 1, 1)
        out = image.astype(np.float32) * self.scale
        out -= self.mean.reshape(shape)
        out /= self.std.reshape(shape)
        return out


@TRANSFORMS.register()
class ToCHWImage(Transform):
    """Move the channel axis of an image to the front."""

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Turn `sample["image"]` from [H, W, C] into [C, H, W]."""
        sample["image"] = sample["image"].transpose(2, 0, 1)
        return sample

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (C, H, W) of (H, W, C)."""
        return shape[2], shape[0], shape[1]


@TRANSFORMS.register()
class KeepKeys(Transform):
    """Keep what the batch needs and drop the rest of the sample.

    Args:
        keep_keys: the keys to keep; those every sample keeps need not be named.
    """

    provides = ()

    def __init__(self, keep_keys: Sequence[str]) -> None:
        self.keep_keys = tuple(keep_keys)
        self.needs = self.keep_keys
        self._from_labels: set[str] = set()

    def compiled(self, context: Context) -> Transform:
        """Return the variant that knows which keys only a labelled image has."""
        made_by_images = {key for t in context.before if not t.label_only for key in t.provides}
        made_by_labels = {key for t in context.before if t.label_only for key in t.provides}
        return self.with_changes(_from_labels=self._from_labels | (made_by_labels - made_by_images))

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Return a sample of the kept keys.

        Raises:
            ConfigError: no earlier transform made one of them.
        """
        try:
            kept = {key: sample[key] for key in self.keep_keys}
        except KeyError:
            missing = ", ".join(key for key in self.keep_keys if key not in sample)
            raise ConfigError(
                f"KeepKeys.keep_keys: no transform makes {missing}", f"a sample has {', '.join(sample)}"
            ) from None
        for key in ALWAYS_KEPT:
            if key in sample:
                kept[key] = sample[key]
        return kept

    def for_inference(self) -> KeepKeys:
        """Return the variant that does not ask for what only labels give."""
        kept = KeepKeys([key for key in self.keep_keys if key not in self._from_labels])
        kept._config = {"keep_keys": list(kept.keep_keys)}
        return kept


def parse_quotient(value: float | str, key: str) -> float:
    """Return the number a YAML value states, as itself or as a quotient of two: 0.5, "1e-2", "1./255.".

    Args:
        value: the number or text.
        key: where it stands, for the message.

    Raises:
        ConfigError: it is neither, or divides by zero.
    """
    try:
        numerator, slash, divisor = str(value).partition("/")
        quotient = float(numerator) / (float(divisor) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        quotient = math.nan
    if not math.isfinite(quotient):
        raise ConfigError(f"{key}: {value!r} is neither a number nor a quotient of two such as 1./255.")
    return quotient
