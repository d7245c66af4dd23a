"""Fonts of this system, and which of them really has the characters of a text."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path

logger = logging.getLogger(__name__)

FONT_VARIABLE = "PPOCR_FONT"  # a user's own font file, tried before all others
FONT_VARIABLES = (FONT_VARIABLE, "PADDLE_PDX_LOCAL_FONT_FILE_PATH")  # the latter as PaddleX reads it
FONT_SUFFIXES = (".ttf", ".otf", ".ttc")
NO_SUCH_CHARACTER = "\U0010fffe"  # a non-character: a font draws the same box for all characters it lacks
_warned: set[str] = set()  # characters no font has, of the first text that has some


def font_folders() -> list[Path]:
    """Return the folders where this system keeps fonts."""
    home = Path.home()
    places = [
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".fonts",
        home / ".local/share/fonts",
        Path("/System/Library/Fonts"),
        Path("/Library/Fonts"),
        home / "Library/Fonts",
        Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",
    ]
    return [place for place in places if place.is_dir()]


@lru_cache(maxsize=1)
def font_files() -> tuple[str, ...]:
    """Return the font files of this system, regular sans-serif ones first, the user's own before all."""
    files = [path for folder in font_folders() for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES]

    def rank(path: Path) -> tuple[bool, bool, bool, str]:
        name = path.stem.lower()
        styled = any(word in name for word in ("bold", "italic", "oblique", "light", "mono", "condensed", "thin"))
        return styled, "serif" in name.replace("sans-serif", ""), "sans" not in name, name

    own = [path for name in FONT_VARIABLES if (path := os.environ.get(name))]
    return (*own, *(str(path) for path in sorted(files, key=rank)))


@lru_cache(maxsize=256)
def load_font(path: str, size: int):  # noqa: ANN201 - Pillow is imported late
    """Return a Pillow font of a file, or None when the file is not a usable font."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype(path, size)
    except OSError:
        return None


def lacking(font, text: str) -> str:
    """Return the characters of a text that a font draws as an empty box."""
    return "".join(character for character in sorted(set(text)) if _lacks(font, character))


@lru_cache(maxsize=65_536)
def _lacks(font, character: str) -> bool:
    mask, box = font.getmask(character), font.getmask(NO_SUCH_CHARACTER)
    return not character.isspace() and (bytes(mask), mask.size) == (bytes(box), box.size)


def choose_font(text: str, size: int = 20):
    """Return the font that lacks fewest characters of a text, and those it lacks.

    Args:
        text: the text to draw.
        size: in pixels.

    Returns:
        (font, missing characters): the font is Pillow's built-in one where the system has none. Missing characters
        are logged, once a process.
    """
    from PIL import ImageFont

    best, missing = None, text
    for path in font_files():
        font = load_font(path, size)
        if font is None:
            continue
        lacks = lacking(font, text)
        if best is None or len(lacks) < len(missing):
            best, missing = font, lacks
        if not missing:
            break
    if best is None:
        best = ImageFont.load_default(size)
        missing = lacking(best, text)
    if missing and not _warned:
        _warned.update(missing)
        logger.warning("no font here has all characters, such as %s: drawn as U+XXXX; install one, or name a font "
                       "file in %s", missing[:20], FONT_VARIABLE)  # fmt: skip
    return best, missing


def drawable(text: str, missing: str) -> str:
    """Return a text with the characters a font lacks written out as their code points."""
    return "".join(f"[U+{ord(c):04X}]" if c in missing else c for c in text)
