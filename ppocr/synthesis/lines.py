"""Lines of printed words, for fine-tuning a recogniser and for characters missing in its dictionary."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from ppocr.errors import DataError
from ppocr.synthesis.pages import SEEDS, Page, paint, photograph, style, write_rows
from ppocr.synthesis.pages_background import background
from ppocr.synthesis.pages_text import Plane, Words, draw_block, fonts, system_fonts

EXTRA_FRACTION = 0.5  # of the words that hold an extra character, if there are any
EDGE = 4


@lru_cache(maxsize=8)
def fonts_with(characters: str) -> tuple[str, ...]:
    """Return the fonts that have all the given characters.

    Raises:
        DataError: no font of this system has all of them.
    """
    from ppocr.utils.fonts import lacking, load_font

    if characters.isascii():
        return fonts()
    lacks = {path: lacking(load_font(path, 20), characters) for path in system_fonts()}
    found = tuple(path for path, missing in lacks.items() if not missing)
    if not found:
        least = min(lacks.values(), key=len, default=characters)
        raise DataError(f"no font of this system has all of {characters!r}: the best lacks {least!r}", "install one")
    return found


def compose_line(words: Words, rng: np.random.Generator, extra: str = "") -> tuple[np.ndarray, str]:
    """Draw one line of one to three words.

    Args:
        words: source of the texts.
        rng: random generator.
        extra: characters inserted into some of the words.

    Returns:
        The line uint8 [H, W, 3] and its text.
    """
    size = int(np.exp(rng.uniform(np.log(16), np.log(48))))
    line = [_with_extra(words.sample(rng), extra, rng) for _ in range(int(rng.integers(1, 4)))]
    names = fonts_with(extra)
    options = style(rng, size)
    block = draw_block([line], names[int(rng.integers(len(names)))], size, outline=options["outline"])
    surface = Plane(block.ink.shape, float(rng.normal(0, 1)), rng.normal(0, 0.1), rng.uniform(-0.1, 0.1))
    width, height = (length + 2 * EDGE for length in surface.size)
    page = Page(background(rng, height, width))
    paint(page, block, surface, np.array([EDGE, EDGE]), rng)
    points = np.array(page.labels[0]["points"])
    left, top = np.maximum(points.min(0) - rng.integers(0, EDGE, 2), 0)
    right, bottom = points.max(0) + rng.integers(0, EDGE, 2)
    return photograph(page.image[top:bottom, left:right], rng), " ".join(line)


def _with_extra(word: str, extra: str, rng: np.random.Generator) -> str:
    if not extra or rng.random() >= EXTRA_FRACTION:
        return word
    at = (0, len(word), int(rng.integers(len(word) + 1)))[int(rng.integers(3))]
    return word[:at] + extra[int(rng.integers(len(extra)))] + word[at:]


def write_line(index: int, folder: Path, name: str, extra: str) -> str:
    """Write one line and return its row of the label file; a line depends on its index only."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([SEEDS[name], index])
    image, text = compose_line(Words(test=name == "test"), rng, extra)
    relative = f"{name}/line_{index:05d}.jpg"
    options = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
    (folder / relative).write_bytes(cv2.imencode(".jpg", image, options)[1].tobytes())
    return f"{relative}\t{text}\n"


def write_lines(folder: Path, name: str, count: int, extra: str = "", workers: int | None = None) -> Path:
    """Write lines with a label file beside them.

    Args:
        folder: where the data set goes; images go to its subfolder `name`.
        name: "train" or "test": the splits have no word and no random number in common.
        count: number of lines.
        extra: see `compose_line`.
        workers: processes; None for one per core. The lines are the same.

    Returns:
        The label file, `rec_gt_<name>.txt`, paths relative to `folder`.

    Raises:
        DataError: no font has the extra characters.
    """
    fonts_with(extra)
    (folder / name).mkdir(parents=True, exist_ok=True)
    write = partial(write_line, folder=folder, name=name, extra=extra)
    return write_rows(write, count, folder / f"rec_gt_{name}.txt", workers)
