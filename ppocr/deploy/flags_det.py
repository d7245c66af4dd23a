"""The command line of `tools/infer/predict_det.py`: the flags users know, checked, and what they overrule."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ppocr.deploy import flags as common
from ppocr.deploy import inference_config
from ppocr.deploy.inference_config import InferenceConfig
from ppocr.deploy.predictor import Predictor
from ppocr.errors import ConfigError
from ppocr.registry import TRANSFORMS, parameters
from ppocr.results import Detection

logger = logging.getLogger(__name__)

OBSOLETE = {
    "det_algorithm": "the model folder says what it is",
    "max_batch_size": "--det_batch_num says how many images the network sees at once",
}

# Arguments of the transform that resizes, by flag, and those that another way of resizing would set.
RESIZE_FLAGS = {"det_limit_side_len": "limit_side_len", "det_limit_type": "limit_type"}
OTHER_WAYS = ("image_shape", "keep_ratio", "resize_long")

POSTPROCESS_FLAGS = {
    "det_db_thresh": "thresh",
    "det_db_box_thresh": "box_thresh",
    "det_db_unclip_ratio": "unclip_ratio",
    "det_db_score_mode": "score_mode",
    "use_dilation": "use_dilation",
    "det_box_type": "box_type",
}

# What the ecosystem's command assumes of a folder that says nothing about itself.
ASSUMED_TRANSFORMS: list[dict[str, Any]] = [
    {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
    {"DetResizeForTest": {"limit_side_len": 960, "limit_type": "max"}},
    {
        "NormalizeImage": {
            "scale": "1./255.",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "order": "hwc",
        }
    },
    {"ToCHWImage": None},
    {"KeepKeys": {"keep_keys": ["image", "shape"]}},
]
ASSUMED_POSTPROCESS = {
    "name": "DBPostProcess",
    "thresh": 0.3,
    "box_thresh": 0.6,
    "max_candidates": 1000,
    "unclip_ratio": 1.5,
}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the checked flags.

    Raises:
        ConfigError: a flag is unknown; names the nearest one.
    """
    parser = common.make_parser("Find text regions with an exported model.", OBSOLETE)
    add = parser.add_argument
    add("--det_model_dir", required=True, help="folder written by tools/export_model.py, or an official one")
    add("--det_limit_side_len", type=int, help="length in pixels that --det_limit_type is about")
    add("--det_limit_type", choices=("min", "max", "resize_long"), help="which images are resized to it")
    add("--det_db_thresh", type=float, help="probability above which a pixel belongs to text")
    add("--det_db_box_thresh", type=float, help="least mean probability of a region")
    add("--det_db_unclip_ratio", type=float, help="how far regions are grown")
    add("--det_db_score_mode", choices=("fast", "slow"), help="slow scores curved regions by their outline")
    add("--use_dilation", type=common.true_or_false, help="thicken the mask by a pixel")
    add("--det_box_type", choices=("quad", "poly"), help="rectangles or outlines")
    add("--det_batch_num", type=int, default=1, help="images of equal size the network sees at once (default 1)")
    add("--draw_img_save_dir", default="./inference_results", help="folder for pictures and det_results.txt")
    add("--draw", type=common.true_or_false, default=True, help="write pictures (default true)")
    return common.parse(parser, OBSOLETE, arguments)


def build_predictor(flags: argparse.Namespace) -> Predictor:
    """Return the predictor of a folder, its inference.yml overruled by the flags that were given.

    Raises:
        ConfigError: the flags contradict the model.
        CheckpointError: there is no model in the folder.
    """
    return Predictor.from_folder(flags.det_model_dir, common.runtime_options(flags), config=overruled(flags))


def overruled(flags: argparse.Namespace) -> InferenceConfig:
    """Return the folder's inference.yml with the flags put over it, each said in the log."""
    folder = Path(flags.det_model_dir)
    if (folder / inference_config.FILE_NAME).is_file():
        config = inference_config.load_of_kind(folder, Detection)
    else:
        inference_config.require_folder(folder)
        transforms = [{name: dict(args) if args else None for name, args in t.items()} for t in ASSUMED_TRANSFORMS]
        config = InferenceConfig(transforms, dict(ASSUMED_POSTPROCESS))
        logger.info("%s has no %s: images are limited to 960 pixels, and what is found is read as DB's maps", folder,
                    inference_config.FILE_NAME)  # fmt: skip
    resize = {argument: getattr(flags, flag) for flag, argument in RESIZE_FLAGS.items()}
    _overrule(_resize_arguments(config, resize), resize, RESIZE_FLAGS)
    found = {argument: getattr(flags, flag) for flag, argument in POSTPROCESS_FLAGS.items()}
    _overrule(config.postprocess, found, POSTPROCESS_FLAGS)
    return config


def _resize_arguments(config: InferenceConfig, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the resize transform, ready to be changed; another way of resizing gives way."""
    if all(value is None for value in given.values()):
        return {}
    for spec in config.transforms:
        name, args = next(iter(spec.items()))
        if set(given) <= set(parameters(TRANSFORMS.get(name))[0]):
            spec[name] = {k: v for k, v in (args or {}).items() if k not in OTHER_WAYS}
            return spec[name]
    raise ConfigError(
        f"{', '.join('--' + flag for flag in RESIZE_FLAGS)}: no transform of {inference_config.FILE_NAME} takes them",
        "leave the flags out",
    )


def _overrule(target: dict[str, Any], given: dict[str, Any], flags: dict[str, str]) -> None:
    """Put the given values over those of the file, and log each that changes something."""
    for flag, argument in flags.items():
        value = given[argument]
        if value is not None and target.get(argument) != value:
            target[argument] = value
            logger.info("--%s %s overrules %s", flag, value, inference_config.FILE_NAME)
