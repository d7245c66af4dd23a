"""The images a page reader starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppocr.errors import SampleError


@dataclass(frozen=True)
class PageImage:
    """The picture of a page.

    Args:
        image: uint8 [H, W, 3], blue-green-red.
        source: path of the file, or what else names it.
        number: of the page in its file, from 0; None where the file is one image.
    """

    image: np.ndarray
    source: str
    number: int | None = None


@dataclass(frozen=True)
class PageProblem:
    """A page that cannot be read, or a file of which no page can.

    Args:
        source: as of `PageImage`.
        number: of the page; None for the whole file.
        problem: what is wrong with it.
    """

    source: str
    number: int | None
    problem: SampleError
