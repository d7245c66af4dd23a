"""The protocol buffer wire format, as far as program and ONNX files need it: fields by number, nothing generated.

Both file kinds are read for a handful of fields. A reader of forty lines serves both, needs no package (the `onnx`
package would add 20 MB for the sake of three message types, and reads nothing of Paddle's), never copies what it skips,
and says by byte where a file stops making sense.

Source: the protocol buffers encoding, https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from ppocr.errors import CheckpointError

MOST_AXES, LARGEST_AXIS = 8, 2**31  # of an array; the networks have up to five
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | memoryview


class Damaged(CheckpointError):
    """Bytes that are no message."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield (field number, value) of a message in the order of the file.

    Args:
        message: its bytes.

    Returns:
        Integers for numbers (fixed-size ones as their bits), memory views for strings, bytes and messages within.

    Raises:
        Damaged: the bytes are no message.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = varint(message, position)
        number, kind = key >> 3, key & 7
        if not number:
            raise Damaged("a field without a number")
        if kind == VARINT:
            value, position = varint(message, position)
            yield number, value
            continue
        if kind == BYTES:
            size, position = varint(message, position)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise Damaged(f"a field of the unknown kind {kind}")
        if size > end - position:
            raise Damaged(f"a field of {size} bytes where {end - position} are left")
        content = message[position : position + size]
        position += size
        yield number, content if kind == BYTES else int.from_bytes(content, "little")


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """Return the number of variable length at a position, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise Damaged("it ends in the middle of a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
    raise Damaged("a number of more than ten bytes")


def signed(value: int) -> int:
    """Return a number of a signed field, whose negatives are stored as two's complement of 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def integers(value: Value) -> list[int]:
    """Return the numbers of one entry of a repeated integer field: packed together, or one."""
    if isinstance(value, int):
        return [signed(value)]
    result, position = [], 0
    while position < len(value):
        number, position = varint(value, position)
        result.append(signed(number))
    return result


def elements(shape: list[int], what: str) -> int:
    """Return the number of values in an array of a shape.

    Args:
        shape: as the file gives it.
        what: names the array in the message.

    Raises:
        Damaged: no array has such a shape: negative or huge sizes, or more of them than any network's.
    """
    if len(shape) > MOST_AXES or not all(0 <= size <= LARGEST_AXIS for size in shape):
        shown = f"{shape[:MOST_AXES]}{' and more' if len(shape) > MOST_AXES else ''}"
        raise Damaged(f"{what} has the impossible shape {shown}")
    return math.prod(shape)


def floats(value: Value) -> list[float]:
    """Return the numbers of one entry of a repeated float field: packed together, or one."""
    if isinstance(value, int):
        return list(struct.unpack("<f", value.to_bytes(4, "little")))
    if len(value) % 4:
        raise Damaged("a list of floats of broken length")
    return list(struct.unpack(f"<{len(value) // 4}f", value))


def text(value: Value) -> str:
    """Return a string field."""
    if isinstance(value, int):
        raise Damaged("a number where a text belongs")
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damaged("a text that is not UTF-8") from error


def message(value: Value) -> memoryview:
    """Return a field that holds a message or bytes."""
    if isinstance(value, int):
        raise Damaged("a number where a message belongs")
    return value
