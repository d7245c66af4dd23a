"""Functions that users' scripts import from here: `import tools.infer.utility as utility`, `utility.parse_args()`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ppocr.arguments import true_or_false as str2bool  # noqa: E402 - found through the line above
from ppocr.system.ecosystem import (  # noqa: E402
    draw_ocr,
    draw_ocr_box_txt,
    draw_text_det_res,
    get_minarea_rect_crop,
    get_rotate_crop_image,
    init_args,
    parse_args,
)

__all__ = [
    "draw_ocr",
    "draw_ocr_box_txt",
    "draw_text_det_res",
    "get_minarea_rect_crop",
    "get_rotate_crop_image",
    "init_args",
    "parse_args",
    "str2bool",
]
