"""CopyPaste: what is pasted is the other sample's text, where its label says, and nowhere on another text."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.transforms.copy_paste import CopyPaste, cut
from ppocr.data.transforms.geometry import PendingImage
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS

QUAD = np.array([[20, 30], [80, 40], [77, 58], [17, 48]], np.float32)


def source() -> dict[str, Any]:
    """Return a sample with three bright texts on black, the last illegible, one a hexagon."""
    image = np.zeros((200, 200, 3), np.uint8)
    hexagon = np.array([[100, 100], [130, 90], [160, 100], [160, 115], [130, 105], [100, 115]], np.float32)
    quads = [QUAD, hexagon, QUAD + (100, 100)]
    polys = np.stack([np.concatenate([q, np.repeat(q[-1:], 6 - len(q), axis=0)]) for q in quads]).astype(np.float32)
    for polygon in polys:
        cv2.fillPoly(image, [np.rint(polygon).astype(np.int32)], (250, 250, 250))
    return {
        "image": image,
        "polys": polys,
        "texts": ["quad", "hexagon", "###"],
        "ignore_tags": np.array([False, False, True]),
    }


def target(side: int = 400, regions: int = 1) -> dict[str, Any]:
    corners = np.array([[0, 0], [60, 0], [60, 20], [0, 20]], np.float32)
    return {
        "image": np.full((side, side, 3), 60, np.uint8),
        "polys": np.stack([corners + (10, 10 + 30 * i) for i in range(regions)])
        if regions
        else np.zeros((0, 4, 2), np.float32),
        "texts": ["own"] * regions,
        "ignore_tags": np.zeros(regions, bool),
        "ext_data": [source()],
    }


def pasted(seed: int, sample: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return CopyPaste(**options)(target() if sample is None else sample, np.random.default_rng(seed))


def bounds(polygon: np.ndarray) -> np.ndarray:
    return np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])


def test_labels_grow_together_and_the_text_is_where_they_say() -> None:
    texts = set()
    for seed in range(12):
        found = pasted(seed, objects_paste_ratio=1.0)
        assert len(found["polys"]) == len(found["texts"]) == len(found["ignore_tags"]) == 3
        assert found["polys"].shape == (3, 6, 2) and found["polys"].dtype == np.float32
        assert found["texts"][0] == "own" and not found["ignore_tags"].any() and "ext_data" not in found
        texts |= set(found["texts"][1:])
        painted = np.zeros(found["image"].shape[:2], np.uint8)
        cv2.fillPoly(painted, [np.rint(p - 0.5).astype(np.int32) for p in found["polys"][1:]], 255)
        bright = found["image"][..., 0] > 150
        kernel = np.ones((5, 5), np.uint8)
        assert bright[cv2.erode(painted, kernel) > 0].mean() > 0.99
        assert not bright[cv2.dilate(painted, kernel) == 0].any()
    assert texts == {"quad", "hexagon"}  # what is illegible is never pasted


def test_pasted_texts_meet_no_other() -> None:
    for seed in range(30):
        found = pasted(seed, target(300, regions=8), objects_paste_ratio=1.0)
        for i, one in enumerate(found["polys"][8:], 8):
            for other in found["polys"][:i]:
                a, b = bounds(one), bounds(other)
                assert (a[:2] > b[2:]).any() or (b[:2] > a[2:]).any()


def test_without_the_limit_texts_may_meet() -> None:
    full = target(130, regions=4)
    full["polys"] = full["polys"] * 2.5  # leaves no room
    assert len(pasted(0, dict(full, ext_data=[source()]), objects_paste_ratio=1.0)["polys"]) == 4
    assert len(pasted(0, dict(full, ext_data=[source()]), objects_paste_ratio=1.0, limit_paste=False)["polys"]) > 4


def test_angles_go_all_the_way_round() -> None:
    angles = []
    for seed in range(200):
        found = pasted(seed)
        if found["texts"][1:] == ["quad"]:
            x, y = found["polys"][1][1] - found["polys"][1][0]
            angles.append(np.degrees(np.arctan2(y, x)) % 360)
    assert np.histogram(angles, 4, (0, 360))[0].min() > len(angles) / 8


def test_how_many() -> None:
    many = source()
    many["polys"] = np.repeat(many["polys"][:1], 60, axis=0)
    many["texts"], many["ignore_tags"] = ["a"] * 60, np.zeros(60, bool)
    for ratio, count in ((0.2, 12), (0.0, 1), (1.0, 30)):
        sample = {**target(2000), "ext_data": [many]}
        assert len(pasted(1, sample, objects_paste_ratio=ratio)["texts"]) == 1 + count


def test_onto_an_image_without_text() -> None:
    found = pasted(1, target(regions=0))
    assert found["polys"].shape[0] == 1 and len(found["texts"]) == 1


def test_without_anything_to_paste_nothing_changes() -> None:
    for extra in ([], [{**source(), "ignore_tags": np.ones(3, bool)}]):
        sample = {**target(), "ext_data": extra}
        before = sample["image"].copy()
        found = pasted(0, sample)
        assert np.array_equal(found["image"], before) and found["texts"] == ["own"]
    too_small = target(12)
    assert len(pasted(0, too_small)["polys"]) == 1


def test_pixels_that_may_not_be_changed_are_not() -> None:
    sample = target()
    sample["image"].setflags(write=False)
    kept = sample["image"]
    found = pasted(0, sample)
    assert (kept == 60).all() and (found["image"] != 60).any()


def test_same_numbers_same_sample() -> None:
    one, two, other = pasted(3), pasted(3), pasted(4)
    assert np.array_equal(one["image"], two["image"]) and np.array_equal(one["polys"], two["polys"])
    assert not np.array_equal(one["image"], other["image"])


@pytest.mark.parametrize("turn", [1, -1])
def test_a_slanted_text_becomes_upright_and_is_not_mirrored(turn: int) -> None:
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (90, 100, 3)).astype(np.uint8), (0, 0), 2)
    slanted = np.array([[20, 30], [80, 40], [70, 70], [10, 60]], np.float32)
    piece = cut(slanted if turn > 0 else slanted[[3, 2, 1, 0]], 0)
    assert piece is not None
    width, height = np.hypot(60, 10), np.hypot(10, 30)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    canvas = np.zeros((200, 200, 3), np.uint8)
    patch = piece.at((5, 7), image)
    pending = PendingImage.of(canvas)
    pending.paste([patch])
    polygon = patch.polygon
    assert polygon == pytest.approx((corners if turn > 0 else corners[[3, 2, 1, 0]]) + (5, 7), abs=1e-3)
    matrix = cv2.getAffineTransform(slanted[:3] - 0.5, corners[:3] - 0.5)
    expected = cv2.warpAffine(image, matrix, (piece.width, piece.height))
    drawn = pending.render()[7 : 7 + piece.height, 5 : 5 + piece.width]
    assert np.abs(drawn[1:-1, 1:-1].astype(int) - expected[1:-1, 1:-1]).max() <= 2


@pytest.mark.parametrize("polygon", [np.zeros((4, 2)), [[5, 5], [90, 5], [90, 5.2], [5, 5.2]], [[1, 1], [9, 9]]])
def test_what_has_no_area_is_not_cut(polygon: Any) -> None:
    assert cut(np.asarray(polygon, np.float32), 0) is None


def test_a_ratio_is_a_share() -> None:
    with pytest.raises(ConfigError, match="CopyPaste.objects_paste_ratio"):
        TRANSFORMS.build({"name": "CopyPaste", "objects_paste_ratio": 2})
