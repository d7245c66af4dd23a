"""Pictures for people: recognised text beside its image, in a font that really has the characters."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)

FONT_VARIABLE = "PPOCR_FONT"  # a user's own font file, tried before all others
FONT_SUFFIXES = (".ttf", ".otf", ".ttc")
NO_SUCH_CHARACTER = "\U0010fffe"  # a non-character: what a font draws for it, it draws for all it lacks
GREEN, RED, BLACK, WHITE = (0, 128, 0), (200, 0, 0), (0, 0, 0), (255, 255, 255)


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

    own = os.environ.get(FONT_VARIABLE)
    return tuple(([own] if own else []) + [str(path) for path in sorted(files, key=rank)])


def load_font(path: str, size: int):  # noqa: ANN201 - Pillow is imported late
    """Return a Pillow font of a file, or None when the file is not a usable font."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype(path, size)
    except OSError:
        return None


def lacking(font, text: str) -> str:
    """Return the characters of a text that a font draws as an empty box."""
    box = bytes(font.getmask(NO_SUCH_CHARACTER)), font.getmask(NO_SUCH_CHARACTER).size
    lacks = []
    for character in sorted(set(text)):
        mask = font.getmask(character)
        if not character.isspace() and (bytes(mask), mask.size) == box:
            lacks.append(character)
    return "".join(lacks)


def choose_font(texts: Iterable[str], size: int = 20):
    """Return the font that lacks fewest characters of some texts, and those it lacks.

    Args:
        texts: what will be drawn.
        size: in pixels.

    Returns:
        (font, missing characters): the font is Pillow's built-in one where the system has none.
    """
    from PIL import ImageFont

    characters = "".join(sorted(set("".join(texts))))
    best, missing = None, characters
    for path in font_files():
        font = load_font(path, size)
        if font is None:
            continue
        lacks = lacking(font, characters)
        if best is None or len(lacks) < len(missing):
            best, missing = font, lacks
        if not missing:
            break
    if best is None:
        best = ImageFont.load_default(size)
        missing = lacking(best, characters)
    if missing:
        logger.warning(
            "no font here has %s: drawn as U+XXXX; install one, or name a font file in %s", missing[:20], FONT_VARIABLE
        )
    return best, missing


def drawable(text: str, missing: str) -> str:
    """Return a text with the characters a font lacks written out as their code points."""
    return "".join(f"[U+{ord(c):04X}]" if c in missing else c for c in text)


def draw_line(image: np.ndarray, text: str, font, *, missing: str = "", color: tuple[int, int, int] = BLACK):
    """Return an image with a line of text below it.

    Args:
        image: uint8 [H, W, 3], blue-green-red.
        text: what to write.
        font: from `choose_font`.
        missing: the characters the font lacks.
        color: of the text, red-green-blue.

    Returns:
        uint8 [H', W', 3], blue-green-red.
    """
    from PIL import Image, ImageDraw

    text = drawable(text, missing)
    left, top, right, bottom = font.getbbox(text or " ")
    margin = 4
    width = max(image.shape[1], right - left + 2 * margin)
    height = image.shape[0] + bottom + 2 * margin
    canvas = Image.new("RGB", (width, height), WHITE)
    canvas.paste(Image.fromarray(np.ascontiguousarray(image[..., ::-1])), (0, 0))
    ImageDraw.Draw(canvas).text((margin, image.shape[0] + margin), text, fill=color, font=font)
    return np.asarray(canvas)[..., ::-1]


def contact_sheet(
    images: Sequence[np.ndarray], texts: Sequence[str], right: Sequence[bool] | None = None, columns: int = 5
) -> np.ndarray:
    """Return one picture of many images, each with its text below it.

    Args:
        images: uint8 [H, W, 3], blue-green-red.
        texts: one per image.
        right: which texts are right, written green; the others red with a cross. None: all black.
        columns: images in a row.

    Returns:
        uint8 [H, W, 3], blue-green-red.
    """
    marked = list(texts) if right is None else [f"{'' if ok else 'x '}{t}" for t, ok in zip(texts, right)]
    colors = [BLACK] * len(images) if right is None else [GREEN if ok else RED for ok in right]
    font, missing = choose_font(marked, 18)
    cells = [draw_line(i, t, font, missing=missing, color=c) for i, t, c in zip(images, marked, colors)]
    if not cells:
        return np.full((1, 1, 3), 255, np.uint8)
    height, width = max(c.shape[0] for c in cells) + 8, max(c.shape[1] for c in cells) + 8
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * height, min(columns, len(cells)) * width, 3), 255, np.uint8)
    for number, cell in enumerate(cells):
        y, x = number // columns * height + 4, number % columns * width + 4
        sheet[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
    return sheet
