"""Lines of text cut out of a page, and what is found in a line put back onto the page."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ppocr.postprocess.db import in_order
from ppocr.results.lines import TALL


@dataclass(frozen=True)
class LineCrop:
    """The pixels of one line, and where they are on the page.

    Args:
        image: uint8 [h, w, 3].
        corners: float32 [4, 2] as (x, y) on the page: where the crop's upper left, upper right, lower right and lower
            left are.
        rotated: whether the crop was rotated by 90 degrees counter-clockwise.
    """

    image: np.ndarray
    corners: np.ndarray
    rotated: bool = False

    def upside_down(self) -> LineCrop:
        """Return the crop rotated by 180 degrees."""
        return replace(self, image=cv2.rotate(self.image, cv2.ROTATE_180), corners=np.roll(self.corners, -2, axis=0))

    def on_page(self, points: np.ndarray) -> np.ndarray:
        """Return points of the crop in the coordinates of the page.

        Args:
            points: [..., 2] as (x, y).

        Returns:
            float32 of the same shape.
        """
        height, width = self.image.shape[:2]
        matrix = cv2.getPerspectiveTransform(_rectangle(width, height), self.corners)
        flat = np.asarray(points, np.float32).reshape(-1, 1, 2)
        return cv2.perspectiveTransform(flat, matrix).reshape(np.shape(points))


def crop_line(image: np.ndarray, polygon: np.ndarray) -> LineCrop:
    """Cut a line out of a page: rectified, and rotated by 90 degrees counter-clockwise where it is tall.

    Args:
        image: of the page, uint8 [H, W, 3].
        polygon: [P, 2] as (x, y); of four points clockwise from the upper left, of more in any order: then the
            smallest rectangle around them is cut out.
    """
    corners = box_of(polygon)
    width = max(1, int(max(_distance(corners, 0, 1), _distance(corners, 2, 3))))
    height = max(1, int(max(_distance(corners, 0, 3), _distance(corners, 1, 2))))
    cut = _sliced(image, corners)
    if cut is None:
        matrix = cv2.getPerspectiveTransform(corners, _rectangle(width, height))
        cut = cv2.warpPerspective(
            image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    if height < TALL * width:
        return LineCrop(cut, corners)
    return LineCrop(cv2.rotate(cut, cv2.ROTATE_90_COUNTERCLOCKWISE), np.roll(corners, -1, axis=0), rotated=True)


def box_of(polygon: np.ndarray) -> np.ndarray:
    """Return four corners, clockwise from the upper left, float32 [4, 2]: those of the smallest rectangle around more.

    Args:
        polygon: [P, 2] as (x, y).
    """
    points = np.asarray(polygon, np.float32)
    return points if len(points) == 4 else in_order(cv2.boxPoints(cv2.minAreaRect(points)))


def _sliced(image: np.ndarray, corners: np.ndarray) -> np.ndarray | None:
    """Return the pixels of an upright box without resampling; None where it is slanted or leaves the image."""
    (left, top), (right, bottom) = corners[0], corners[2]
    upright = np.array_equal(corners, [(left, top), (right, top), (right, bottom), (left, bottom)])
    if not upright or not (0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0]):
        return None
    if any(side != int(side) for side in (left, top, right, bottom)):
        return None
    return image[int(top) : int(bottom), int(left) : int(right)]


def _rectangle(width: int, height: int) -> np.ndarray:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)


def _distance(corners: np.ndarray, first: int, second: int) -> float:
    return float(np.linalg.norm(corners[first] - corners[second]))
