"""Lines cut out of a page, and points of a line put back onto the page."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.system.crop import crop_line


def painted(height: int = 60, width: int = 100) -> np.ndarray:
    """An image whose pixels say where they are: blue is x, green is y."""
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([x, y, np.zeros_like(x)], axis=-1)


def test_an_upright_box_is_cut_out_without_resampling():
    image = painted()
    crop = crop_line(image, np.array([(10, 20), (50, 20), (50, 35), (10, 35)]))
    assert np.array_equal(crop.image, image[20:35, 10:50])
    assert np.shares_memory(crop.image, image)


def test_a_slanted_box_is_rectified():
    crop = crop_line(painted(), np.array([(10, 20), (50, 30), (48, 40), (8, 30)]))
    assert crop.image.shape[:2] == (10, 41)
    middle = crop.image[5, 20]
    assert abs(int(middle[0]) - 29) <= 1 and abs(int(middle[1]) - 30) <= 1


def test_a_tall_box_is_rotated_counter_clockwise():
    image = painted()
    crop = crop_line(image, np.array([(10, 5), (20, 5), (20, 45), (10, 45)]))
    assert crop.rotated and crop.image.shape[:2] == (10, 40)
    assert crop.image[0, 0].tolist() == image[5, 19].tolist()  # the upper left was the upper right


@pytest.mark.parametrize("height, rotated", [(14, False), (15, True)])
def test_tall_is_one_and_a_half_times_as_high_as_wide(height, rotated):
    assert crop_line(painted(), np.array([(10, 5), (20, 5), (20, 5 + height), (10, 5 + height)])).rotated == rotated


@pytest.mark.parametrize(
    "box",
    [
        [(10, 20), (50, 20), (50, 35), (10, 35)],
        [(10, 20), (50, 30), (48, 40), (8, 30)],
        [(10, 5), (20, 5), (20, 45), (10, 45)],
        [(10, 5), (20, 7), (18, 45), (8, 43)],
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_points_of_the_crop_go_back_to_where_their_pixels_are(box, turned):
    crop = crop_line(painted(), np.array(box))
    crop = crop.upside_down() if turned else crop
    height, width = crop.image.shape[:2]
    y, x = np.mgrid[2 : height - 2, 2 : width - 2]
    back = crop.on_page(np.stack([x, y], axis=-1) + 0.5 * turned)
    assert np.abs(back - crop.image[2 : height - 2, 2 : width - 2, :2]).max() < 1.5


def test_a_polygon_is_cut_out_by_its_smallest_rectangle():
    image = painted()
    crop = crop_line(image, np.array([(10, 20), (30, 18), (50, 20), (50, 30), (30, 32), (10, 30)]))
    assert crop.image.shape[:2] == (14, 40)


@pytest.mark.parametrize(
    "box", [[(5, 5)] * 4, [(5, 5), (9, 5), (9, 5), (5, 5)], [(99, 59), (100, 59), (100, 60), (99, 60)]]
)
def test_a_box_without_area_still_gives_a_pixel(box):
    crop = crop_line(painted(), np.array(box))
    assert min(crop.image.shape[:2]) >= 1
    assert np.isfinite(crop.on_page(np.array([(0, 0), (1, 1)]))).all()


def test_a_box_that_leaves_the_image_repeats_the_border():
    crop = crop_line(painted(), np.array([(90, 20), (110, 20), (110, 30), (90, 30)]))
    assert crop.image.shape[:2] == (10, 20)
    assert crop.image[5, 19, 0] == 99
