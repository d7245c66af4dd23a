"""Border maps of convex quadrilaterals in closed form, many at once: what nearly all text instances are.

`det_targets_db.py` draws the others, one by one; both draw the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

ARC_TOLERANCE = 0.25  # of a pixel: by how much Clipper's polygons cut the round corners of an offset
_PIXELS = 1 << 19  # drawn at once
_AFTER, _BEFORE = np.array([1, 2, 3, 0]), np.array([3, 0, 1, 2])  # corners, by place
_OUTWARD = np.array([1.0, -1.0])[:, None, None]  # of a direction, its coordinates exchanged


class Quads:
    """Convex quadrilaterals and what their offsets and borders need; coordinates come first: x, y.

    Args:
        points: float [N, 4, 2], of any direction.

    Attributes:
        points: float64 [2, N, 4], turned so that x to y is the way round.
        edges: each from its corner to the following one, [2, N, 4].
        lengths: of the edges, [N, 4].
        directions: edges of length 1, [2, N, 4].
        normals: their outward unit normals, [2, N, 4].
        sines: of the turn at each corner, [N, 4].
        cosines: of the same.
        convex: bool [N]; nothing else here holds where it is False.
    """

    def __init__(self, points: np.ndarray) -> None:
        corners = np.array(points.transpose(2, 0, 1), np.float64)
        (x0, x1), (y0, y1) = (corners[..., 2:] - corners[..., :2]).transpose(0, 2, 1)
        self.points = np.where((x0 * y1 < y0 * x1)[:, None], corners[..., ::-1], corners)
        self.edges = self.points.take(_AFTER, axis=2) - self.points
        self.lengths = np.sqrt((self.edges * self.edges).sum(axis=0))
        self.directions = self.edges / np.maximum(self.lengths, 1e-9)
        self.normals = self.directions[::-1] * _OUTWARD
        (x, y), (x0, y0) = self.normals, self.normals.take(_BEFORE, axis=2)
        self.sines = x0 * y - x * y0
        self.cosines = x0 * x + y0 * y
        self.convex = (self.sines > 0).all(axis=1)


def grown(points: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return quadrilaterals with all edges moved outwards and round corners, as Clipper makes them.

    Args:
        points: float [N, 4, 2].
        distance: by how much, [N].

    Returns:
        int32 [N, K, 2], the same number of points for all, some of them the same, and bool [N]: False where that
        is not the outline.
    """
    quads = Quads(np.trunc(points))  # Clipper takes whole coordinates
    reach = np.maximum(distance, 1e-3)
    arc = np.minimum(np.pi / np.arccos(1 - np.minimum(ARC_TOLERANCE, ARC_TOLERANCE * reach) / reach), reach * np.pi)
    step = (2 * np.pi / arc)[:, None]  # angle between points of a corner
    turns = np.arctan2(quads.sines, quads.cosines)
    counts = np.maximum(np.floor(turns / step + 0.5), 1)
    places = np.arange(counts.max(initial=1) + 1)
    angles = places * step[..., None]
    sines, cosines = np.sin(angles), np.cos(angles)  # [N, 1, K]
    (x, y), after = quads.normals.take(_BEFORE, axis=2)[..., None], quads.normals[..., None]
    normals = np.stack([x * cosines - y * sines, x * sines + y * cosines])  # [2, N, 4, K]
    normals = np.where(places >= counts[..., None], after, normals)
    outline = _rounded(quads.points[..., None] + normals * reach[:, None, None]).reshape(2, len(points), -1)
    fine = quads.convex & (quads.sines * reach[:, None] >= 1).all(axis=1)
    return np.ascontiguousarray(outline.transpose(1, 2, 0), np.int32), fine


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.trunc(values + np.copysign(0.5, values))


