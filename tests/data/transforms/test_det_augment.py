"""IaaAugment and the crop in one warp draw what the same steps one after the other draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.transforms.base import Pipeline, Sample, Transform
from ppocr.data.transforms.det_augment import IaaAugment
from ppocr.data.transforms.geometry import PendingImage
from ppocr.data.transforms.image import DecodeImage, KeepKeys
from tests.data.helpers import loader_of, make_images

HEIGHT, WIDTH = 300, 400
COUNT = 300


def page() -> tuple[bytes, np.ndarray]:
    """Return a JPEG of dark boxes with a white cross in the middle of each, and the boxes."""
    image = np.full((HEIGHT, WIDTH, 3), 160, np.uint8)
    polys = []
    for row in range(4):
        for column in range(3):
            x, y = 24 + column * 125, 20 + row * 70
            image[y : y + 34, x : x + 90] = 20
            cv2.circle(image, (x + 45, y + 17), 9, (255, 255, 255), -1, cv2.LINE_AA)
            polys.append([[x, y], [x + 90, y], [x + 90, y + 34], [x, y + 34]])
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(), np.array(polys, np.float32)


DATA, POLYS = page()


def pipeline(fuse: bool, **augmentation: Any) -> Pipeline:
    return Pipeline.from_config(
        [
            {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
            {"IaaAugment": {"fuse": fuse, **augmentation}},
            {"EastRandomCropData": {"size": [192, 192], "max_tries": 50, "keep_ratio": True, "fuse": fuse}},
        ],
        {},
    )


def run(steps: Pipeline, seed: int) -> dict[str, Any]:
    sample = {"image": DATA, "polys": POLYS.copy(), "ignore_tags": np.zeros(12, bool), "texts": [""] * 12}
    return steps(sample, np.random.Generator(np.random.Philox(seed)))


def geometry(found: dict[str, Any]) -> tuple[float, float, float]:
    """Return scale, angle in degrees and kept share of a sample."""
    if not len(found["polys"]):
        return 0.0, 0.0, 0.0
    base, side = found["polys"][0][1] - found["polys"][0][0], found["polys"][0][3] - found["polys"][0][0]
    scale = np.sqrt(np.linalg.norm(base) / 90 * np.linalg.norm(side) / 34)
    return float(scale), float(np.degrees(np.arctan2(base[1], abs(base[0])))), len(found["polys"]) / 12


def test_both_ways_draw_from_the_same_distributions() -> None:
    one = np.array([geometry(run(pipeline(True), seed)) for seed in range(COUNT)])
    steps = np.array([geometry(run(pipeline(False), 5000 + seed)) for seed in range(COUNT)])
    for column in range(3):
        levels = np.sort(np.concatenate([one[:, column], steps[:, column]]))
        shares = [np.searchsorted(np.sort(v[:, column]), levels, side="right") / COUNT for v in (one, steps)]
        assert np.abs(shares[0] - shares[1]).max() < 0.133  # Kolmogorov-Smirnov at the 1 % level


def centres(image: np.ndarray, polys: np.ndarray) -> dict[int, np.ndarray]:
    """Return where the light of the white disc inside each whole polygon has its centre."""
    found = {}
    for number, poly in enumerate(polys):
        low, high = poly.min(axis=0) + 2, poly.max(axis=0) - 2
        if (low < 1).any() or (high > (image.shape[1] - 1, image.shape[0] - 1)).any():
            continue
        mask = np.zeros(image.shape[:2], np.uint8)
        inner = poly.mean(axis=0) + 0.8 * (poly - poly.mean(axis=0))
        cv2.fillPoly(mask, [np.rint(inner - 0.5).astype(np.int32)], 1)
        light = np.where(mask > 0, np.maximum(image[..., 0].astype(np.float64) - 120, 0), 0)
        y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
        if light.sum() > 0:
            found[number] = np.array([(x * light).sum(), (y * light).sum()]) / light.sum()
    return found


def test_polygons_stay_on_their_text_in_both_ways() -> None:
    compared = 0
    for seed in range(60):
        one, steps = run(pipeline(True), seed), run(pipeline(False), seed)
        assert one["image"].shape == steps["image"].shape == (192, 192, 3)
        assert np.abs(one["polys"] - steps["polys"]).max(initial=0) < 1
        here, there = centres(one["image"], one["polys"]), centres(steps["image"], steps["polys"])
        for number in here.keys() & there.keys():
            middle = one["polys"][number].mean(axis=0)
            assert np.abs(here[number] - middle).max() < 1 and np.abs(there[number] - middle).max() < 1
            compared += 1
    assert compared > 60


def test_what_is_pending_is_settled_where_the_next_step_needs_pixels() -> None:
    alone = Pipeline.from_config([{"DecodeImage": {"img_mode": "BGR"}}, {"IaaAugment": None}], {})
    assert isinstance(run(alone, 1)["image"], np.ndarray)
    fused = pipeline(True).transforms
    sample = fused[0]({"image": DATA})
    assert isinstance(sample["image"], PendingImage)


def test_changes_of_grey_levels_lie_between_two_warps() -> None:
    levels = [
        {"type": "Fliplr", "args": {"p": 1}},
        {"type": "Add", "args": {"value": -127}},
        {"type": "Affine", "args": {"rotate": 5}},
        {"type": "Sometimes", "args": {"p": 1.0, "then_list": {"type": "Add", "args": {"value": 40}}}},
        {"type": "Resize", "args": {"size": 0.8}},
    ]
    one, steps = (run(pipeline(fuse, augmenter_args=levels), 3) for fuse in (True, False))
    assert np.abs(one["polys"] - steps["polys"]).max() < 1
    assert one["image"].max() <= 128 + 42 and one["image"][..., 0].max() >= 150
    difference = np.abs(one["image"].astype(int) - steps["image"])
    assert difference.mean() < 4


def test_a_first_step_that_needs_pixels_gets_them() -> None:
    noisy = IaaAugment([{"type": "GaussianBlur", "args": {"sigma": 1}}])
    assert not noisy.takes_pending
    assert IaaAugment([]).takes_pending and not IaaAugment(fuse=False).takes_pending


@pytest.mark.parametrize("polys", [np.zeros((0, 4, 2), np.float32)])
def test_images_without_text(polys: np.ndarray) -> None:
    sample = {"image": DATA, "polys": polys, "ignore_tags": np.zeros(0, bool), "texts": []}
    found = pipeline(True)(sample, np.random.default_rng(0))
    assert found["image"].shape == (192, 192, 3) and found["polys"].shape == (0, 4, 2)


def test_augmenters_of_imgaug_give_the_same_batches_with_any_number_of_workers(tmp_path: Path) -> None:
    make_images(tmp_path, 12)
    specs = [{"type": "PerspectiveTransform"}, {"type": "GaussianBlur"}, {"type": "Resize", "args": {"size": 0.5}}]
    specs.append({"type": "OneOf", "args": {"children": [{"type": "Dropout"}, {"type": "PiecewiseAffine"}]}})

    class Quads(Transform):
        """Add polygons, which the augmenters move."""

        def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
            return sample | {"polys": np.float32([[[2, 1], [9, 1], [9, 6], [2, 6]]])}

    def epochs(workers: int, order: tuple[int, ...]) -> dict[int, list[np.ndarray]]:
        steps = [DecodeImage(), Quads(), IaaAugment(specs), KeepKeys(["image", "polys"])]
        loader = loader_of(tmp_path, transforms=steps, num_workers=workers)
        found = {n: [batch[key].numpy() for batch in loader.epoch(n) for key in ("image", "polys")] for n in order}
        loader.close()
        return found

    alone = epochs(0, (1, 2))
    assert not all(np.array_equal(a, b) for a, b in zip(alone[1], alone[2]))
    for other in (epochs(1, (2, 1)), epochs(2, (1, 2))):
        assert all(np.array_equal(a, b) for n in (1, 2) for a, b in zip(alone[n], other[n], strict=True))
