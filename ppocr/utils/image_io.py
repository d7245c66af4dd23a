"""Reading images: bytes from disk, and pixels under a cap."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from ppocr.errors import SampleError
from ppocr.utils.image_size import KINDS, Size, image_size

# About the largest photograph of a camera; a decoded image takes three bytes per pixel.
MAX_IMAGE_PIXELS = 89_478_485

# Text images are too small for OpenCV's thread pool to pay for itself, and a data worker has one core.
cv2.setNumThreads(0)

_ORIENTATION = 0x0112  # the EXIF tag; the values below swap width and height
_TRANSPOSED = (5, 6, 7, 8)

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


def read_image_bytes(path: str | Path) -> bytes:
    """Return the content of an image file.

    Raises:
        SampleError: "missing_file" when it cannot be opened, "empty_file" when it holds nothing.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.readall()
    except (OSError, ValueError) as error:  # the latter: an invalid file name
        raise SampleError("missing_file", f"{path}: {getattr(error, 'strerror', None) or error}") from None
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
        ignore_orientation: leave the pixels as stored instead of rotating them by EXIF. TIFF is always rotated,
            and WebP never by OpenCV before 5.
        max_pixels: the largest width x height accepted; None for no cap of ours (OpenCV keeps its own).
        reduction: 2, 4 or 8 divides height and width by it, rounded up: a JPEG decoder skips the higher
            frequencies, in a third to a half of the time.

    Returns:
        uint8 [H, W, 3] in blue-green-red order, or [H, W] when `gray`.

    Raises:
        SampleError: "empty_file", "too_large" or "undecodable".
    """
    if len(data) == 0:
        raise SampleError("empty_file", "the image has 0 bytes")
    size = image_size(data)
    if size is None:  # not decoded: without a size in its header its memory has no bound
        raise SampleError("undecodable", f"a damaged header, or none of {KINDS} ({len(data)} bytes)")
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
    """Return the (width, height) a JPEG will have when decoded, rotated by its EXIF data.

    Args:
        data: the encoded image.
        ignore_orientation: as for `decode_image`.

    Returns:
        None when decoding is needed to know: other formats, damaged headers.
    """
    if bytes(data[:3]) != b"\xff\xd8\xff":
        return None
    size = image_size(data)
    if size is None or ignore_orientation or b"Exif" not in bytes(data[:65536]):
        return size
    try:
        from PIL import Image
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(bytes(data)), formats=("JPEG", "MPO")) as image:
            return size[::-1] if image.getexif().get(_ORIENTATION) in _TRANSPOSED else size
    except Exception:  # noqa: BLE001 - a damaged file makes Pillow raise almost anything
        return None
