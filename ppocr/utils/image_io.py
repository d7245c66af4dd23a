"""Reading images: bytes from disk, their size from the header alone, and pixels under a cap."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import cv2
import numpy as np

from ppocr.errors import SampleError

Size = Optional[tuple[int, int]]

# About the largest photograph a camera makes; a decoded image takes three bytes a pixel.
MAX_IMAGE_PIXELS = 89_478_485

# Text images are too small for OpenCV's thread pool to pay for itself, and a data worker has one core.
cv2.setNumThreads(0)

# JPEG markers: those without a length field, and the frame headers that hold the size (SOF0-15 but DHT, JPG, DAC).
_JPEG_BARE = frozenset([0x01, *range(0xD0, 0xD9)])
_JPEG_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_ORIENTATION = 0x0112  # the EXIF tag; the values below swap width and height
_LYING = (5, 6, 7, 8)

_REDUCED = {
    False: {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    },
    True: {
        1: cv2.IMREAD_GRAYSCALE,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    },
}

_JPEG_SEGMENT = struct.Struct(">BBH").unpack_from

# BITMAPFILEHEADER is 14 bytes; the size of the header after it tells the OS/2 form (16-bit sizes) from the others.
_BMP_OS2_HEADER = 12


def read_bytes(path: str | Path) -> bytes:
    """Return the content of an image file.

    Raises:
        SampleError: "missing_file" when it cannot be opened, "empty_file" when it holds nothing.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise SampleError("missing_file", f"{path}: {error.strerror or error}") from None
    if not data:
        raise SampleError("empty_file", f"{path} has 0 bytes")
    return data


def decode_image(
    data: bytes | np.ndarray,
    *,
    gray: bool = False,
    ignore_orientation: bool = False,
    max_pixels: int | None = MAX_IMAGE_PIXELS,
    reduction: int = 1,
) -> np.ndarray:
    """Decode an encoded image as the ecosystem does: 8 bits, alpha dropped, palette resolved, EXIF rotation applied.

    The size in the header is checked first, so that a small file cannot claim gigabytes.

    Args:
        data: the file's bytes, or a uint8 array of them.
        gray: decode to one channel instead of three.
        ignore_orientation: leave the pixels as stored instead of turning them as EXIF says. TIFF is turned
            always, and WebP never by OpenCV before 5.
        max_pixels: the largest width x height accepted; None for no cap of ours (OpenCV keeps its own).
        reduction: 2, 4 or 8 gives both sides divided by it, rounded up: a JPEG decoder leaves the finer
            frequencies out, in a third to a half of the time.

    Returns:
        uint8 [H, W, 3] in blue-green-red order, or [H, W] when `gray`.

    Raises:
        SampleError: "empty_file", "too_large" or "undecodable".
    """
    if len(data) == 0:
        raise SampleError("empty_file", "the image has 0 bytes")
    size = image_size(data)
    if size is None:  # never decoded blindly: what has no size in its header has no bound in memory
        raise SampleError("undecodable", f"no image header found in {len(data)} bytes")
    check_size(size, max_pixels)
    flags = _REDUCED[gray][reduction]
    if ignore_orientation:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise SampleError("undecodable", str(error).strip().splitlines()[-1]) from None
    if image is None:
        raise SampleError("undecodable", f"damaged, cut off or of an unsupported kind ({len(data)} bytes)")
    return image


def check_size(size: tuple[int, int], max_pixels: int | None) -> None:
    """Raise SampleError "too_large" when (width, height) is more pixels than allowed."""
    if max_pixels is not None and size[0] * size[1] > max_pixels:
        raise SampleError(
            "too_large", f"{size[0]} x {size[1]} pixels; Global.max_image_pixels allows {max_pixels} in all"
        )


def upright_size(data: bytes | np.ndarray, ignore_orientation: bool = False) -> Size:
    """Return the (width, height) a JPEG will have when decoded, turned as its EXIF data says.

    Args:
        data: the encoded image.
        ignore_orientation: as for `decode_image`.

    Returns:
        None when only decoding can tell: other formats, damaged headers.
    """
    if bytes(data[:3]) != b"\xff\xd8\xff":
        return None
    size = image_size(data)
    if size is None or ignore_orientation or b"Exif" not in bytes(data[:65536]):
        return size
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(bytes(data))) as image:
            return size[::-1] if image.getexif().get(_ORIENTATION) in _LYING else size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error):
        return None


