"""The order in which the lines of a page are read: rows from top to bottom, columns one after the other.

Boxes that touch or nearly do are first joined to segments of a row. A gap between segments that goes down several
rows, text on both sides, divides columns; what spans the gap, such as a title, divides it into bands. What is in a
column is divided in turn (recursive X-Y cut, Nagy and Seth, 1984).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppocr.system.crop import TALL, box_of

SAME_ROW = 0.5  # of the lower of two boxes: how much of its height the other covers
WORD_GAP = 0.3  # row heights; boxes closer than this belong to one segment
COLUMN_GAP = 0.3  # row heights; the least gap between columns
COLUMN_ROWS = 3  # least rows on either side of a gap between columns
COLUMN_ASPECT = 4.0  # least width of a column's segments in row heights: narrower ones are cells of a table
PARAGRAPH_GAP = 0.9  # row heights above which a gap between rows ends a block


@dataclass(frozen=True)
class Place:
    """Where a line stands in the order.

    Args:
        line: index of its polygon.
        row: lines of one row of print share this number.
        block: lines of one column or paragraph share this number.
    """

    line: int
    row: int
    block: int


@dataclass(frozen=True)
class _Segment:
    """Lines side by side that belong together: their bounding box without the page's skew, and their indices."""

    left: float
    top: float
    right: float
    bottom: float
    lines: tuple[int, ...]

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


Rows = list[list[_Segment]]


def reading_order(polygons: Sequence[np.ndarray], *, upside_down: bool = False) -> list[Place]:
    """Return the places of lines in reading order.

    The rows of a page may be slanted by a few degrees. Where most text is tall, the rows are taken to go down the
    page, the first on the right: so does vertical writing, and a page that is rotated clockwise by 90 degrees.

    Args:
        polygons: [P, 2] each as (x, y), clockwise from the upper left.
        upside_down: the text is rotated by 180 degrees in its polygons, as a classifier says.
    """
    if not len(polygons):
        return []
    boxes = np.stack([box_of(polygon) for polygon in polygons]).astype(np.float64)
    if _mostly_tall(boxes):
        boxes = np.roll(np.stack([boxes[..., 1], -boxes[..., 0]], axis=-1), -1, axis=1)
    if upside_down:
        boxes = np.roll(-boxes, -2, axis=1)
    segments = _segments(_without_skew(boxes))
    numbered = enumerate((block, row) for block, rows in enumerate(_paragraphs(_blocks(segments))) for row in rows)
    return [Place(line, n, block) for n, (block, row) in numbered for segment in row for line in segment.lines]


def _mostly_tall(boxes: np.ndarray) -> bool:
    """Return whether boxes [N, 4, 2] that are tall have the larger share of the text's length."""
    widths = np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    heights = np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)
    tall = heights >= TALL * widths
    return bool(heights[tall].sum() > widths[~tall].sum())


def _without_skew(boxes: np.ndarray) -> np.ndarray:
    """Return the upright bounding boxes [N, 4] (left, top, right, bottom) of boxes [N, 4, 2] rotated by their skew.

    The skew is the median slant of the boxes, long ones counting more.
    """
    along = (boxes[:, 1] - boxes[:, 0] + boxes[:, 2] - boxes[:, 3]) / 2
    slants, lengths = np.arctan2(along[:, 1], along[:, 0]), np.hypot(along[:, 0], along[:, 1])
    order = np.argsort(slants)
    share = np.cumsum(lengths[order])
    slant = float(slants[order][np.searchsorted(share, share[-1] / 2)])
    turn = np.array([(math.cos(slant), -math.sin(slant)), (math.sin(slant), math.cos(slant))])
    turned = boxes @ turn
    # a box that slants otherwise is taken by its middle and its sides: its bounding box would cover other rows
    middles = turned.mean(axis=1)
    heights = np.linalg.norm(boxes[:, 3] - boxes[:, 0] + boxes[:, 2] - boxes[:, 1], axis=1) / 2
    widths = np.ptp(turned[..., 0], axis=1)
    sides = np.stack([widths, heights], axis=1) / 2
    return np.concatenate([middles - sides, middles + sides], axis=1)


def _segments(boxes: np.ndarray) -> list[_Segment]:
    """Join boxes [N, 4] that stand side by side without a wide gap."""
    single = [_Segment(x0, y0, x1, y1, (number,)) for number, (x0, y0, x1, y1) in enumerate(boxes.tolist())]
    joined = []
    for row in _rows(single):
        current = row[0]
        for segment in row[1:]:
            height = min(current.height, segment.height)
            if segment.left - current.right < WORD_GAP * height and _same_row(current, segment):
                current = _union([current, segment])
            else:
                joined.append(current)
                current = segment
        joined.append(current)
    return joined


def _union(segments: Sequence[_Segment]) -> _Segment:
    return _Segment(
        min(s.left for s in segments),
        min(s.top for s in segments),
        max(s.right for s in segments),
        max(s.bottom for s in segments),
        tuple(line for s in segments for line in s.lines),
    )


