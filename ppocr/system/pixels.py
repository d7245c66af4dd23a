"""Pixels of any kind as the detectors and recognisers take them: 8 bits, blue-green-red, on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ppocr.errors import SampleError

if TYPE_CHECKING:
    from PIL import Image

_ALPHA_ROWS = 256  # rows that are laid on white at once: the products take four times their memory


def to_bgr(array: np.ndarray) -> np.ndarray:
    """Return an image's pixels, uint8 [H, W, 3] in blue-green-red order; the array itself where it is that.

    Args:
        array: [H, W] or [H, W, 1] grey, [H, W, 3] blue-green-red, [H, W, 4] with alpha, which is laid on white. Of
            uint8; uint16, of which the upper 8 bits count; bool; float from 0 to 1; or other integers from 0 to 255.

    Raises:
        SampleError: "undecodable": it is none of these.
    """
    kind = f"an array of {array.dtype} {list(array.shape)}"
    if array.ndim not in (2, 3) or 0 in array.shape or array.shape[2:] not in ((), (1,), (3,), (4,)):
        raise SampleError("undecodable", f"{kind} is no image of [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]")
    pixels = _eight_bits(array, kind)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2BGR)
    return on_white(pixels) if pixels.shape[2] == 4 else np.ascontiguousarray(pixels)


def _eight_bits(array: np.ndarray, kind: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise SampleError("undecodable", f"{kind} holds no numbers")
    least, most = float(array.min()), float(array.max())  # not a number where one of them is none
    if array.dtype.kind == "f":
        if not (least >= 0 and most <= 1):
            raise SampleError("undecodable", f"{kind} from {least:g} to {most:g}: give 0 to 1, or 0 to 255 as uint8")
        return (array.astype(np.float32) * 255 + 0.5).astype(np.uint8)
    if not (least >= 0 and most <= 255):
        raise SampleError("undecodable", f"{kind} from {least:g} to {most:g}: give 0 to 255, or uint16")
    return array.astype(np.uint8)


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Return the colours of an image with alpha, uint8 [H, W, 4], as they look on white, uint8 [H, W, 3]."""
    result = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _ALPHA_ROWS):
        rows = pixels[top : top + _ALPHA_ROWS]
        alpha = rows[..., 3:].astype(np.uint16)
        white = 255 * 255 - 255 * alpha
        result[top : top + _ALPHA_ROWS] = (rows[..., :3] * alpha + white + 127) // 255
    return result


def from_pillow(image: Image.Image) -> np.ndarray:
    """Return the pixels of a Pillow image of any mode, upright by its EXIF data, uint8 [H, W, 3] blue-green-red.

    Raises:
        SampleError: "undecodable": it holds numbers that are no colours.
    """
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I"):  # 16 bits, in files and arrays of Pillow also as 32
        deep = np.clip(np.asarray(image), 0, 65535)
        return to_bgr(deep.astype(np.uint16 if deep.max(initial=0) > 255 or image.mode != "I" else np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "F"):
        image = image.convert("RGB")
    array = np.asarray(image)
    if array.ndim == 2:
        return to_bgr(array)
    order = cv2.COLOR_RGBA2BGRA if array.shape[2] == 4 else cv2.COLOR_RGB2BGR
    return to_bgr(cv2.cvtColor(array, order))
