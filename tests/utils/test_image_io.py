"""Image files of every kind people have: sizes from headers, what decoding makes of them, and each refusal."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ppocr.errors import SampleError
from ppocr.utils.image_io import decode_image, read_image_bytes
from ppocr.utils.image_size import image_size
from tests.conformance import synth

PICTURE = cv2.GaussianBlur(synth("synth_31x57"), (5, 5), 0)  # blue-green-red


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pillow(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(PICTURE[:, :, ::-1].copy()).convert(mode)


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def reason_of(call: object, *args: object, **options: object) -> str:
    with pytest.raises(SampleError) as caught:
        call(*args, **options)
    return caught.value.reason


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".webp", ".tiff", ".ppm"])
def test_the_size_is_read_from_the_header(extension: str) -> None:
    data = cv2.imencode(extension, PICTURE)[1].tobytes()
    assert tuple(image_size(data)) == (57, 31)
    assert tuple(image_size(np.frombuffer(data, np.uint8))) == (57, 31)
    assert decode_image(data).shape == (31, 57, 3)


def test_the_size_is_read_from_other_headers() -> None:
    assert image_size(encoded(pillow("P"), "GIF")) == (57, 31)
    assert image_size(encoded(pillow(), "JPEG", progressive=True, icc_profile=bytes(70_000))) == (57, 31)
    assert image_size(encoded(pillow(), "WEBP", lossless=True, exif=orientation(6))) == (57, 31)
    assert image_size(encoded(pillow(), "WEBP", lossless=True)) == (57, 31)
    assert image_size(encoded(pillow(), "TIFF", compression="tiff_lzw")) == (57, 31)
    assert image_size(b"P6 # made by hand\n57 31\n255\n") == (57, 31)
    assert image_size(encoded(pillow(), "JPEG2000")) == (57, 31)


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".webp", ".tiff", ".ppm"])
def test_a_header_cut_anywhere_gives_a_size_or_none(extension: str) -> None:
    data = cv2.imencode(extension, PICTURE)[1].tobytes()
    for length in range(min(len(data), 120)):
        assert image_size(data[:length]) is None or len(image_size(data[:length])) == 2


def test_a_bomb_is_refused_before_decoding() -> None:
    assert reason_of(decode_image, png_header(30_000, 30_000)) == "too_large"
    jpeg = bytearray(encoded(pillow(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    assert reason_of(decode_image, bytes(jpeg)) == "too_large"
    jpeg[2:2] = bytes(10)  # stray bytes, which decoders skip
    assert reason_of(decode_image, bytes(jpeg)) == "too_large"


def test_the_cap_can_be_set() -> None:
    data = encoded(pillow(), "PNG")
    assert reason_of(decode_image, data, max_pixels=57 * 31 - 1) == "too_large"
    assert decode_image(data, max_pixels=57 * 31).shape == (31, 57, 3)
    assert decode_image(data, max_pixels=None).shape == (31, 57, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"notanimage",
        b"\x89PNG\r\n\x1a\n",
        encoded(pillow(), "JPEG")[:400],
        encoded(pillow(), "PNG")[:300],
        encoded(pillow(), "PNG")[:20],
        png_header(57, 31),
    ],
)
def test_what_is_damaged_is_undecodable(data: bytes) -> None:
    assert reason_of(decode_image, data) == "undecodable"


def test_no_bytes_are_an_empty_file(tmp_path) -> None:
    empty = tmp_path / "空.png"
    empty.write_bytes(b"")
    assert reason_of(read_image_bytes, empty) == "empty_file"
    assert reason_of(decode_image, b"") == "empty_file"


def test_files_are_read_whatever_their_name(tmp_path) -> None:
    file = tmp_path / "带 空格 é.png"
    file.write_bytes(b"abc")
    assert read_image_bytes(file) == b"abc"
    assert reason_of(read_image_bytes, tmp_path / "none.png") == "missing_file"
    assert reason_of(read_image_bytes, tmp_path) == "missing_file"


def test_grey_and_colour() -> None:
    gray = encoded(pillow("L"), "PNG")
    assert np.array_equal(decode_image(gray), np.repeat(np.asarray(pillow("L"))[:, :, None], 3, axis=2))
    assert decode_image(gray, gray=True).shape == (31, 57)
    assert np.array_equal(decode_image(encoded(pillow(), "PNG")), PICTURE)


def test_alpha_is_dropped_not_blended() -> None:
    rgba = pillow("RGBA")
    rgba.putalpha(Image.fromarray(PICTURE[:, :, 0].copy()))
    assert np.array_equal(decode_image(encoded(rgba, "PNG")), PICTURE)


def test_sixteen_bits_become_eight() -> None:
    data = cv2.imencode(".png", PICTURE.astype(np.uint16) * 257)[1].tobytes()
    image = decode_image(data)
    assert image.dtype == np.uint8
    assert np.array_equal(image, PICTURE)


def test_palette_and_bilevel() -> None:
    palette = pillow().quantize(16)
    assert np.array_equal(decode_image(encoded(palette, "PNG")), np.asarray(palette.convert("RGB"))[:, :, ::-1])
    assert set(np.unique(decode_image(encoded(pillow("1"), "PNG")))) == {0, 255}


def test_cmyk_jpeg_has_three_channels_of_about_the_same_colours() -> None:
    image = decode_image(encoded(pillow("CMYK"), "JPEG", quality=100))
    assert image.shape == PICTURE.shape
    assert np.abs(image.astype(int) - PICTURE).mean() < 4


def orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied_unless_ignored(kind: str) -> None:
    data = encoded(pillow(), kind, exif=orientation(6))
    plain = decode_image(encoded(pillow(), kind))
    assert np.array_equal(decode_image(data), np.rot90(plain, -1))
    assert np.array_equal(decode_image(data, ignore_orientation=True), plain)