def _same_row(one: _Segment, other: _Segment) -> bool:
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return common > SAME_ROW * min(one.height, other.height)


def _rows(segments: Sequence[_Segment]) -> Rows:
    """Group segments into rows from top to bottom, each from left to right.

    A segment joins the row whose last joined neighbours, to the left or to the right, it shares most height with:
    not the row as a whole, which a little skew makes higher than its text.
    """
    rows: Rows = []
    for segment in sorted(segments, key=lambda s: s.middle):
        best = None
        for row in rows[-4:]:  # rows above these are out of reach
            nearest = min(row, key=lambda s: max(s.left, segment.left) - min(s.right, segment.right))
            if _same_row(nearest, segment) and not _covers(row, segment):
                best = row
        if best is None:
            rows.append([segment])
        else:
            best.append(segment)
    rows.sort(key=lambda row: float(np.mean([s.middle for s in row])))
    return [sorted(row, key=lambda s: s.left) for row in rows]


def _covers(row: Sequence[_Segment], segment: _Segment) -> bool:
    """Return whether a row has text above or below half of a segment, which then is of another row."""
    return any(min(s.right, segment.right) - max(s.left, segment.left) > min(s.width, segment.width) / 2 for s in row)


def _blocks(segments: Sequence[_Segment]) -> list[Rows]:
    """Divide segments into columns and what is above, between and below them; return the rows of each."""
    rows = _rows(segments)
    gap = _column_gap(rows)
    if gap is None:
        return [rows] if rows else []
    blocks: list[Rows] = []
    plain: Rows = []  # of bands without columns, one after the other
    for band in _bands(rows, *gap):
        left, right = _sides(band, *gap)
        if _are_columns(left, right):
            blocks += [plain] if plain else []
            blocks += _blocks(left) + _blocks(right)
            plain = []
        else:
            plain += band
    return blocks + ([plain] if plain else [])


def _bands(rows: Rows, start: float, end: float) -> list[Rows]:
    """Divide rows into those that a gap from `start` to `end` divides and those with text across it."""
    grouped = itertools.groupby(rows, lambda row: any(_inside(s, start, end) for s in row))
    return [list(band) for _, band in grouped]


def _inside(segment: _Segment, start: float, end: float) -> bool:
    return segment.left < end and segment.right > start


def _sides(rows: Rows, start: float, end: float) -> tuple[list[_Segment], list[_Segment]]:
    """Return the segments to the left of a gap and those to the right; none where one is across it."""
    segments = [segment for row in rows for segment in row]
    if any(_inside(segment, start, end) for segment in segments):
        return [], []
    return [s for s in segments if s.right <= start], [s for s in segments if s.left >= end]


def _column_gap(rows: Rows) -> tuple[float, float] | None:
    """Return left and right of the gap with the most rows on both sides that are columns; None where there is none."""
    segments = [segment for row in rows for segment in row]
    if len(segments) < 2 * COLUMN_ROWS:
        return None
    least = COLUMN_GAP * float(np.median([s.height for s in segments]))
    lefts = np.unique([s.left for s in segments])
    found: tuple[int, float] = 0, 0.0
    gap = None
    for start in np.unique([s.right for s in segments]).tolist():
        end = float(lefts[min(np.searchsorted(lefts, start), len(lefts) - 1)])
        if end - start < least:
            continue
        sides = [_sides(band, start, end) for band in _bands(rows, start, end)]
        score = sum(min(len(left), len(right)) for left, right in sides if _are_columns(left, right)), end - start
        if score[0] and score > found:
            found, gap = score, (start, end)
    return gap


def _are_columns(left: Sequence[_Segment], right: Sequence[_Segment]) -> bool:
    """Return whether what is on both sides of a gap reads as columns of running text, not as cells of a table."""
    for side in (left, right):
        if len(side) < COLUMN_ROWS or len(_rows(side)) < COLUMN_ROWS:
            return False
        if np.median([s.width / max(s.height, 1e-6) for s in side]) < COLUMN_ASPECT:
            return False
    tops, bottoms = ([f(getattr(s, edge) for s in side) for side in (left, right)] for f, edge in _ENDS)
    common = min(bottoms) - max(tops)
    return common > min(bottom - top for top, bottom in zip(tops, bottoms)) / 2


_ENDS = ((min, "top"), (max, "bottom"))


def _paragraphs(blocks: Sequence[Rows]) -> list[Rows]:
    """Divide blocks where the gap between rows is wide."""
    divided: list[Rows] = []
    for rows in blocks:
        current: Rows = []
        for row in rows:
            if current and _gap(current[-1], row) > PARAGRAPH_GAP * _height(row):
                divided.append(current)
                current = []
            current.append(row)
        divided.append(current)
    return divided


def _gap(above: Sequence[_Segment], below: Sequence[_Segment]) -> float:
    return min(s.top for s in below) - max(s.bottom for s in above)


def _height(row: Sequence[_Segment]) -> float:
    return float(np.median([s.height for s in row]))
