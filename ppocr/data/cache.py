"""Decoded images kept in memory that all data workers share."""

from __future__ import annotations

import logging
import math
import mmap
import multiprocessing
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ppocr.data.transforms.base import Pipeline
from ppocr.data.transforms.image import DecodeImage
from ppocr.errors import ConfigError, SampleError, one_sample
from ppocr.suggestions import did_you_mean
from ppocr.utils.image_size import image_size
from ppocr.utils.memory import available_bytes

KEYS = ("ram",)
_GIB = 1 << 30
_HEADER = 64  # bytes; the first eight tell where free space begins
_ENTRY = np.dtype([("offset", np.int64), ("height", np.uint32), ("width", np.uint32)])
_ABSENT, _CLAIMED = 0, -1  # in place of an offset
_PATIENCE_SECONDS = 2.0  # the lock is held for microseconds: who had it that long was killed
_LOOKED_AT = 64  # images whose size is looked up for the estimate

logger = logging.getLogger("ppocr")


class PixelCache:
    """Pixels by the number of a sample, in one anonymous mapping that processes inherit by fork.

    Images are added until no room is left and never removed: with random order every choice of them serves as
    well as another. Reading takes no lock. Whatever number of processes use it, it takes no more than its size,
    index included, and of that only what has been written.

    A process that is started anew instead of forked (no data worker is on Linux) does not get the cache: pickled
    it becomes None.

    Args:
        size: bytes.
        count: samples of the data set.
        gray: pixels are [H, W], not [H, W, 3].

    Raises:
        ConfigError: the index alone is larger, or the system refuses so much memory.
    """

    def __init__(self, size: int, count: int, gray: bool = False) -> None:
        start = _HEADER + count * _ENTRY.itemsize
        if size < start:
            raise ConfigError(
                f"dataset.cache.ram: {size / _GIB:.3g} GiB do not even hold the list of {count} images",
                "raise it, or leave cache out",
            )
        try:
            self._memory = mmap.mmap(-1, size)
            self._lock = multiprocessing.get_context("fork" if sys.platform.startswith("linux") else None).Lock()
        except (OSError, ValueError, OverflowError) as error:
            raise ConfigError(
                f"dataset.cache.ram: {size / _GIB:.3g} GiB of shared memory are not to be had: {error}", "lower it"
            ) from error
        self.size = size
        self._tail = () if gray else (3,)
        self._bytes = np.frombuffer(self._memory, np.uint8)
        self._kept = self._bytes.view()
        self._kept.setflags(write=False)  # so are its slices: a transform that writes into one fails
        self._free = np.frombuffer(self._memory, np.int64, 1)
        self._entries = np.frombuffer(self._memory, _ENTRY, count, _HEADER)
        self._offsets = self._entries["offset"]  # eight aligned bytes each: never seen half written
        self._free[0] = start
        self._adding = True

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        logger.warning("dataset.cache: data workers of this system do not share memory, and decode every image")
        return type(None), ()

    def __len__(self) -> int:
        """Return how many images there are."""
        return int((self._offsets > 0).sum())

    @property
    def used(self) -> int:
        """Bytes taken so far, index included."""
        return int(self._free[0])

    def get(self, number: int) -> np.ndarray | None:
        """Return the pixels of a sample, uint8 and read-only; None where they are not here."""
        offset = int(self._offsets[number])
        if offset <= 0:
            return None
        _, height, width = self._entries[number].item()  # written before the offset, so read after it
        shape = (height, width, *self._tail)
        return self._kept[offset : offset + math.prod(shape)].reshape(shape)

    def add(self, number: int, pixels: np.ndarray) -> None:
        """Copy the pixels of a sample, uint8 [H, W, 3] or [H, W], unless there is no room or they are here already."""
        offset = self._claim(number, pixels.nbytes)
        if offset is None:
            return
        self._bytes[offset : offset + pixels.nbytes].reshape(pixels.shape)[...] = pixels
        entry = self._entries[number : number + 1]
        entry["height"], entry["width"] = pixels.shape[:2]
        with self._lock:  # a memory barrier: whoever sees the offset sees all that was written before
            self._offsets[number] = offset

    def _claim(self, number: int, size: int) -> int | None:
        """Set room aside; None where there is none or another process was first."""
        if not self._adding or self._free[0] + size > self.size or self._offsets[number] != _ABSENT:
            return None
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS):
            self._adding = False
            return None
        try:
            offset = int(self._free[0])
            if offset + size > self.size or self._offsets[number] != _ABSENT:
                return None
            self._free[0] = offset + size
            self._offsets[number] = _CLAIMED
            return offset
        finally:
            self._lock.release()


def open_cache(
    options: Mapping[str, Any] | None, pipeline: Pipeline, count: int, read: Callable[[int], Any]
) -> tuple[PixelCache, DecodeImage] | None:
    """Return a cache as `dataset.cache` asks for it, and what decodes the images it is to hold; None without.

    A line in the log says so when not all images will fit, or the machine has not as much memory.

    Args:
        options: `{ram: GiB}`; None, or 0 GiB, for no cache.
        pipeline: which the images are for.
        count: how many there are.
        read: gives the encoded image of a number.

    Raises:
        ConfigError: other keys or values, a pipeline that does not decode first, or too little memory.
    """
    size = _size(options)
    if size == 0:
        return None
    decoder = next((step for step in pipeline.transforms if "image" in (*step.needs, *step.provides)), None)
    if not isinstance(decoder, DecodeImage):
        raise ConfigError(
            "dataset.cache: the transforms do not begin with DecodeImage, so that there are no pixels to keep",
            "leave cache out",
        )
    gray = decoder.img_mode == "GRAY"
    cache = PixelCache(size, count, gray)
    needed = _HEADER + count * _ENTRY.itemsize + estimate(read, count) * (1 if gray else 3)
    if needed > size:
        logger.info(
            f"dataset.cache: about {size / needed:.0%} of the {count} images fit into {size / _GIB:.3g} GiB, all would "
            f"take about {needed / _GIB:.3g} GiB; the others are decoded each time"
        )
    free = available_bytes()
    if free is not None and min(needed, size) > free:
        logger.warning(
            f"dataset.cache: {min(needed, size) / _GIB:.3g} GiB are wanted, {free / _GIB:.3g} GiB of memory are free: "
            "the system may end the run; lower dataset.cache.ram"
        )
    return cache, decoder


def _size(options: Mapping[str, Any] | None) -> int:
    """Return the bytes asked for."""
    if options is None:
        return 0
    if not isinstance(options, Mapping):
        raise ConfigError(f"dataset.cache: {options!r} is no section", "such as cache: {ram: 2}")
    for key in options:
        if key not in KEYS:
            raise ConfigError(f"dataset.cache.{key}: unknown key{did_you_mean(str(key), KEYS)}")
    ram = options.get("ram", 0)
    if isinstance(ram, bool) or not isinstance(ram, (int, float)) or not 0 <= ram < math.inf:
        raise ConfigError(f"dataset.cache.ram: {ram!r} is not a number of GiB", "such as 2, or 0.5")
    return int(ram * _GIB)


def estimate(read: Callable[[int], Any], count: int) -> int:
    """Return about how many pixels all images have together, from the headers of a few spread evenly."""
    found = []
    for place in range(min(_LOOKED_AT, count)):
        try:
            with one_sample():
                size = image_size(read(place * count // min(_LOOKED_AT, count)))
        except SampleError:  # reported when it is read for itself
            continue
        if size is not None:
            found.append(size[0] * size[1])
    return int(np.mean(found) * count) if found else 0
