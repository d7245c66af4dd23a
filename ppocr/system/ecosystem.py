"""What users' scripts import from `tools.infer` of the ecosystem, over the parts of this package."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ppocr.arguments import true_or_false
from ppocr.deploy.ecosystem_arguments import Refused, add_ecosystem, check_ecosystem
from ppocr.errors import DataError
from ppocr.results import TextLine
from ppocr.results.page_picture import beside_texts
from ppocr.system import page_arguments
from ppocr.system.api import OCR
from ppocr.system.crop import crop_line
from ppocr.system.page_result import WRITABLE, PageResult, written
from ppocr.utils.text import one_line

CROPS = "./output"
RESULTS = "./inference_results"
FONT = "./doc/fonts/simfang.ttf"
REFUSED = {
    "benchmark": Refused((False,), "see benchmarks/; --show_log logs where the time goes"),
    "process_id": Refused((0,), "processes are numbered by themselves"),
}
STAGES = {"det": ("resize", "det", "postprocess"), "cls": ("cls",), "rec": ("rec_resize", "rec", "decode")}


def init_args() -> argparse.ArgumentParser:
    """Return the parser of all arguments of the ecosystem's `tools/infer`; see `page_arguments`."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add = parser.add_argument
    add("--image_dir", help="image, PDF, TIFF, video, folder, pattern, or text file listing paths")
    add("--draw_img_save_dir", default=RESULTS, help=f"folder for pictures and system_results.txt (default {RESULTS})")
    add("--vis_font_path", default=FONT, help="font of the pictures; by default one of the system")
    add("--save_crop_res", type=true_or_false, default=False, help="write the crops of lines")
    add("--crop_res_save_dir", default=CROPS, help=f"where to (default {CROPS})")
    add("--use_mp", type=true_or_false, default=False, help="split the files over processes")
    add("--total_process_num", type=int, default=1, help="processes of --use_mp")
    add("--warmup", type=true_or_false, default=False, help="read an empty page first")
    page_arguments.add(parser)
    add_ecosystem(parser, {}, REFUSED)
    return parser


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the checked arguments of the process, or those given.

    Raises:
        ConfigError: an argument asks for what is not done here.
    """
    found = init_args().parse_args(arguments)
    check_ecosystem(vars(found))
    return found


def parameters_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of `OCR` that arguments give, also of a namespace that a script made itself.

    Raises:
        ConfigError: an argument asks for what is not done here.
    """
    known = vars(init_args().parse_args([]))
    check_ecosystem({**known, **vars(args)})
    given = page_arguments.given(vars(args))
    given["use_angle_cls"] = bool(given.get("use_angle_cls", False))
    return {name: value for name, value in given.items() if value != ""}


class TextSystem:
    """Detector, classifier and recogniser as scripts call them: `boxes, texts, times = TextSystem(args)(image)`.

    Args:
        args: as `parse_args` returns them.

    Raises:
        PpocrError: an argument or a model cannot be used.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.ocr = OCR(**parameters_of(args))
        self.use_angle_cls = self.ocr.system.cls is not None
        self.drop_score = self.ocr.system.options.drop_score
        self.crops = Crops(args.crop_res_save_dir) if getattr(args, "save_crop_res", False) else None
        if getattr(args, "warmup", False):
            self(np.full((640, 640, 3), 255, np.uint8))

    def __call__(
        self, img: np.ndarray, cls: bool = True
    ) -> tuple[list[np.ndarray], list[tuple[str, float]], dict[str, float]]:
        """Return what is read of a page.

        Args:
            img: uint8 [H, W, 3] in blue-green-red order.
            cls: use the classifier, where there is one.

        Returns:
            float32 [4, 2] as (x, y) for each line in reading order; its text and confidence; seconds of "det", "cls",
            "rec" and "all".
        """
        timings = self.ocr.system.timings if cls else self.ocr.straight.timings
        before = dict(timings.seconds)
        (page,) = self.ocr.predict(img, cls=cls)
        spent = {name: timings.seconds[name] - before[name] for name in before}
        times = {name: sum(spent[stage] for stage in stages) for name, stages in STAGES.items()}
        if self.crops is not None:
            self.crops.add(page)
        boxes, texts = as_lists(page)
        return boxes, texts, {**times, "all": sum(spent.values())}


def as_lists(page: PageResult) -> tuple[list[np.ndarray], list[tuple[str, float]]]:
    """Return the boxes of a page, float32 [4, 2] each, and text and confidence of each."""
    boxes = [np.asarray(line.polygon, np.float32) for line in page.lines]
    return boxes, [(line.text, float(line.confidence)) for line in page.lines]


class Crops:
    """Writes the crops of lines, numbered over all pages.

    Args:
        folder: where they go.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.number = Path(folder), 0

    def add(self, page: PageResult) -> None:
        """Write those of a page.

        Raises:
            DataError: the folder cannot be written.
        """
        for line in page.lines:
            crop = get_rotate_crop_image(page.image, line.polygon)
            data = cv2.imencode(".jpg", crop)[1].tobytes()
            written(self.folder / f"mg_crop_{self.number}.jpg", data)
            self.number += 1


