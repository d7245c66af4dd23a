"""Headers made to be read differently by a parser and a decoder: measured as the decoder does, or refused."""

from __future__ import annotations

import io
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ppocr.errors import SampleError
from ppocr.utils.image_io import decode_image
from ppocr.utils.image_size import image_size
from tests.conformance import synth

PICTURE = np.tile(synth("synth_31x57"), (2, 1, 1))  # 62 x 57: JPEG 2000 takes none much smaller
GREY = PICTURE[:, :, 0].copy()
HUGE_CHUNK = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000003000001030802000000f94affffffff002749444154789c639cd6b49d9383839d939de9f1f3"
    "c757ef5cfbf3"
)
WRITTEN = (".png", ".jpg", ".bmp", ".webp", ".tiff", ".ppm", ".pgm", ".pbm", ".pam", ".pfm", ".hdr", ".ras", ".jp2")


def encoded(extension: str, picture: np.ndarray = PICTURE) -> bytes:
    grey = extension in (".pgm", ".pbm")
    return cv2.imencode(extension, picture[:, :, 0] if grey else picture)[1].tobytes()


def tiff(entries: list[tuple[int, int, int]], big: bool = False) -> bytes:
    """Return a TIFF of one grey strip whose directory has these (tag, type, value) first."""
    pixels = bytes(62 * 57)
    own = [(258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1), (278, 4, 62), (279, 4, len(pixels))]
    start = (
        8 + 2 + 12 * (len(entries) + len(own) + 1) + 4 if not big else 16 + 8 + 20 * (len(entries) + len(own) + 1) + 8
    )
    rows = sorted([*entries, *own, (273, 4, start)], key=lambda entry: entry[0])
    if big:
        head = b"II" + struct.pack("<HHHQQ", 43, 8, 0, 16, len(rows))
        return head + b"".join(struct.pack("<HHQQ", t, k, 1, v) for t, k, v in rows) + bytes(8) + pixels
    head = b"II" + struct.pack("<HIH", 42, 8, len(rows))
    return head + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in rows) + bytes(4) + pixels


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    head = (b"IHDR", struct.pack(">IIBBBBB", 3, 4, 8, 0, 0, 0, 0))
    tail = ((b"IDAT", zlib.compress(bytes(16))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (head, *chunks, *tail)
    )


def refused(data: bytes, reason: str = "undecodable") -> bool:
    """Return whether decoding is refused for a reason, and so before any memory is taken."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SampleError) as caught:
        decode_image(data)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return caught.value.reason == reason and grown < 300 << 10  # KB


@pytest.mark.parametrize("extension", WRITTEN)
def test_every_format_opencv_writes_is_measured_as_it_is_decoded(extension: str) -> None:
    data = encoded(extension)
    assert image_size(data) == (57, 62)
    assert decode_image(data).shape == (62, 57, 3)
    for length in range(min(len(data), 200)):
        assert image_size(data[:length]) in (None, (57, 62))


def test_what_is_not_measured_is_not_decoded() -> None:
    dds = b"DDS " + struct.pack("<7I", 124, 0x1007, 8, 8, 0, 0, 0) + bytes(44) + struct.pack("<2I4s", 32, 4, b"JUNK")
    avif = struct.pack(">I", 28) + b"ftypavif" + bytes(4) + b"avifmif1miaf" + bytes(500)
    for data in (dds + bytes(200), avif, b"v/1\x01" + bytes(300), b"qoif" + bytes(100), b"GIF80a" + bytes(100)):
        assert image_size(data) is None and refused(data)


def test_a_png_chunk_longer_than_the_file_is_refused() -> None:
    assert refused(HUGE_CHUNK)
    whole = png()
    assert image_size(whole) == (3, 4)
    assert image_size(png((b"tEXt", b"a\0b"))) == (3, 4)
    assert image_size(whole[:-13]) is None, "IEND is cut off"
    assert image_size(whole + b"trailing bytes") == (3, 4)


def test_a_frame_of_an_animated_png_lies_inside() -> None:
    frames = [struct.pack(">7I", 0, w, 4, x, 0, 0, 0)[:24] + bytes(2) for w, x in ((3, 0), (3, 1), (1 << 30, 0))]
    assert [image_size(png((b"fcTL", frame))) for frame in frames] == [(3, 4), None, None]
    assert image_size(png((b"fcTL", frames[0][:10]))) is None
    assert image_size(png((b"acTL", bytes(4)))) is None


def test_a_jpeg_is_walked_as_libjpeg_does() -> None:
    data = encoded(".jpg")
    frame = data.index(b"\xff\xc0")
    bomb = data[: frame + 5] + struct.pack(">HH", 60_000, 60_000) + data[frame + 9 :]
    for stray in (b"\xff\0", b"\xff\0\0\x04", b"\xff\xff", b"\0\0", b"\xff\xd0", b"\xff\x01\0\x09"):
        assert refused(bomb[:frame] + stray + bomb[frame:], "too_large"), stray
        assert decode_image(data[:frame] + stray + data[frame:]).shape == PICTURE.shape, stray
    hidden = bomb[frame : frame + 19]  # a frame inside a segment that libjpeg skips is none
    assert image_size(data[:2] + b"\xff\xe5" + struct.pack(">H", 2 + len(hidden)) + hidden + data[2:]) == (57, 62)
    for wrong in (
        b"\xff\xe5\0\x01",
        b"\xff\xe5\xff\xff",
        b"\xff\xd8",
        b"\xff\xda\0\x04",
        b"\xff\xc5\0\x04",
        b"\xff\x02",
    ):
        assert refused(data[:2] + wrong + data[2:]), wrong
    assert refused(data[: frame + 5] + b"\0\0" + data[frame + 7 :]), "a height of 0"
    assert refused(data[:2] + bytes(1 << 20) + data[2:]), "a megabyte of stray bytes"


def test_a_tiff_says_its_size_once_and_plainly() -> None:
    width, length = (256, 4, 57), (257, 4, 62)
    plain = tiff([width, length])
    assert image_size(plain) == (57, 62) and decode_image(plain).shape == (62, 57, 3)
    big = tiff([(256, 16, 57), (257, 3, 62)], big=True)
    assert image_size(big) == (57, 62) and decode_image(big).shape == (62, 57, 3)
    assert refused(tiff([(256, 4, 60_000), (257, 4, 60_000)], big=True), "too_large")
    for hostile in (
        [(256, 4, 60_000), width, length],
        [width, length, (257, 4, 60_000)],
        [(256, 16, 57), length],  # LONG8, whose value is elsewhere
        [(256, 1, 57), length],
        [(256, 9, 57), length],
        [width, length, (322, 4, 1 << 23), (323, 4, 1 << 7)],  # tiles of a gigapixel
        [width],
    ):
        assert refused(tiff(hostile)), hostile
    assert refused(plain[:4] + struct.pack("<I", 1 << 31) + plain[8:]), "the directory lies outside"
    assert refused(plain[:8] + b"\xff\xff" + plain[10:]), "the directory is longer than the file"


def test_bigtiff_of_pillow_is_measured() -> None:
    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, "TIFF", big_tiff=True)
    assert image_size(buffer.getvalue()) == (57, 62)


@pytest.mark.parametrize(
    "header",
    [
        b"P6 \x9d\x01\x2a\xff\x3f\xff\x3f 5 5 255 ",  # a raw VP8 frame, which OpenCV asks for first
        b"P6\n5#6\n5 255\n",
        b"P6\n5 -5\n255\n",
        b"P6\n99999999999 1\n255\n",
        b"P6\n#" + b"x" * 5000 + b"\n5 5\n255\n",
        b"P7\nWIDTH 5\rWIDTH 60000\nHEIGHT 5\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        b"P7\nWIDTH 5\nWIDTH 5\nHEIGHT 5\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        b"P7\nWIDTH 5\nHEIGHT 5\nDEPTH 4000\nMAXVAL 255\nENDHDR\n",
        b"Pf\n5 5junk\n-1.0\n",
        b"#?RGBE\nFORMAT=32-bit_rle_rgbe\n" + b"x" * 127 + b"\n\n-Y 5 +X 5\n",
        b"#?RGBE\nFORMAT=32-bit_rle_rgbe\n\n-Y 5 +X 5 +Y 60000\n",
        b"\x59\xa6\x6a\x95" + struct.pack(">7i", 5, 5, 24, 75, 1, 0, 1 << 30),
        b"BM" + bytes(12) + struct.pack("<Iii", 20, 5, 5),
        b"BM" + bytes(12) + struct.pack("<Iii", 40, -5, 5),
        b"RIFF" + struct.pack("<I", 1 << 30) + b"WEBPVP8 " + struct.pack("<I", 100) + bytes(200),
        b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8 " + struct.pack("<I", 80) + bytes(200),
    ],
)
def test_a_header_that_could_be_read_two_ways_is_refused(header: bytes) -> None:
    assert image_size(header + bytes(200)) is None


def test_jpeg_2000_is_measured_by_its_first_codestream() -> None:
    data = encoded(".jp2")
    at = data.index(b"\xff\x4f\xff\x51")
    stream = data[at:]
    assert image_size(stream) == (57, 62) and decode_image(stream).shape == (62, 57, 3)
    wide = stream[:8] + struct.pack(">II", 60_000, 60_000) + stream[16:]
    assert refused(wide, "too_large") and refused(data[:at] + wide, "too_large")
    tiny_tiles = stream[:24] + struct.pack(">II", 1, 1) + stream[32:]
    assert refused(tiny_tiles), "3534 tiles of a pixel"
    brand = data.index(b"ftypjp2 ") + 4
    assert refused(data[:brand] + b"avif" + data[brand + 4 :]), "an AVIF to another decoder"
    other = data.index(b"jp2 ", brand + 4)
    assert refused(data[:other] + b"avif" + data[other + 4 :])
