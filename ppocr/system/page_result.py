"""What is read of a page, with the ways into it that results of the ecosystem's pipelines have."""

from __future__ import annotations

import itertools
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ppocr.errors import DataError
from ppocr.results import Page
from ppocr.system.pages import PageImage

WRITABLE = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class PageResult(Page):
    """A page that was read, and its picture. `result["rec_texts"]` gives what its JSON holds.

    Args:
        image: of the page, uint8 [H, W, 3], blue-green-red.
    """

    image: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8), repr=False, compare=False)

    @classmethod
    def of(cls, page: Page, image: PageImage, settings: Mapping[str, Any]) -> PageResult:
        """Return a page with its picture and the settings it was read with."""
        given = {each.name: getattr(page, each.name) for each in fields(page)}
        return cls(**{**given, "settings": settings}, image=image.image)

    @cached_property
    def _content(self) -> dict[str, Any]:
        return self.to_dict()

    @property
    def json(self) -> dict[str, Any]:
        """The content of the JSON, below the key "res"."""
        return {"res": self._content}

    @property
    def img(self) -> dict[str, Image.Image]:
        """The picture of the result, as a Pillow image below the key "ocr_res_img"."""
        return {"ocr_res_img": Image.fromarray(self.draw_on(self.image)[:, :, ::-1])}

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __contains__(self, name: object) -> bool:
        return name in self._content

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def keys(self) -> list[str]:
        """Return the names of the JSON's values."""
        return list(self._content)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value of the JSON, or a default where it has none."""
        return self._content.get(name, default)

    def print(self) -> None:
        """Print the content of the JSON."""
        print(self.json)

    def save_to_json(self, save_path: str | Path, indent: int = 4, ensure_ascii: bool = False) -> Path:
        """Write the JSON and return where it is.

        Args:
            save_path: a file that ends with .json, or a folder, where the page's name with "_res.json" is written.
            indent: of the lines, in spaces.
            ensure_ascii: write other characters as escapes.

        Raises:
            DataError: it cannot be written.
        """
        place = self._place(Path(save_path), (".json",), "_res.json")
        text = json.dumps(self._content, indent=indent, ensure_ascii=ensure_ascii)
        return written(place, text.encode("utf-8"))

    def save_to_img(self, save_path: str | Path, taken: Container[Path] = ()) -> Path:
        """Write the picture of the result and return where it is.

        Args:
            save_path: a file with the suffix of a picture, or a folder, where the page's name with "_ocr_res_img" is
                written.
            taken: files not to be written over: the name is followed by a number then.

        Raises:
            DataError: it cannot be written.
        """
        own = Path(self.source).suffix.lower()
        suffix = own if own in WRITABLE else ".jpg"
        place = self._place(Path(save_path), WRITABLE, f"_ocr_res_img{suffix}")
        numbered = (place.with_stem(f"{place.stem}_{number}") for number in itertools.count(2))
        place = next(each for each in itertools.chain([place], numbered) if each not in taken)
        return written(place, cv2.imencode(place.suffix, self.draw_on(self.image))[1].tobytes())

    def _place(self, path: Path, suffixes: tuple[str, ...], ending: str) -> Path:
        if path.suffix.lower() in suffixes and not path.is_dir():
            return path
        number = "" if self.number is None else f"_{self.number}"
        return path / f"{Path(self.source).stem}{number}{ending}"


def written(place: Path, data: bytes) -> Path:
    """Write a file, with its folder, and return it.

    Raises:
        DataError: it cannot be written.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    except OSError as error:
        raise DataError(f"{place}: cannot be written: {error.strerror or error}") from error
    return place