def get_rotate_crop_image(img: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the rectified pixels of a box, uint8 [h, w, 3], rotated upright where it is tall.

    Args:
        img: of the page, uint8 [H, W, 3].
        points: [4, 2] as (x, y), clockwise from the upper left.
    """
    return crop_line(img, np.asarray(points)).image


get_minarea_rect_crop = get_rotate_crop_image  # of more than four points the smallest rectangle around them


def sorted_boxes(dt_boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return boxes in reading order."""
    from ppocr.system.reading_order import reading_order

    boxes = [np.asarray(box) for box in dt_boxes]
    return [boxes[place.line] for place in reading_order(boxes)]


def draw_ocr_box_txt(
    image: Any,
    boxes: Sequence[Any],
    txts: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
    drop_score: float = 0.5,
    font_path: str | None = None,
) -> np.ndarray:
    """Return a page with its boxes, and beside it their texts, uint8 [H, 2 W, 3] in red-green-blue order.

    Args:
        image: of the page, red-green-blue: a Pillow image or an array.
        boxes: [P, 2] as (x, y) each.
        txts: of the boxes.
        scores: of the texts.
        drop_score: boxes of a lower score are left out.
        font_path: a font file; by default one of the system that has the characters.

    Raises:
        DataError: there is no such font.
    """
    use_font(font_path)
    texts = list(txts) if txts is not None else [""] * len(boxes)
    sure = list(scores) if scores is not None else [1.0] * len(boxes)
    lines = [
        TextLine(np.asarray(box).reshape(-1, 2).astype(np.int64), text, score)
        for box, text, score in zip(boxes, texts, sure)
        if score >= drop_score
    ]
    pixels = np.asarray(image.convert("RGB") if hasattr(image, "convert") else image)
    return beside_texts(np.ascontiguousarray(pixels[:, :, ::-1]), lines)[:, :, ::-1]


draw_ocr = draw_ocr_box_txt


def draw_text_det_res(dt_boxes: Sequence[Any], img: np.ndarray) -> np.ndarray:
    """Return a copy of a page, uint8 [H, W, 3], with the outlines of boxes."""
    from ppocr.utils.pictures import outlined

    return outlined(img, [np.asarray(box).reshape(-1, 2).astype(np.int64) for box in dt_boxes])


def use_font(path: str | None) -> None:
    """Draw with a font from now on.

    Raises:
        DataError: there is no such file, unless it is the ecosystem's default, which this package does not have.
    """
    from ppocr.utils import fonts

    if path is None or (path == FONT and not Path(path).is_file()):
        return
    if not Path(path).is_file():
        raise DataError(f"{path}: no such font", "leave --vis_font_path out: a font of the system is taken")
    os.environ[fonts.FONT_VARIABLE] = path  # processes started from here have it too
    fonts.font_files.cache_clear()


def results_line(page: PageResult) -> str:
    """Return a line of system_results.txt: name of the file, with the number of one of several pages; the lines."""
    number = "" if page.number is None else f"_{page.number}"
    return f"{one_line(Path(page.source).name)}{number}\t{page.to_line()}"


def picture_place(page: PageResult, folder: Path) -> Path:
    """Return where the picture of a page goes: named as its file, of one of several pages with its number."""
    name = Path(page.source)
    suffix = name.suffix if name.suffix.lower() in WRITABLE and page.number is None else ".png"
    number = "" if page.number is None else f"_{page.number}"
    return folder / f"{name.stem}{number}{suffix}"
