"""Guessing the encoding of a text that is not UTF-8."""

from __future__ import annotations

# First bytes in GBK of punctuation and full-width characters, and of the 3,755 common characters of Chinese
PUNCTUATION, COMMON = range(0xA1, 0xA4), range(0xB0, 0xD8)
COMMON_FRACTION = 0.4  # of the characters beyond ASCII; accented letters read as GBK are rare Chinese characters


def not_utf8(data: bytes) -> str:
    """Return "not UTF-8", and the likely encoding if there is a good guess.

    Args:
        data: bytes that cannot be decoded as UTF-8; some lines are enough.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "not UTF-8 (looks like UTF-16)"
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return "not UTF-8"
    first = [character.encode("gb18030")[0] for character in text if not character.isascii()]
    common = sum(byte in PUNCTUATION or byte in COMMON for byte in first)
    return "not UTF-8 (looks like GBK)" if first and common >= COMMON_FRACTION * len(first) else "not UTF-8"
