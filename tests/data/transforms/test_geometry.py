"""Composed changes put every point where changes made one after the other put it."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ppocr.data.transforms.base import Context
from ppocr.data.transforms.geometry import Patch, PendingImage, Warp, move_points, size_of, warp_affine
from ppocr.data.transforms.image import DecodeImage
from ppocr.errors import SampleError

HEIGHT, WIDTH = 240, 320
POINTS = np.array([[60.0, 50.0], [250.0, 60.0], [160.0, 120.0], [80.0, 190.0], [240.0, 180.0]], np.float32)


def dotted(points: np.ndarray = POINTS, height: int = HEIGHT, width: int = WIDTH, radius: float = 6) -> np.ndarray:
    """Return a black image with a smooth white dot at each point (continuous coordinates)."""
    y, x = np.mgrid[:height, :width] + 0.5
    dots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * (radius / 2) ** 2)) for px, py in points]
    return np.repeat((255 * np.max(dots, axis=0)).astype(np.uint8)[..., None], 3, axis=2)


def centre_near(image: np.ndarray, point: np.ndarray, reach: int = 12) -> np.ndarray:
    """Return the centre of the light around a point, in continuous coordinates."""
    x0, y0 = np.maximum(np.floor(point).astype(int) - reach, 0)
    part = image[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach, 0].astype(np.float64)
    y, x = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
    return np.array([(x * part).sum(), (y * part).sum()]) / part.sum() + (x0, y0)


def assert_dots_at(image: np.ndarray, points: np.ndarray, within: float) -> None:
    for point in points:
        assert np.abs(centre_near(image, point) - point).max() < within


def flip(height: int, width: int) -> Warp:
    return Warp(np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]]), height, width, clips=False, reveals=False)


def turn(height: int, width: int, degrees: float, fill: int = 0) -> Warp:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    to, back = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]]), np.eye(3)
    back[:2, 2] = -width / 2, -height / 2
    return Warp(to @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ back, height, width, fill=fill)


def zoom(height: int, width: int, factor: float) -> Warp:
    new = round(height * factor), round(width * factor)
    return Warp(np.diag([new[1] / width, new[0] / height, 1]), *new, clips=False, reveals=False)


def chain(image: PendingImage, step_by_step: bool, factor: float = 1.7) -> np.ndarray:
    """Apply a flip, a rotation and a scaling, and return where the points went."""
    points = POINTS
    for make in (flip, lambda h, w: turn(h, w, 8), lambda h, w: zoom(h, w, factor)):
        change = make(*size_of(image))
        points = move_points(points, change.matrix)
        (image.warp_now if step_by_step else image.warp)(change)
    return points


@pytest.mark.parametrize("step_by_step", [False, True])
def test_points_stay_on_their_pixels(step_by_step: bool):
    image = PendingImage.of(dotted())
    points = chain(image, step_by_step)
    assert size_of(image) == (408, 544)
    assert_dots_at(image.render(), points, 0.3)


def test_composed_equals_step_by_step():
    one, many = PendingImage.of(dotted()), PendingImage.of(dotted())
    chain(one, False, 1.0)
    chain(many, True, 1.0)
    assert np.abs(one.render().astype(int) - many.render()).max() <= 6  # interpolated once and twice


@pytest.mark.parametrize("step_by_step", [False, True])
def test_window_is_cut_and_scaled_into_the_corner_of_a_black_canvas(step_by_step: bool):
    image = PendingImage.of(dotted() // 2 + 100)
    points = chain(image, step_by_step)
    shown = image.render_window((100, 40, 300, 200), (150, 225), (224, 256))
    assert shown.shape == (224, 256, 3) and shown[150:].max() == 0 and shown[:, 225:].max() == 0
    moved = (points - (100, 40)) * 0.75
    inside = moved[(moved > 14).all(axis=1) & (moved < (210, 136)).all(axis=1)]
    assert len(inside) >= 2
    assert_dots_at(np.where(shown > 110, shown - 100, 0).astype(np.uint8), inside, 0.5)


def test_nothing_pending_gives_the_very_pixels():
    pixels = dotted()
    assert PendingImage.of(pixels).render() is pixels
    assert PendingImage.of(pixels).untouched


@pytest.mark.parametrize("factor, reduction", [(1.0, 1), (0.6, 1), (0.5, 2), (0.3, 2), (0.25, 4), (0.1, 8)])
def test_jpeg_is_decoded_as_small_as_the_scale_allows(factor: float, reduction: int):
    data = cv2.imencode(".jpg", dotted(radius=30))[1].tobytes()
    asked = []

    def decode(by: int) -> np.ndarray:
        asked.append(by)
        return cv2.imdecode(np.frombuffer(data, np.uint8), {1: 1, 2: 17, 4: 33, 8: 65}[by])

    image = PendingImage(decode, HEIGHT, WIDTH, reducible=True)
    change = zoom(HEIGHT, WIDTH, factor)
    image.warp(change)
    found = image.render()
    if factor >= 0.25:  # below, the dots run together
        assert_dots_at(found, move_points(POINTS[:1], change.matrix), 1.0)
    assert asked == [reduction]


def test_what_a_change_cut_off_does_not_come_back():
    pixels = np.full((100, 100, 3), 200, np.uint8)
    shift = np.eye(3)
    shift[0, 2] = 60
    image, expected = PendingImage.of(pixels), PendingImage.of(pixels)
    for target, apply in ((image, image.warp), (expected, expected.warp_now)):
        apply(Warp(shift, 100, 100))
        apply(Warp(np.linalg.inv(shift), 100, 100))
        assert size_of(target) == (100, 100)
    assert np.array_equal(image.render(), expected.render())
    assert image.render()[50, 20, 0] == 200 and image.render()[50, 80, 0] == 0


def test_areas_outside_keep_their_own_grey_level():
    image = PendingImage.of(np.full((100, 100, 3), 200, np.uint8))
    image.warp(turn(100, 100, 45, fill=90))
    image.warp(turn(100, 100, 0, fill=30))
    shift = np.eye(3)
    shift[1, 2] = 40
    image.warp(Warp(shift, 100, 100, fill=30))
    found = image.render()
    assert found[45, 3, 0] == 90 and found[10, 50, 0] == 30 and found[90, 50, 0] == 200


def test_mirrored_borders_are_made_at_once():
    image = PendingImage.of(dotted())
    shift = np.eye(3)
    shift[0, 2] = 80
    image.warp(Warp(shift, HEIGHT, WIDTH, border=cv2.BORDER_REFLECT))
    assert image.untouched
    assert_dots_at(image.render(), np.array([[140.0, 50.0], [20.0, 50.0]]), 0.5)  # the first dot and its mirror image


def test_fast_warp_equals_opencv():
    rng = np.random.default_rng(0)
    source = cv2.GaussianBlur(rng.integers(0, 256, (200, 300, 3)).astype(np.uint8), (0, 0), 2)
    for degrees, scale, shift in (
        (7, 0.8, (20, -30)),
        (-40, 2.5, (-300, 50)),
        (0, 1, (500, 0)),
        (180, 0.3, (250, 150)),
    ):
        matrix = cv2.getRotationMatrix2D((150, 100), degrees, scale)
        matrix[:, 2] += shift
        out = np.empty((128, 160, 3), np.uint8)
        found = warp_affine(source, matrix, out, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, 7)
        expected = cv2.warpAffine(source, matrix, (160, 128), flags=cv2.INTER_LINEAR, borderValue=(7,) * 3)
        assert found is out and np.abs(found.astype(int) - expected).max() <= 2
    gray = warp_affine(source[..., 0].copy(), matrix, out[..., 0].copy(), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT, 7)
    assert gray.shape == (128, 160)


class Taker(DecodeImage):
    takes_pending = True


def decoded_later(data: bytes, **more: object) -> PendingImage | np.ndarray:
    step = DecodeImage("BGR", **more)
    return step.compiled(Context(after=[Taker()]))({"image": data})["image"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_before_decoding_is_the_size_after(orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(dotted()).save(file, "JPEG", exif=exif)
    image = decoded_later(file.getvalue())
    assert isinstance(image, PendingImage)
    expected = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    assert size_of(image) == expected.shape[:2]
    assert np.array_equal(image.render(), expected)


def test_other_formats_and_modes():
    png = cv2.imencode(".png", dotted())[1].tobytes()
    assert isinstance(decoded_later(png), np.ndarray)
    jpeg = cv2.imencode(".jpg", dotted() // np.array([1, 2, 3], np.uint8))[1].tobytes()
    for mode in ("RGB", "GRAY"):
        step = DecodeImage(mode)
        now = step({"image": jpeg})["image"]
        later = step.compiled(Context(after=[Taker()]))
        assert np.array_equal(later({"image": jpeg})["image"].render(), now)


def test_bad_files_are_refused_when_their_pixels_are_wanted():
    data = cv2.imencode(".jpg", dotted())[1].tobytes()
    with pytest.raises(SampleError, match="max_image_pixels"):
        decoded_later(data, max_image_pixels=1000)
    for damaged in (data[:100] + b"\0" * 50, data[:2] + b"\xff" + bytes(100), b"\xff\xd8\xff"):
        with pytest.raises(SampleError, match="undecodable"):
            PendingImage.of(decoded_later(damaged)).render()


def test_enlarging_does_not_darken_the_border():
    image = PendingImage.of(np.full((40, 60, 3), 200, np.uint8))
    image.warp(zoom(40, 60, 2.5))
    assert image.render().min() == 200
    assert image.render_window((10, 0, 90, 100), (50, 45), (50, 45)).min() == 200


def patched(image: PendingImage) -> np.ndarray:
    """Paste a piece of a smooth picture; return its corners."""
    picture = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, (90, 120, 3)).astype(np.uint8), (0, 0), 4)
    corners = np.array([[100.0, 70.0], [190.0, 90.0], [180.0, 140.0], [90.0, 120.0]], np.float32)
    shift = np.array([[1.0, 0.2, 80.0], [-0.1, 1.0, 75.0], [0, 0, 1]])
    image.paste([Patch(picture, shift, corners)])
    return corners


def covered(polygon: np.ndarray, size: tuple[int, int], grown: int) -> np.ndarray:
    """Return which pixels a polygon covers, made larger or smaller by some pixels; bool [H, W]."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.rint(polygon - 0.5).astype(np.int32)], 1)
    change = cv2.dilate if grown > 0 else cv2.erode
    return change(mask, np.ones((2 * abs(grown) + 1,) * 2, np.uint8)) > 0


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.7])
def test_patches_go_where_their_corners_go(factor: float) -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    pending, settled = PendingImage.of(grey), PendingImage.of(grey)
    corners = patched(pending)
    patched(settled)
    settled = PendingImage.of(settled.render())
    for change in (flip, lambda h, w: turn(h, w, 8), lambda h, w: zoom(h, w, factor)):
        step = change(*size_of(pending))
        corners = move_points(corners, step.matrix)
        pending.warp(step)
        settled.warp(step)
    once, twice = pending.render().astype(int), settled.render().astype(int)
    size = once.shape[:2]
    inside, outside = covered(corners, size, -4), ~covered(corners, size, 4)
    assert np.array_equal(once[outside], twice[outside])
    assert inside.sum() > 500 and np.abs(once - twice)[inside].max() <= 6  # interpolated once and twice
    assert (grey == 60).all()