def image_size(data: bytes | np.ndarray) -> Size:
    """Return (width, height) as stored, from the header alone; None when the header is unknown or damaged.

    PNG, JPEG, BMP, GIF, WebP, TIFF and PNM are parsed here; for the rest Pillow is asked, which also
    reads headers only.
    """
    buffer: Any = data  # arrays are buffers, which NumPy says to type checkers from Python 3.12 on only
    view = memoryview(buffer)
    head = bytes(view[:8])
    for magic, parse in _PARSERS:
        if head.startswith(magic):
            try:
                return parse(view)
            except (struct.error, IndexError, ValueError):
                return None
    return _pillow_size(view)


def _png_size(view: memoryview) -> Size:
    return struct.unpack_from(">II", view, 16)


def _jpeg_size(view: memoryview) -> Size:
    at = 2
    while True:
        start, marker, length = _JPEG_SEGMENT(view, at)
        if start != 0xFF or marker == 0xFF:  # decoders skip stray and fill bytes between segments, so this must too
            at += 1
        elif marker in _JPEG_FRAME:
            height, width = struct.unpack_from(">HH", view, at + 5)
            return width, height
        else:
            at += 2 if marker in _JPEG_BARE else 2 + length


def _bmp_size(view: memoryview) -> Size:
    if struct.unpack_from("<I", view, 14)[0] == _BMP_OS2_HEADER:
        return struct.unpack_from("<HH", view, 18)
    width, height = struct.unpack_from("<ii", view, 18)
    return abs(width), abs(height)  # a negative height means rows from the top


def _gif_size(view: memoryview) -> Size:
    return struct.unpack_from("<HH", view, 6)


def _riff_size(view: memoryview) -> Size:
    kind = bytes(view[8:16])
    if kind == b"WEBPVP8 ":  # 14-bit sizes after the frame tag and start code
        width, height = struct.unpack_from("<HH", view, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"WEBPVP8L":  # two 14-bit fields, each one less than the size
        bits = struct.unpack_from("<I", view, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"WEBPVP8X":  # two 24-bit fields, each one less than the size
        return int.from_bytes(view[24:27], "little") + 1, int.from_bytes(view[27:30], "little") + 1
    return None


def _tiff_size(view: memoryview) -> Size:
    order = "<" if view[0] == 0x49 else ">"
    if struct.unpack_from(order + "H", view, 2)[0] != 42:  # BigTIFF and relatives
        return _pillow_size(view)
    at = struct.unpack_from(order + "I", view, 4)[0]
    found: dict[int, int] = {}
    for entry in range(struct.unpack_from(order + "H", view, at)[0]):
        tag, kind = struct.unpack_from(order + "HH", view, at + 2 + 12 * entry)
        if tag in (256, 257):  # ImageWidth, ImageLength: SHORT or LONG
            found[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), view, at + 10 + 12 * entry)[0]
    return (found[256], found[257]) if len(found) == 2 else None


def _pnm_size(view: memoryview) -> Size:
    lines = (line.split(b"#")[0] for line in bytes(view[2:1024]).splitlines())  # "#" starts a comment
    width, height = b" ".join(lines).split()[:2]
    return int(width), int(height)


def _pillow_size(view: memoryview) -> Size:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(view)) as image:
            return image.size
    except Image.DecompressionBombError:
        return 1 << 20, 1 << 20  # Pillow's own refusal: larger than twice the default cap
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error):
        return None


_PARSERS: tuple[tuple[bytes, Callable[[memoryview], Size]], ...] = (
    (b"\xff\xd8", _jpeg_size),
    (b"\x89PNG\r\n\x1a\n", _png_size),
    (b"BM", _bmp_size),
    (b"GIF8", _gif_size),
    (b"RIFF", _riff_size),
    (b"II", _tiff_size),
    (b"MM", _tiff_size),
    *((b"P%d" % digit, _pnm_size) for digit in range(1, 7)),
)
