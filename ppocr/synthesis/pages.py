"""Pages for the detection quick start: lines of words on paper, signs and clutter, with their polygons as labels."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from ppocr.synthesis.pages_background import background, color
from ppocr.synthesis.pages_text import Arc, Block, Plane, Words, draw_block, fonts

IGNORED = "###"
NEGATIVES = 0.05  # fraction of pages without text
LEGIBLE = 12  # pixels: lines in smaller fonts are labelled as illegible
SEEDS = {"train": 1, "test": 2}

Surface = Plane | Arc


@dataclass
class Page:
    """A page in the making.

    Args:
        image: uint8 [H, W, 3].
        by_word: whether each word is a text instance, not each line.
        labels: `{"transcription": str, "points": [[x, y], ...]}` of each text instance.
        ink: bool [H, W], true on letters and their outlines.
        occupied: uint8 [H, W], 255 where no more text may be put.
    """

    image: np.ndarray
    by_word: bool = False
    labels: list[dict] = field(default_factory=list)
    ink: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))
    occupied: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))

    def __post_init__(self) -> None:
        self.ink = np.zeros(self.image.shape[:2], bool)
        self.occupied = np.zeros(self.image.shape[:2], np.uint8)


def compose_page(words: Words, rng: np.random.Generator, size: int = 480, by_word: bool = False) -> Page:
    """Draw one page.

    Args:
        words: source of the texts.
        rng: random generator.
        size: length in pixels of the longer side; the other one is 0.7 to 1 of it.
        by_word: label words, not lines.

    Returns:
        The page; a fraction `NEGATIVES` of all has no text and an empty list of labels.
    """
    long, short = size, int(size * rng.uniform(0.7, 1.0)) // 8 * 8
    height, width = (short, long) if rng.random() < 0.6 else (long, short)
    page = Page(background(rng, height, width), by_word)
    if rng.random() >= NEGATIVES:
        makers = (_few_words, _few_words, _paragraph, _curved, _tiny)
        unit = size / 480
        first = True
        for _ in range(int(rng.integers(2, 8))):
            make = _few_words if first else makers[int(rng.integers(len(makers)))]
            block, surface = make(words, rng, unit)
            first &= not _put(page, block, surface, rng)
    page.image = photograph(page.image, rng)
    return page


def _font(rng: np.random.Generator) -> str:
    names = fonts()
    return names[int(rng.integers(len(names)))]


def style(rng: np.random.Generator, size: int) -> dict[str, int]:
    """Return the outline of letters and the border around a block, for `draw_block`."""
    outline = max(1, size // 14) if size >= 20 and rng.random() < 0.15 else 0
    return {"outline": outline, "border": int(size * rng.uniform(0, 0.8)) if rng.random() < 0.4 else 0}


def _few_words(words: Words, rng: np.random.Generator, unit: float) -> tuple[Block, Surface]:
    """One to three words, mostly horizontal, sometimes steep, never vertical."""
    size = int(unit * np.exp(rng.uniform(np.log(15), np.log(60))))
    count = int(rng.integers(1, 4 if size < 26 * unit else 3 if size < 40 * unit else 2))
    block = draw_block([[words.sample(rng) for _ in range(count)]], _font(rng), max(size, 8), **style(rng, size))
    kind = rng.random()
    angle = rng.normal(0, 4) if kind < 0.7 else rng.uniform(-40, 40) if kind < 0.95 else rng.uniform(-60, 60)
    return block, Plane(block.ink.shape, float(angle), rng.normal(0, 0.1), rng.uniform(-0.25, 0.25))


def _paragraph(words: Words, rng: np.random.Generator, unit: float) -> tuple[Block, Surface]:
    """Two to five lines of small words."""
    size = max(int(unit * rng.uniform(13, 22)), 8)
    lines = [[words.sample(rng) for _ in range(int(rng.integers(1, 4)))] for _ in range(int(rng.integers(2, 6)))]
    block = draw_block(lines, _font(rng), size, align=float(rng.choice([0, 0, 0.5, 1])))
    angle = rng.normal(0, 2) if rng.random() < 0.6 else rng.uniform(-20, 20)
    return block, Plane(block.ink.shape, float(angle), rng.normal(0, 0.04), rng.uniform(-0.15, 0.15))


def _curved(words: Words, rng: np.random.Generator, unit: float) -> tuple[Block, Surface]:
    """One to three words around a circle."""
    size = max(int(unit * rng.uniform(18, 40)), 8)
    line = [words.sample(rng) for _ in range(int(rng.integers(1, 4)))]
    block = draw_block([line], _font(rng), size, **style(rng, size))
    height, width = block.ink.shape
    radius = max(width / np.radians(rng.uniform(30, 120)), 1.6 * height)
    return block, Arc(block.ink.shape, float(radius), float(rng.normal(0, 12)), bool(rng.random() < 0.35))


def _tiny(words: Words, rng: np.random.Generator, unit: float) -> tuple[Block, Surface]:
    """One or two lines too small to read."""
    size = max(int(unit * rng.uniform(6, 9)), 5)
    lines = [[words.sample(rng) for _ in range(int(rng.integers(1, 4)))] for _ in range(int(rng.integers(1, 3)))]
    block = draw_block(lines, _font(rng), size)
    return block, Plane(block.ink.shape, float(rng.normal(0, 4)))


def _put(page: Page, block: Block, surface: Surface, rng: np.random.Generator) -> bool:
    """Draw a block at a free position; return whether there was one."""
    height, width = page.occupied.shape
    edge = 4
    free = np.array([width - surface.size[0] - edge, height - surface.size[1] - edge])
    if free.min() <= edge:
        return False
    for _ in range(8):
        corner = rng.integers(edge, free)
        outline = np.round(surface.outline + corner).astype(np.int32)
        mask = np.zeros_like(page.occupied)
        cv2.fillPoly(mask, [outline], 255)
        cv2.polylines(mask, [outline], True, 255, 2 * max(3, block.size // 4) + 1)
        if not cv2.countNonZero(cv2.bitwise_and(mask, page.occupied)):
            paint(page, block, surface, corner, rng)
            cv2.bitwise_or(page.occupied, mask, dst=page.occupied)
            return True
    return False


def paint(page: Page, block: Block, surface: Surface, corner: np.ndarray, rng: np.random.Generator) -> None:
    """Blend a block into the page at a corner and add its labels."""
    x, y = (int(v) for v in corner)
    part = page.image[y : y + surface.size[1], x : x + surface.size[0]]
    under = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(under, [np.round(surface.outline).astype(np.int32)], 255, cv2.LINE_AA)
    mean, deviation = (v.ravel() for v in cv2.meanStdDev(part, mask=under))
    canvas = part.astype(np.float32)
    if deviation.mean() > 38 or rng.random() < 0.2:  # a sign: text on a panel of its own
        mean = color(rng).astype(np.float64)
        canvas = _blend(canvas, mean, under, rng.uniform(0.85, 1.0))
        deviation = deviation * 0.15
    least = min(65 + 1.2 * float(deviation.mean()), 110)
    pen = _contrasting(rng, mean, least)
    ink, edge = surface.warp(block.ink), surface.warp(block.edge) if block.edge is not block.ink else None
    if edge is not None:
        canvas = _blend(canvas, _contrasting(rng, pen, 60), edge, 1.0)
    canvas = _blend(canvas, pen, ink, rng.uniform(0.85, 1.0))
    part[:] = np.clip(canvas, 0, 255).astype(np.uint8)
    page.ink[y : y + surface.size[1], x : x + surface.size[0]] |= (ink if edge is None else edge) > 60
    limit = np.array(page.occupied.shape[::-1])
    for text, box in block.words if page.by_word else block.lines:
        points = np.clip(np.round(surface.polygon(box) + corner), 0, limit).astype(int)
        page.labels.append({"transcription": text if block.size >= LEGIBLE else IGNORED, "points": points.tolist()})


def _blend(canvas: np.ndarray, paint: np.ndarray, mask: np.ndarray, strength: float) -> np.ndarray:
    alpha = mask[..., None].astype(np.float32) * (strength / 255)
    return canvas * (1 - alpha) + paint.astype(np.float32) * alpha


def _contrasting(rng: np.random.Generator, ground: np.ndarray, least: float) -> np.ndarray:
    """Return a colour at least `least` lighter or darker than another: float64 [3]."""
    grey = float(ground.mean())
    down, up = grey, 255 - grey
    lighter = up > down if min(up, down) < least else rng.random() < up / 255
    room = up if lighter else down
    step = rng.uniform(min(least, room), room)
    tint = rng.normal(0, rng.choice([3, 30]), 3)
    return np.clip(grey + (step if lighter else -step) + tint - tint.mean(), 0, 255)


def photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image with random contrast, brightness, blur and noise, as of a camera."""
    shot = image.astype(np.float32)
    shot = (shot - 127) * rng.uniform(0.75, 1.1) + 127 + rng.uniform(-20, 20)
    if rng.random() < 0.3:
        shot = cv2.GaussianBlur(shot, (0, 0), rng.uniform(0.4, 0.9))
    if rng.random() < 0.6:
        shot = shot + rng.normal(0, rng.uniform(1, 9), (*image.shape[:2], 1)).astype(np.float32)
    return np.clip(shot, 0, 255).astype(np.uint8)


