"""The size of an encoded image from its header alone, parsed so strictly that no decoder can find another one.

A decoder allocates what the header it understands asks for. A parser that guesses where the decoder skips lets a small
file claim gigabytes, so each of these follows the decoder's own steps and gives up (None) at whatever it does not know:
a second width, an unusual type, a chunk or segment longer than the file. An image of unknown size is not decoded.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Size = tuple[int, int] | None

KINDS = "JPEG, PNG, BMP, GIF, WebP, TIFF, JPEG 2000, PNM, PAM, PFM, HDR, Sun raster"

# JPEG markers before the frame: those without a length field (TEM, RSTn), those with one that a decoder skips or reads
# (tables, comments, APPn), and the frame headers that libjpeg-turbo decodes (baseline to progressive, arithmetic).
_JPEG_BARE = frozenset([0x01, *range(0xD0, 0xD8)])
_JPEG_SKIPPED = frozenset([0xC4, 0xCC, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE])
_JPEG_FRAME = frozenset([0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB])
_JPEG_STEPS = 1 << 16  # segments and stray bytes before the frame
_JPEG_SEGMENT = struct.Struct(">BBH").unpack_from

_PNG_CHUNK = struct.Struct(">I4s").unpack_from
_PNG_FRAME = struct.Struct(">IIII").unpack_from  # of an animation's fcTL chunk: width, height, left, top

# The length of the header after BITMAPFILEHEADER identifies the OS/2 form (16-bit sizes).
_BMP_OS2_HEADER, _BMP_SHORTEST_HEADER = 12, 36

# TIFF field types by number: bytes of a value, and its code for struct. A size of another type is no size.
_TIFF_TYPES = {3: (2, "H"), 4: (4, "I"), 16: (8, "Q")}
_TIFF_SIZE_TAGS = (256, 257, 322, 323)  # width and length of the image, and of a tile
_TIFF_TILE_PIXELS = 1 << 20  # tiles may be larger than a small image, but not much

_HEADER_TEXT = 4096  # bytes within which the text of a PNM, PAM, PFM or HDR header ends
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])*"
_PNM = re.compile(rb"P[1-6]\s" + _GAP + rb"(?P<w>\d{1,9})\s" + _GAP + rb"(?P<h>\d{1,9})\s")
_PFM = re.compile(rb"P[fF]\n(?P<w>\d{1,9})[ \n](?P<h>\d{1,9})[ \n]-?\d{1,9}(?:\.\d{1,20})?\s")
_PAM = re.compile(rb"P7\n((?:(?:(?:WIDTH|HEIGHT|DEPTH|MAXVAL) \d{1,9}|TUPLTYPE [A-Z_]{1,30}|#[^\r\n]*)\n)+)ENDHDR\n")
_HDR = re.compile(rb"#\?(?:RADIANCE|RGBE)[^\n\0]{0,100}\n(?:[^\n\0]{1,120}\n)*\n-Y (?P<h>\d{1,9}) \+X (?P<w>\d{1,9})\n")

_J2K_SIZ = struct.Struct(">HHIIIIIIIIH").unpack_from
_J2K_TILE_PIXELS, _J2K_FEW_TILES = 1024, 64  # each tile has kilobytes of state, however small it is
_JP2_BRAND, _AVIF_BRANDS = b"jp2 ", (b"avif", b"avis")


def image_size(data: bytes | np.ndarray) -> Size:
    """Return (width, height) as stored, from the header alone; None when the header is unknown or damaged.

    Args:
        data: the encoded image; of `KINDS`.
    """
    buffer: Any = data  # arrays are buffers, which NumPy declares from Python 3.12 on only
    view = memoryview(buffer)
    head = bytes(view[:4])
    for magic, parse in _PARSERS:
        if head.startswith(magic):
            try:
                size = parse(view)
            except (struct.error, IndexError):  # cut off
                return None
            return size if size is not None and size[0] > 0 and size[1] > 0 else None
    return None


def _png_size(view: memoryview) -> Size:
    end = len(view)
    if bytes(view[:16]) != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR":
        return None
    width, height = struct.unpack_from(">II", view, 16)
    at = 33
    while at < end:
        length, kind = _PNG_CHUNK(view, at)
        if length > end - at - 12:
            return None
        if kind == b"IEND":
            break
        if kind == b"fcTL":
            wide, high, left, top = _PNG_FRAME(view, at + 12)
            if length != 26 or left + wide > width or top + high > height:
                return None
        elif kind == b"acTL" and length != 8:
            return None
        at += 12 + length
    return width, height


def _jpeg_size(view: memoryview) -> Size:
    at = 2
    for _ in range(_JPEG_STEPS):
        start, marker, length = _JPEG_SEGMENT(view, at)
        if start != 0xFF or marker == 0xFF:  # decoders skip stray and fill bytes between segments, so this must too
            at += 1
        elif marker in _JPEG_FRAME:
            height, width, components = struct.unpack_from(">HHB", view, at + 5)
            return (width, height) if length == 8 + 3 * components and length <= len(view) - at - 2 else None
        elif marker in _JPEG_SKIPPED:
            if length < 2 or length > len(view) - at - 2:
                return None
            at += 2 + length
        elif marker == 0 or marker in _JPEG_BARE:  # a stuffed zero is stray data too
            at += 2
        else:
            return None
    return None


def _bmp_size(view: memoryview) -> Size:
    header = struct.unpack_from("<I", view, 14)[0]
    if header == _BMP_OS2_HEADER:
        return struct.unpack_from("<HH", view, 18)
    if not _BMP_SHORTEST_HEADER <= header <= len(view) - 14:
        return None
    width, height = struct.unpack_from("<ii", view, 18)
    return width, abs(height)  # a negative height means rows from the top


def _gif_size(view: memoryview) -> Size:
    if bytes(view[:6]) not in (b"GIF87a", b"GIF89a"):
        return None
    return struct.unpack_from("<HH", view, 6)  # frames must lie inside, which the decoder checks


def _riff_size(view: memoryview) -> Size:
    whole, kind, length = struct.unpack_from("<I8sI", view, 4)
    if whole > len(view) - 8 or length > len(view) - 20:
        return None
    if kind == b"WEBPVP8 ":  # 14-bit sizes after the frame tag and start code
        if bytes(view[23:26]) != b"\x9d\x01\x2a":
            return None
        width, height = struct.unpack_from("<HH", view, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"WEBPVP8L":  # two 14-bit fields, each one less than the size
        if view[20] != 0x2F:
            return None
        bits = struct.unpack_from("<I", view, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"WEBPVP8X" and length == 10:  # two 24-bit fields, each one less than the size; frames lie inside
        return int.from_bytes(view[24:27], "little") + 1, int.from_bytes(view[27:30], "little") + 1
    return None


def _tiff_size(view: memoryview) -> Size:
    order = "<" if view[0] == 0x49 else ">"
    version = struct.unpack_from(order + "H", view, 2)[0]
    if version == 42:
        at, entry, counter, values = struct.unpack_from(order + "I", view, 4)[0], 12, "H", "I"
    elif version == 43 and struct.unpack_from(order + "HH", view, 4) == (8, 0):  # BigTIFF
        at, entry, counter, values = struct.unpack_from(order + "Q", view, 8)[0], 20, "Q", "Q"
    else:
        return None
    if at > len(view):
        return None
    entries = struct.unpack_from(order + counter, view, at)[0]
    at += struct.calcsize(counter)
    if entries > (len(view) - at) // entry:
        return None
    found: dict[int, int] = {}
    for offset in range(at, at + entries * entry, entry):
        tag, kind, count = struct.unpack_from(order + "HH" + values, view, offset)
        if tag not in _TIFF_SIZE_TAGS:
            continue
        if tag in found or count != 1 or kind not in _TIFF_TYPES or _TIFF_TYPES[kind][0] > struct.calcsize(values):
            return None
        value = offset + 4 + struct.calcsize(values)
        found[tag] = struct.unpack_from(order + _TIFF_TYPES[kind][1], view, value)[0]
    if 256 not in found or 257 not in found:
        return None
    width, height = found[256], found[257]
    tile = found.get(322, 0) * found.get(323, 0)
    return (width, height) if tile <= max(width * height, _TIFF_TILE_PIXELS) else None


def _text_size(view: memoryview) -> Size:
    head = bytes(view[:_HEADER_TEXT])
    found = _PNM.match(head) or _PFM.match(head) or _HDR.match(head)
    return (int(found["w"]), int(found["h"])) if found else None


def _pam_size(view: memoryview) -> Size:
    found = _PAM.match(bytes(view[:_HEADER_TEXT]))
    if found is None:
        return None
    pairs = [line.split(b" ") for line in found[1].splitlines() if line[:1] not in (b"#", b"T")]
    values = {key: int(number) for key, number in pairs}
    if len(values) != 4 or len(pairs) != 4 or not 1 <= values[b"DEPTH"] <= 4:
        return None
    return values[b"WIDTH"], values[b"HEIGHT"]


def _sun_size(view: memoryview) -> Size:
    width, height, _, _, _, _, colours = struct.unpack_from(">7i", view, 4)
    return (width, height) if 0 <= colours <= len(view) - 32 else None


def _j2k_size(view: memoryview) -> Size:
    """Return the size a JPEG 2000 codestream gives in its first segment, SIZ."""
    if bytes(view[:4]) != b"\xff\x4f\xff\x51":
        return None
    length, _, right, bottom, left, top, wide, high, tile_left, tile_top, components = _J2K_SIZ(view, 4)
    width, height = right - left, bottom - top
    if not 1 <= components <= 4 or length != 38 + 3 * components or not wide or not high:
        return None
    tiles = -(-(right - tile_left) // wide) * -(-(bottom - tile_top) // high)
    if tile_left > left or tile_top > top or tiles > max(_J2K_FEW_TILES, width * height // _J2K_TILE_PIXELS):
        return None
    return width, height


def _jp2_size(view: memoryview) -> Size:
    """Return the size of the first codestream in a file of boxes, which is the one that is decoded."""
    for number, (kind, body) in enumerate(_boxes(view)):
        if number < 2 and kind != (b"jP  ", b"ftyp")[number]:
            return None
        if kind == b"ftyp":  # the same bytes may be an AVIF, which is not measured
            brands = [bytes(body[at : at + 4]) for at in range(0, len(body), 4)]
            if number != 1 or brands[:1] != [_JP2_BRAND] or any(brand in _AVIF_BRANDS for brand in brands):
                return None
        if kind == b"jp2c":
            return _j2k_size(body)
    return None


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the type and content of each box of a file; ends at one that is longer than the rest."""
    at = 0
    while at < len(view):
        length, kind = struct.unpack_from(">I4s", view, at)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", view, at + 8)[0], 16
        elif length == 0:  # to the end of the file
            length = len(view) - at
        if not head <= length <= len(view) - at:
            return
        yield kind, view[at + head : at + length]
        at += length


_PARSERS: tuple[tuple[bytes, Callable[[memoryview], Size]], ...] = (
    (b"\xff\xd8", _jpeg_size),
    (b"\x89PNG", _png_size),
    (b"BM", _bmp_size),
    (b"GIF8", _gif_size),
    (b"RIFF", _riff_size),
    (b"II", _tiff_size),
    (b"MM", _tiff_size),
    (b"P7", _pam_size),
    (b"P", _text_size),
    (b"#?R", _text_size),
    (b"\x59\xa6\x6a\x95", _sun_size),
    (b"\xff\x4f\xff\x51", _j2k_size),
    (b"\0\0\0\x0c", _jp2_size),
)
