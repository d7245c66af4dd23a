"""What is drawn in closed form is what the definitions and Clipper give, for quadrilaterals of every kind."""

from __future__ import annotations

import cv2
import numpy as np
import pyclipper
import pytest

from ppocr.data.transforms import det_quads, det_targets_db
from ppocr.data.transforms.det_targets_db import MakeBorderMap, MakeShrinkMap

HEIGHT, WIDTH = 160, 200


def quads(count: int, *, slant: float, seed: int = 0) -> np.ndarray:
    """Return quadrilaterals of any size, angle and direction, some of them partly outside, float32 [count, 4, 2]."""
    random = np.random.RandomState(seed)
    made = []
    for _ in range(count):
        width, height = random.uniform(16, 150), random.uniform(10, 60)
        corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
        corners += random.normal(0, slant * min(width, height), (4, 2))
        angle = random.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = corners @ turn + random.uniform(-10, WIDTH, 2)
        corners = corners.round() if random.rand() < 0.3 else corners
        made.append(corners[:: random.choice([-1, 1])])
    return np.array(made, np.float32)


def reach_of(quad: np.ndarray, ratio: float = 0.4) -> float:
    return abs(cv2.contourArea(quad)) * (1 - ratio**2) / cv2.arcLength(quad, True)


def clipped(quad: np.ndarray, distance: float) -> list[list[list[int]]]:
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(quad.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return offset.Execute(distance)


def filled(polygon: np.ndarray) -> np.ndarray:
    return cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [np.asarray(polygon, np.int32)], 1)


def closeness(polygon: np.ndarray, reach: float) -> np.ndarray:
    """Return 1 on the border to 0 at the reach, by the definition: edges that are seen at 90 degrees or more count."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    nearest = np.full((HEIGHT, WIDTH), np.inf)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0)):
        to_a, to_b = (x - ax) ** 2 + (y - ay) ** 2, (x - bx) ** 2 + (y - by) ** 2
        square = (bx - ax) ** 2 + (by - ay) ** 2
        beside = np.abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / max(np.sqrt(square), 1e-12)
        seen = to_a + to_b <= square if square > 0 else np.zeros_like(x, bool)
        nearest = np.minimum(nearest, np.where(seen, beside, np.sqrt(np.minimum(to_a, to_b))))
    return np.clip(1 - nearest / reach, 0, 1)


@pytest.fixture(params=[True, False], ids=["together", "one-by-one"])
def together(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Draw quadrilaterals together, or one by one, however many there are."""
    monkeypatch.setattr(det_targets_db, "MANY", 0 if request.param else 10**9)
    return request.param


def maps(polys: np.ndarray) -> dict[str, np.ndarray]:
    sample = {"image": np.zeros((HEIGHT, WIDTH, 3), np.uint8), "polys": polys, "ignore_tags": [False] * len(polys)}
    return MakeShrinkMap()(MakeBorderMap()(sample))


@pytest.mark.parametrize("slant, share", [(0, 0.99), (0.05, 0.9), (0.3, 0.3)])
def test_border_maps_follow_the_definition(together: bool, slant: float, share: float) -> None:
    drawn = quads(60, slant=slant)
    reach = np.array([reach_of(quad) for quad in drawn])
    assert det_quads.Borders(drawn, reach, 1 / reach).fine.mean() >= share, "the closed form is used"
    for quad, far in zip(drawn, reach):
        found = maps(quad[None])
        outline = np.array(clipped(quad, far)[0])
        assert (found["threshold_mask"] != filled(outline)).sum() <= 1
        expected = np.where(_box(outline), closeness(quad.astype(np.float64), far), 0) * 0.4 + 0.3
        wrong = np.abs(found["threshold_map"] - expected) > 1e-4
        assert wrong.sum() <= 1, "at most a pixel that lies on a circle, where the definition jumps"


def _box(outline: np.ndarray) -> np.ndarray:
    """Return which pixels lie in the box of an outline, bool [H, W]."""
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)


def test_grown_outlines_are_those_of_clipper() -> None:
    drawn = quads(300, slant=0.08, seed=1)
    reach = np.array([reach_of(quad) for quad in drawn])
    grown, fine = det_quads.grown(drawn, reach)
    assert fine.mean() > 0.9
    for row in np.flatnonzero(fine):
        assert (filled(grown[row]) != filled(clipped(drawn[row], reach[row])[0])).sum() <= 1


def test_overlapping_regions_keep_the_higher_value_whatever_their_order(together: bool) -> None:
    drawn = quads(12, slant=0.02, seed=2)
    expected = np.zeros((HEIGHT, WIDTH))
    for quad in drawn:
        far = reach_of(quad)
        box = _box(np.array(clipped(quad, far)[0]))
        expected = np.maximum(expected, np.where(box, closeness(quad.astype(np.float64), far), 0))
    for order in (slice(None), slice(None, None, -1)):
        assert (np.abs(maps(drawn[order])["threshold_map"] - (expected * 0.4 + 0.3)) > 1e-4).sum() <= 3


def test_large_and_small_regions_beside_polygons_of_more_points(together: bool) -> None:
    large = np.array([[5, 5], [195, 8], [190, 150], [8, 155]], np.float32)
    small = np.array([[60, 60], [72, 60], [72, 68], [60, 68]], np.float32)
    curved = np.array([[20, 60], [60, 40], [100, 40], [140, 60], [140, 85], [100, 65], [60, 65], [20, 85]], np.float32)
    mixed = np.stack([np.concatenate([quad, np.repeat(quad[-1:], 4, axis=0)]) for quad in (large, small)] + [curved])
    found = maps(mixed)
    alone = [maps(polygon[None]) for polygon in (large, small, curved)]
    for key in ("threshold_map", "threshold_mask", "shrink_map"):
        assert np.allclose(found[key], np.max([one[key] for one in alone], axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "points",
    [
        pytest.param([[20, 20], [100, 20], [100, 20], [20, 20]], id="a-line"),
        pytest.param([[20, 20], [100, 50], [100, 20], [20, 50]], id="crossing"),
        pytest.param([[20, 20], [100, 60], [180, 20], [100, 120]], id="a-dent"),
        pytest.param([[20, 20], [100, 20], [60, 80], [60, 80]], id="a-triangle"),
        pytest.param([[20, 20], [22, 20], [22, 21], [20, 21]], id="tiny"),
        pytest.param([[-90, -90], [-50, -90], [-50, -60], [-90, -60]], id="outside"),
        pytest.param([[-3000, -2000], [4000, -2000], [4000, 3000], [-3000, 3000]], id="around-everything"),
    ],
)
def test_odd_regions_are_drawn_without_a_fault(together: bool, points: list) -> None:
    found = maps(np.array([points], np.float32))
    assert found["threshold_map"].min() >= np.float32(0.3) and found["threshold_map"].max() <= np.float32(0.7)
    assert all(np.isin(found[key], (0, 1)).all() for key in ("threshold_mask", "shrink_map", "shrink_mask"))
