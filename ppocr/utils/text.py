"""Text from outside, such as file names and labels, made harmless for a terminal and for files of lines."""

from __future__ import annotations

import re

# Control characters (escape sequences, tabs, line ends), Unicode's line ends, what turns the direction of writing over
# the text that follows, and surrogates, in which Python hands on the bytes of a name that is not UTF-8.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def one_line(text: str) -> str:
    """Return a text with escapes, as JSON writes them, for all that is no part of a line; anything else as it is."""
    return _UNSAFE.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), text)