class Borders:
    """How far pixels are from the outlines of convex quadrilaterals, as DB defines it.

    upstream: from a point that sees an edge at less than a right angle, outside the circle over the edge, the
    distance is that to the nearer end, even beside the edge.

    Nearly everywhere that is the distance to the line of the edge that lies farthest outwards. It differs only
    outside a corner: where no circle over the corner's edges reaches, it is that to the corner.

    Args:
        points: float [N, 4, 2].
        reach: how far distances matter, [N].
        scale: what distances are multiplied with, [N].

    Attributes:
        fine: bool [N]; False where a quadrilateral is too thin or too slanted for this.
    """

    def __init__(self, points: np.ndarray, reach: np.ndarray, scale: np.ndarray) -> None:
        self._quads = quads = Quads(points)
        self._scale = scale
        after, before = quads.lengths, quads.lengths.take(_BEFORE, axis=1)
        radius = reach[:, None]
        # both edges at a corner reach so far inwards that their circles cover what is near them
        fine = np.minimum(after, before) * quads.sines >= 2 * radius
        # what lies outside a corner: from it to the ends of both edges' parts, moved outwards, and where those meet
        skip = after / 2 - np.sqrt(np.maximum(after * after / 4 - radius * radius, 0))  # there the circles begin
        skip_before = skip.take(_BEFORE, axis=1)
        along, back = quads.directions, -quads.directions.take(_BEFORE, axis=2)
        out, out_before = quads.normals, quads.normals.take(_BEFORE, axis=2)
        rim = np.zeros((4, *out.shape))
        rim[1] = (out + out_before) * (radius / np.maximum(1 + quads.cosines, 1e-9))
        rim[2] = out * radius + along * skip
        rim[3] = out_before * radius + back * skip_before
        low, high = rim.min(axis=0), rim.max(axis=0)
        for direction, length, circle in ((along, after, skip), (back, before, skip_before)):
            fine &= np.maximum(low * direction, high * direction).sum(axis=0) + 2 <= length - circle
        self.fine = quads.convex & fine.all(axis=1)
        fine = self.fine[:, None]
        self._low = np.where(fine, np.floor(quads.points + low), 0).astype(np.int64)
        self._high = np.where(fine, np.ceil(quads.points + high) + 1, 0).astype(np.int64)

    def maps(self, boxes: np.ndarray, top: float) -> Iterator[tuple[int, np.ndarray]]:
        """Yield for each that is fine `top` less the scaled distances in a box, as float32 [y1 - y0, x1 - x0].

        Args:
            boxes: whole numbers [N, 4]: x0, y0, x1, y1.
            top: value on the outline.
        """
        boxes = boxes.T  # [4, N]
        rows = np.flatnonzero(self.fine & (boxes[0] < boxes[2]) & (boxes[1] < boxes[3]))
        low, high, ends = self._low[:, rows], self._high[:, rows], boxes[:, rows, None]
        self._low[:, rows] = low = np.maximum(low, ends[:2])
        self._high[:, rows] = high = np.maximum(np.minimum(high, ends[2:]), low)
        sizes = (high - low).max(axis=(0, 2), initial=0)
        classes = np.ceil(np.log2(np.maximum(sizes, 24) / 24))  # a large corner does not make all others large
        areas = (boxes[2] - boxes[0]) * (boxes[3] - boxes[1])
        for one in sorted(set(classes.tolist())):
            alike = rows[classes == one]
            at_once = max(1, _PIXELS // int(areas[alike].max()))
            for first in range(0, len(alike), at_once):
                some = alike[first : first + at_once]
                yield from zip(some.tolist(), self._draw(some, boxes[:, some], np.float32(top)))

    def _draw(self, rows: np.ndarray, boxes: np.ndarray, top: np.float32) -> list[np.ndarray]:
        """Return `top` less the scaled distances in the boxes of some rows."""
        extents = boxes[2:] - boxes[:2]
        ends = np.cumsum(extents[0] * extents[1])
        flat = np.empty(ends[-1], np.float32)
        views = [
            flat[end - width * height : end].reshape(height, width)
            for width, height, end in zip(*extents.tolist(), ends.tolist())
        ]
        normals = (self._quads.normals[:, rows] * self._scale[rows, None]).astype(np.float32)  # [2, R, 4]
        width, height = extents.max(axis=1)
        # the distance to the line of an edge is a + b * y, where a goes with x: a product of matrices
        lines = np.empty((len(rows), 4, 2, width), np.float32)
        np.multiply(normals[0, ..., None], np.arange(width, dtype=np.float32), out=lines[:, :, 0])
        lines[:, :, 0] += ((boxes[:2, :, None] - self._quads.points[:, rows]) * normals).sum(axis=0)[..., None]
        lines[:, :, 1] = normals[1, ..., None]
        upright = np.ones((height, 2), np.float32)
        upright[:, 1] = np.arange(height)
        for view, line in zip(views, lines):
            edges = np.matmul(upright[: view.shape[0]], line[:, :, : view.shape[1]])  # [4, H, W]
            pairs = np.maximum(edges[:2], edges[2:], out=edges[:2])
            np.maximum(pairs[0], pairs[1], out=view)
        self._add_corners(rows, boxes, flat, ends)
        np.subtract(top, np.abs(flat, out=flat), out=flat)
        return views

    def _add_corners(self, rows: np.ndarray, boxes: np.ndarray, flat: np.ndarray, ends: np.ndarray) -> None:
        """Write the distances to corners over those to lines, where they count.

        Args:
            rows: which quadrilaterals.
            boxes: theirs, [4, R].
            flat: the pixels of all boxes, one box after the other.
            ends: where each box ends in `flat`.
        """
        quads = self._quads
        low, high = self._low[:, rows].reshape(2, -1), self._high[:, rows].reshape(2, -1)
        size = int((high - low).max())
        # of every pixel beside every corner, how far it is from that; corners last, for long runs of memory
        steps = np.arange(size)[:, None]
        x, y = ((low - quads.points[:, rows].reshape(2, -1))[:, None] + steps).astype(np.float32)
        edges = quads.edges[:, rows]
        vectors = np.stack([edges, -edges.take(_BEFORE, axis=2)], axis=1).astype(np.float32)
        across, down = vectors.reshape(2, 2, 1, -1)
        following, back = (across * x)[:, None] + (down * y)[:, :, None]  # [size, size, 4R] each
        squares = (x * x)[None] + (y * y)[:, None]
        counts = squares > np.maximum(following, back, out=following)  # on a circle is in it
        # and where it is in `flat`
        left, top, right, bottom = np.repeat(boxes, 4, axis=1)
        width, (at_x, at_y) = right - left, low[:, None] + steps
        counts &= (at_x < high[0])[None]
        counts &= (at_y < high[1])[:, None]
        begin = np.repeat(ends, 4) - width * (bottom - top)
        across_x, down_y = (at_x - left).astype(np.int32), ((at_y - top) * width + begin).astype(np.int32)
        places = across_x[None] + down_y[:, None]
        squares *= np.repeat((self._scale[rows] ** 2).astype(np.float32), 4)
        chosen = np.flatnonzero(counts)
        place = places.ravel()[chosen]
        to_line, to_corner = flat[place], np.sqrt(squares.ravel()[chosen])
        flat[place] = np.where(to_line > 0, np.maximum(to_line, to_corner), to_line)  # not inside
