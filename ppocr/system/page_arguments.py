"""The CLI arguments of the commands that read pages: parameters of `OCR`, each declared where it is used."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ppocr.arguments import Argument, true_or_false
from ppocr.deploy import ecosystem_arguments
from ppocr.deploy.cli_arguments import arguments_of
from ppocr.deploy.inference_config import ASSUMED
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.system.opening import LANGUAGES, SIZES
from ppocr.system.options import SystemOptions
from ppocr.system.parameters import MODELS, NAMED, part_arguments

TYPES: dict[str, Callable[[str], Any]] = {"bool": true_or_false, "int": int, "float": float}
WHAT = {
    "det": "detector",
    "rec": "recogniser",
    "cls": "classifier of the angles of lines",
    "orientation": "classifier of the directions of pages",
}
OPTIONS = {
    "drop_score": "leave out lines of a lower confidence",
    "rec_batch_num": "lines the recogniser sees at once",
    "cls_batch_num": "lines the classifier sees at once",
    "cls_thresh": "probability from which the classifier is believed",
    "return_word_box": "find the boxes of words and characters too",
    "slice_length": "detect pages with a longer side in slices of so many pixels; 0: never",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments, None where they are not given."""
    models = parser.add_argument_group("models; without any, PP-OCRv6 small")
    for kind in MODELS:
        models.add_argument(f"--{kind}_model_dir", metavar="FOLDER", help=f"folder or ONNX file of the {WHAT[kind]}")
        models.add_argument(f"--{kind}_model", metavar="NAME", help="its name, of `ppocr pretrained list`, instead")
        models.add_argument(f"--{kind}_config", metavar="FILE", help="configuration of its training, instead")
        models.add_argument(f"--{kind}_checkpoint", metavar="PREFIX", help="with that: of the weights' files")
    models.add_argument("--lang", help=f"{', '.join(LANGUAGES)}; others need a recogniser of their own")
    models.add_argument("--ocr_version", choices=tuple(SIZES), help="of the models that are not named")
    models.add_argument("--use_angle_cls", type=true_or_false, help="turn lines that are upside down")
    models.add_argument("--use_orientation", type=true_or_false, help="turn pages that lie on their sides")
    pages = parser.add_argument_group("pages")
    pages.add_argument("--page_num", type=int, help="read only the first so many pages of each file")
    pages.add_argument("--dpi", type=int, help="resolution of pages of PDF")
    pages.add_argument("--every_frame", type=int, help="read every so manieth frame of animations and videos")
    for each in fields(SystemOptions):
        help = f"{OPTIONS.get(each.name, '')} (default {each.default})"
        pages.add_argument(f"--{each.name}", type=TYPES[str(each.type)], help=help)
    ecosystem_arguments.add_engine(parser)
    usual = {argument.name for kind in ASSUMED for part in _usual(kind) for argument in arguments_of(part, kind)}
    parts = parser.add_argument_group("detection and recognition")
    for name, argument in _declared().items():
        if f"--{name}" not in parser._option_string_actions:
            help = argument.help if name in usual else argparse.SUPPRESS
            parts.add_argument(f"--{name}", type=argument.type, choices=argument.choices, help=help)


def given(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `OCR` among the values of arguments that are given."""
    names = NAMED | part_arguments()
    return {name: value for name, value in found.items() if name in names and value is not None}


def _usual(kind: str) -> list[Any]:
    """Return the parts of a model of a kind as most are."""
    transforms = [TRANSFORMS.get(name) for spec in ASSUMED[kind].transforms for name in spec]
    return [*transforms, POSTPROCESSES.get(ASSUMED[kind].postprocess["name"])]


def _declared() -> dict[str, Argument]:
    found: dict[str, Argument] = {}
    for cls in TRANSFORMS.classes() + POSTPROCESSES.classes():
        for kind in sorted(ASSUMED):
            found.update({argument.name: argument for argument in arguments_of(cls, kind)})
    names = part_arguments()
    return {name: argument for name, argument in found.items() if name in names}
