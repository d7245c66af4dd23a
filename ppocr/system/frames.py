"""Files with several pictures: pages of TIFF, frames of animations and of videos, one by one."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import cv2
import numpy as np

from ppocr.errors import SampleError
from ppocr.system.pixels import from_pillow
from ppocr.utils.image_io import check_size, decode_image
from ppocr.utils.image_size import image_size

if TYPE_CHECKING:
    from PIL import Image

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how such files begin
ANIMATED = (b"\x89PNG", b"GIF8", b"RIFF")  # likewise PNG, GIF and WebP, which may be animations and have alpha

_NEW_SUBFILE_TYPE, _REDUCED = 254, 1  # a TIFF's tag, and its bit that marks a smaller copy of another page
_TILE_WIDTH, _TILE_LENGTH, _TILE_PIXELS = 322, 323, 1 << 20  # a tile may be larger than its page, but not much

Numbered = tuple[int | None, np.ndarray | SampleError]  # None: the only one of its file


def animation_frames(data: bytes, every_frame: int, max_pixels: int) -> Iterator[Numbered]:
    """Yield frames of a PNG, GIF or WebP, each as a whole picture, uint8 [H, W, 3] in blue-green-red order.

    Args:
        data: the file's content.
        every_frame: yield every so manieth, with its number from 0; 0: the first alone, without a number.
        max_pixels: width x height of the largest.

    Raises:
        SampleError: "undecodable" or "too_large".
    """
    check_size(image_size(data) or (0, 0), max_pixels)
    with _opened(io.BytesIO(data), ("PNG", "GIF", "WEBP")) as image:
        if not every_frame or not getattr(image, "is_animated", False):
            yield None, _decoded(image, max_pixels)
            return
        number = 0
        while _seek(image, number):
            yield number, _decoded(image, max_pixels)
            number += every_frame


def tiff_pages(file: BinaryIO, max_pixels: int) -> Iterator[Numbered]:
    """Yield the pages of a TIFF, uint8 [H, W, 3] in blue-green-red order, without smaller copies of the same pages.

    Args:
        file: open and seekable.
        max_pixels: width x height of the largest.

    Yields:
        Number, from 0, and picture of each page, or what is wrong with it; number None where there is but one.

    Raises:
        SampleError: "undecodable" or "too_large".
    """
    try:
        image = _opened(file, ("TIFF",))
    except SampleError:  # of a kind Pillow does not know, as three channels of 16 bits
        file.seek(0)
        yield from _tiff_pages_of_opencv(file.read(), max_pixels)
        return
    with image:
        several = _seek(image, 1, damaged=True)
        number = 0
        while _seek(image, number):
            if number == 0 or not _tag(image, _NEW_SUBFILE_TYPE) & _REDUCED:
                try:
                    tile = _tag(image, _TILE_WIDTH) * _tag(image, _TILE_LENGTH)
                    check_size((tile, 1), max(image.width * image.height, _TILE_PIXELS))
                    yield (number if several else None), _decoded(image, max_pixels)
                except SampleError as problem:
                    if not several:
                        raise
                    yield number, problem
            number += 1


def _tiff_pages_of_opencv(data: bytes, max_pixels: int) -> Iterator[Numbered]:
    """Yield the pages of a TIFF, each decoded as the first one of a file in which the others are left out."""
    order = "<" if data[:1] == b"I" else ">"
    starts = list(_directories(data, order))
    if len(starts) < 2:
        yield None, decode_image(data, max_pixels=max_pixels)
        return
    for number, start in enumerate(starts):
        try:
            yield number, decode_image(data[:4] + struct.pack(f"{order}I", start) + data[8:], max_pixels=max_pixels)
        except SampleError as problem:
            yield number, problem


def _directories(data: bytes, order: str) -> Iterator[int]:
    """Yield where the pages of a TIFF are described, as far as that is in the file; nothing of a BigTIFF."""
    seen: set[int] = set()
    at = 4
    while data[2:4] in (b"*\0", b"\0*") and at + 4 <= len(data):
        (start,) = struct.unpack_from(f"{order}I", data, at)
        if start in seen or not 0 < start <= len(data) - 2:
            return
        seen.add(start)
        yield start
        at = start + 2 + 12 * struct.unpack_from(f"{order}H", data, start)[0]


def video_frames(path: str | Path, every_frame: int, max_pixels: int) -> Iterator[Numbered]:
    """Yield frames of a video with their numbers from 0, uint8 [H, W, 3] in blue-green-red order.

    Args:
        path: of the file.
        every_frame: yield every so manieth; 0: about one a second.
        max_pixels: width x height of a frame.

    Raises:
        SampleError: "undecodable" or "too_large".
    """
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise SampleError("undecodable", "not a video, or of a kind OpenCV cannot read")
        check_size((int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))), max_pixels)
        step = every_frame or max(1, round(video.get(cv2.CAP_PROP_FPS)))
        number = 0
        while video.grab():
            if number % step == 0:
                decoded, frame = video.retrieve()
                yield number, frame if decoded else SampleError("undecodable", "a damaged frame")
            number += 1
        if number == 0:
            raise SampleError("undecodable", "a video without frames")
    finally:
        video.release()


def _opened(file: BinaryIO, formats: tuple[str, ...]) -> Image.Image:
    """Return the image of a file, not decoded yet."""
    from PIL import Image

    try:
        return Image.open(file, formats=formats)
    except Image.DecompressionBombError as error:
        raise SampleError("too_large", str(error)) from None
    except Exception as error:  # noqa: BLE001 - a damaged file makes Pillow raise almost anything
        raise SampleError("undecodable", f"{type(error).__name__}: {error}") from None


def _seek(image: Image.Image, number: int, damaged: bool = False) -> bool:
    """Go to a page or frame; return whether there is one, and `damaged` where that cannot be known."""
    try:
        image.seek(number)
    except EOFError:
        return False
    except Exception as error:  # noqa: BLE001 - as above
        if damaged:
            return True
        raise SampleError("undecodable", f"{type(error).__name__}: {error}") from None
    return True


def _tag(image: Image.Image, number: int) -> int:
    """Return the number a tag of a TIFF's page holds; 0 where it has none."""
    value = getattr(image, "tag_v2", {}).get(number, 0)
    return value if isinstance(value, int) else 0


def _decoded(image: Image.Image, max_pixels: int) -> np.ndarray:
    check_size(image.size, max_pixels)
    try:
        return from_pillow(image)
    except SampleError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise SampleError("undecodable", f"{type(error).__name__}: {error}") from None