def write_page(index: int, folder: Path, name: str, seed: int, size: int, by_word: bool = False) -> str:
    """Write one page and return its line of the label file; a page depends on its index only.

    Args:
        index: of the page.
        folder: of the data set.
        name: "train" or "test"; also selects the words.
        seed: of the whole split.
        size: length in pixels of the longer side.
        by_word: label words, not lines.
    """
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, index])
    page = compose_page(Words(test=name == "test"), rng, size, by_word)
    suffix, options = ".jpg", [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 96))]
    if index % 20 == 7:
        suffix, options = ".png", []
    relative = f"{name}/page_{index:05d}{suffix}"
    (folder / relative).write_bytes(cv2.imencode(suffix, page.image, options)[1].tobytes())
    return f"{relative}\t{json.dumps(page.labels, ensure_ascii=False)}\n"


def write_pages(
    folder: Path, name: str, count: int, size: int = 480, workers: int | None = None, by_word: bool = False
) -> Path:
    """Write pages with a label file beside them.

    Args:
        folder: where the data set goes; images go to its subfolder `name`.
        name: "train" or "test": the splits have no word and no random number in common.
        count: number of pages.
        size: length in pixels of the longer side.
        workers: processes; None for one per core, 1 for this process alone. The pages are the same.
        by_word: label words, not lines.

    Returns:
        The label file, `det_gt_<name>.txt`, paths relative to `folder`.
    """
    (folder / name).mkdir(parents=True, exist_ok=True)
    write = partial(write_page, folder=folder, name=name, seed=SEEDS[name], size=size, by_word=by_word)
    return write_rows(write, count, folder / f"det_gt_{name}.txt", workers)


def write_rows(write: Callable[[int], str], count: int, labels: Path, workers: int | None) -> Path:
    """Write a data set of independent images.

    Args:
        write: writes the image of an index and returns its line of the label file.
        count: number of images.
        labels: the label file.
        workers: processes; None for one per core.

    Returns:
        The label file.
    """
    workers = min(workers or os.cpu_count() or 1, max(count // 8, 1))
    if workers == 1:
        rows = [write(i) for i in range(count)]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            rows = list(pool.map(write, range(count), chunksize=8))
    labels.write_text("".join(rows), encoding="utf-8")
    return labels
