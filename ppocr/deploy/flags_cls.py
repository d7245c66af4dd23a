"""The command line of `tools/infer/predict_cls.py`: the flags users know, checked, and what they overrule."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ppocr.deploy import flags as common
from ppocr.deploy import inference_config
from ppocr.deploy.flags_rec import image_shape
from ppocr.deploy.inference_config import InferenceConfig
from ppocr.deploy.predictor import Prediction, Predictor
from ppocr.errors import ConfigError
from ppocr.results import Classification

logger = logging.getLogger(__name__)

OBSOLETE: dict[str, str] = {}
THRESHOLD = 0.9  # probability from which the ecosystem's commands turn a line

# What the ecosystem's command assumes of a folder that says nothing about itself.
ASSUMED_SHAPE = [3, 48, 192]
ASSUMED_LABELS = ["0", "180"]


def labels(text: str) -> list[str]:
    """Return the names in "['0', '180']" or "0,180"."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        found = text.strip("[] ").split(",")
    names = [str(name).strip() for name in found] if isinstance(found, (list, tuple)) else []
    if len(names) < 2 or not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names, such as \"['0', '180']\"")
    return names


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the checked flags.

    Raises:
        ConfigError: a flag is unknown; names the nearest one.
    """
    parser = common.make_parser("Classify images, such as text lines by direction, with an exported model.", OBSOLETE)
    add = parser.add_argument
    add("--cls_model_dir", required=True, help="folder written by tools/export_model.py, or an official one")
    add("--cls_image_shape", type=image_shape, help='"3, 48, 192"')
    add("--label_list", type=labels, help="names of the classes in order: \"['0', '180']\"")
    add("--cls_batch_num", type=int, default=6, help="images the network sees at once (default 6)")
    add("--cls_thresh", type=float, default=THRESHOLD, help="probability from which --draw turns a line (default 0.9)")
    add("--draw", help="folder for pictures of the results, turned upright")
    return common.parse(parser, OBSOLETE, arguments)


def build_predictor(flags: argparse.Namespace) -> Predictor:
    """Return the predictor of a folder, its inference.yml overruled by the flags that were given.

    Raises:
        ConfigError: the flags contradict the model.
        CheckpointError: there is no model in the folder.
    """
    return Predictor.from_folder(flags.cls_model_dir, common.runtime_options(flags), config=overruled(flags))


def overruled(flags: argparse.Namespace) -> InferenceConfig:
    """Return the folder's inference.yml with the flags put over it, each said in the log."""
    folder = Path(flags.cls_model_dir)
    if (folder / inference_config.FILE_NAME).is_file():
        config = inference_config.load_of_kind(folder, Classification)
    else:
        inference_config.require_folder(folder)
        config = assumed()
        logger.info("%s has no %s: images are made %s and classes named %s unless flags say otherwise", folder,
                    inference_config.FILE_NAME, ASSUMED_SHAPE, ASSUMED_LABELS)  # fmt: skip
    shape, names = flags.cls_image_shape, flags.label_list
    if shape is not None and inference_config.set_image_shape(config, shape):
        logger.info("--cls_image_shape %s overrules %s", shape, inference_config.FILE_NAME)
    if names is not None and config.postprocess.get("label_list") != names:
        known = config.postprocess.get("label_list")
        if known is not None and len(known) != len(names):
            raise ConfigError(
                f"--label_list names {len(names)} classes, the model has {len(known)}: {', '.join(known)}"
            )
        config.postprocess["label_list"] = names
        logger.info("--label_list %s overrules %s", names, inference_config.FILE_NAME)
    return config


def assumed() -> InferenceConfig:
    """Return what an `inference.yml` would say of a classifier of lines exported without one."""
    decode: dict[str, Any] = dict(inference_config.FIXED_ARGUMENTS["DecodeImage"])
    transforms = [{"DecodeImage": decode}, {"ClsResizeImg": {"image_shape": list(ASSUMED_SHAPE)}}]
    return InferenceConfig(transforms, {"name": "ClsPostProcess", "label_list": list(ASSUMED_LABELS)})


def turned(predictions: Sequence[Prediction], threshold: float) -> list[Prediction]:
    """Return the predictions with results that draw an image upright.

    Args:
        predictions: of (label, probability).
        threshold: probability from which a label is believed.
    """
    return [
        p if p.problem else dataclasses.replace(p, result=dataclasses.replace(p.result, threshold=threshold))
        for p in predictions
    ]