def test_a_window_shows_its_part_of_a_patch_and_one_elsewhere_nothing() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    image = PendingImage.of(grey)
    patched(image)
    whole = image.render()
    part = image.render_window((120, 80, 60, 50), (50, 60), (64, 64))
    differs = np.abs(part[:50, :60].astype(int) - whole[80:130, 120:180]).max(axis=2) > 1
    assert differs.sum() < 10 and not part[50:].any()  # pixels on its outline, which OpenCV cuts at the window
    assert (image.render_window((200, 150, 60, 50), (50, 60), (50, 60)) == 60).all()


def test_patches_are_cut_off_mirrored_and_pasted_over_changes() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    images = [PendingImage.of(grey), PendingImage.of(grey)]
    for image, now in zip(images, (False, True)):
        patched(image)
        shift = np.eye(3)
        shift[0, 2] = -140
        for change in (
            Warp(shift, HEIGHT, WIDTH),  # cuts the patch
            Warp(np.linalg.inv(shift), HEIGHT, WIDTH, border=cv2.BORDER_REFLECT),
        ):
            image.warp(change)
            if now:
                image = PendingImage.of(image.render())
        patched(image)
        images[int(now)] = image
    one, other = (image.render() for image in images)
    assert np.array_equal(one, other) and (one != 60).mean() > 0.06
