"""The command line of `tools/infer/predict_rec.py`: the flags users know, checked, and what they overrule."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from ppocr.deploy import inference_config
from ppocr.deploy.backends import RuntimeOptions
from ppocr.deploy.inference_config import InferenceConfig
from ppocr.deploy.predictor import Predictor
from ppocr.errors import ConfigError
from ppocr.registry import did_you_mean

logger = logging.getLogger(__name__)

OBSOLETE = {
    "rec_algorithm": "the model folder says what it is",
    "max_text_length": "the network's own length counts",
    "show_log": "log lines go to stderr, results to stdout",
    "use_angle_cls": "this command only recognises lines",
}


def true_or_false(text: str) -> bool:
    """Return the truth value of a flag's text."""
    known = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return known[text.lower()]


def image_shape(text: str) -> list[int]:
    """Return the three numbers of "3, 48, 320"; a width of -1 is free."""
    try:
        shape = [int(part) for part in text.replace("[", "").replace("]", "").split(",")]
    except ValueError:
        shape = []
    if len(shape) != 3 or min(shape[:2]) < 1 or (shape[2] < 1 and shape[2] != -1):
        raise argparse.ArgumentTypeError(f'{text!r} is not channels, height, width, such as "3, 48, 320"')
    return shape


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(description="Recognise text lines with an exported model.", allow_abbrev=False)
    add = parser.add_argument
    add("--image_dir", required=True, help="an image, a folder, or a text file that lists images")
    add("--rec_model_dir", required=True, help="folder written by tools/export_model.py, or an official one")
    add("--rec_image_shape", type=image_shape, help='"3, 48, 320"; "3, 48, -1" keeps long lines long')
    add("--rec_char_dict_path", help="dictionary, where the folder has none embedded")
    add("--use_space_char", type=true_or_false, help="whether the space is a class of its own after the dictionary")
    add("--rec_batch_num", type=int, default=6, help="images the network sees at once (default 6)")
    add("--use_gpu", type=true_or_false, default=False, help="default false; GPU running is not verified yet")
    add("--gpu_id", type=int, default=0)
    add("--gpu_mem", type=int, default=500, help="megabytes")
    add("--cpu_threads", type=int, help="threads of one operator")
    add(
        "--enable_mkldnn",
        type=true_or_false,
        default=False,
        help="oneDNN on the CPU: faster, less exact (default false)",
    )
    add("--save_res_path", help="results file: path, text and confidence between tabs")
    add("--draw", help="folder for pictures of the results")
    add("--debug", action="store_true", help="show tracebacks")
    for name, reason in OBSOLETE.items():
        add(f"--{name}", help=f"accepted and not read: {reason}")
    return parser


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the checked flags.

    Raises:
        ConfigError: a flag is unknown; names the nearest one.
    """
    parser = make_parser()
    flags, unknown = parser.parse_known_args(arguments)
    if unknown:
        known = [option.lstrip("-") for action in parser._actions for option in action.option_strings]
        name = unknown[0].split("=")[0].lstrip("-")
        raise ConfigError(f"{unknown[0]}: unknown flag{did_you_mean(name, known)}", "see --help")
    for name, reason in OBSOLETE.items():
        if getattr(flags, name) is not None:
            logger.info("--%s is not read: %s", name, reason)
    return flags


def build_predictor(flags: argparse.Namespace) -> Predictor:
    """Return the predictor of a folder, its inference.yml overruled by the flags that were given.

    Raises:
        ConfigError: the flags contradict the model, or the folder lacks what they could have given.
        CheckpointError: there is no model in the folder.
    """
    options = RuntimeOptions(flags.use_gpu, flags.gpu_id, flags.gpu_mem, flags.cpu_threads, flags.enable_mkldnn)
    return Predictor.from_folder(flags.rec_model_dir, options, config=overruled(flags))


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
    config = inference_config.load(folder)
    if shape is not None and inference_config.set_image_shape(config, shape):
        logger.info("--rec_image_shape %s overrules inference.yml", shape)
    if dictionary is not None and inference_config.set_dictionary(config, dictionary):
        logger.info("--rec_char_dict_path %s overrules inference.yml", dictionary)
    if flags.use_space_char is not None and config.postprocess.get("use_space_char") != flags.use_space_char:
        config.postprocess["use_space_char"] = flags.use_space_char
        logger.info("--use_space_char %s overrules inference.yml", flags.use_space_char)
    return config
