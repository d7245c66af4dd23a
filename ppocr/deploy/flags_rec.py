"""The command line of `tools/infer/predict_rec.py`: the flags users know, checked, and what they overrule."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from ppocr.deploy import flags as common
from ppocr.deploy import inference_config
from ppocr.deploy.inference_config import InferenceConfig
from ppocr.deploy.predictor import Predictor
from ppocr.errors import ConfigError
from ppocr.results import Recognition

logger = logging.getLogger(__name__)

OBSOLETE = {
    "rec_algorithm": "the model folder says what it is",
    "max_text_length": "the network's own length counts",
}


def image_shape(text: str) -> list[int]:
    """Return the three numbers of "3, 48, 320"; a width of -1 is free."""
    try:
        shape = [int(part) for part in text.replace("[", "").replace("]", "").split(",")]
    except ValueError:
        shape = []
    if len(shape) != 3 or min(shape[:2]) < 1 or (shape[2] < 1 and shape[2] != -1):
        raise argparse.ArgumentTypeError(f'{text!r} is not channels, height, width, such as "3, 48, 320"')
    return shape


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the checked flags.

    Raises:
        ConfigError: a flag is unknown; names the nearest one.
    """
    parser = common.make_parser("Recognise text lines with an exported model.", OBSOLETE)
    add = parser.add_argument
    add("--rec_model_dir", required=True, help="folder written by tools/export_model.py, or an official one")
    add("--rec_image_shape", type=image_shape, help='"3, 48, 320"; "3, 48, -1" keeps long lines long')
    add("--rec_char_dict_path", help="dictionary, where the folder has none embedded")
    add("--use_space_char", type=common.true_or_false, help="whether the space is a class of its own after them")
    add("--rec_batch_num", type=int, default=6, help="images the network sees at once (default 6)")
    add("--draw", help="folder for pictures of the results")
    return common.parse(parser, OBSOLETE, arguments)


def build_predictor(flags: argparse.Namespace) -> Predictor:
    """Return the predictor of a folder, its inference.yml overruled by the flags that were given.

    Raises:
        ConfigError: the flags contradict the model, or the folder lacks what they could have given.
        CheckpointError: there is no model in the folder.
    """
    return Predictor.from_folder(flags.rec_model_dir, common.runtime_options(flags), config=overruled(flags))


def overruled(flags: argparse.Namespace) -> InferenceConfig:
    """Return the folder's inference.yml with the flags put over it, each said in the log."""
    folder, shape, dictionary = Path(flags.rec_model_dir), flags.rec_image_shape, flags.rec_char_dict_path
    if not (folder / inference_config.FILE_NAME).is_file():
        inference_config.require_folder(folder)
        if shape is None or dictionary is None:
            raise ConfigError(
                f"{folder}: has no {inference_config.FILE_NAME}", "give --rec_image_shape and --rec_char_dict_path"
            )
        return inference_config.of_ctc(dictionary, shape, flags.use_space_char)
    config = inference_config.load_of_kind(folder, Recognition)
    if shape is not None and inference_config.set_image_shape(config, shape):
        logger.info("--rec_image_shape %s overrules inference.yml", shape)
    if dictionary is not None and inference_config.set_dictionary(config, dictionary):
        logger.info("--rec_char_dict_path %s overrules inference.yml", dictionary)
    if flags.use_space_char is not None and config.postprocess.get("use_space_char") != flags.use_space_char:
        config.postprocess["use_space_char"] = flags.use_space_char
        logger.info("--use_space_char %s overrules inference.yml", flags.use_space_char)
    return config
