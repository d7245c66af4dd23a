"""Models of a page reader: chosen by name, folder, file or training configuration, and opened."""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ppocr.arguments import Argument
from ppocr.deploy.backends.base import RuntimeOptions
from ppocr.deploy.cli_arguments import arguments_of, overrule
from ppocr.deploy.inference_config import FILE_NAME, InferenceConfig, load_or_assume, require_result, result_type
from ppocr.deploy.predictor import Predictor
from ppocr.errors import ConfigError
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.results import KINDS
from ppocr.suggestions import did_you_mean
from ppocr.system.models import model_folder
from ppocr.system.options import SystemOptions
from ppocr.system.parameters import arguments_of_kind

logger = logging.getLogger(__name__)

SIZES = {"PP-OCRv3": "mobile", "PP-OCRv4": "mobile", "PP-OCRv5": "mobile", "PP-OCRv6": "small"}
DEFAULT_VERSION = "PP-OCRv6"
ANGLES = "ch_ppocr_mobile_v2.0_cls"
ORIENTATIONS = "PP-LCNet_x1_0_doc_ori"
LANGUAGES = ("ch", "en", "chinese_cht", "japan")  # those whose characters the models of the catalogue have
BOTH_ALPHABETS = ("ch", "en")  # all that those before PP-OCRv5 have
DICTIONARY = "ppocr_keys_v1.txt"
LINE_SHAPE = "3, 48, 320"
SYSTEM_NAMES = {field.name for field in fields(SystemOptions)}


@dataclass(frozen=True)
class Source:
    """Where a model comes from.

    Args:
        kind: of its results, "det", "rec" or "cls".
        parameter: that named it, for messages.
        path: a folder or an ONNX file; of a trained model the prefix of its weights' files.
        config: of the training, None for a model that was exported.
    """

    kind: str
    parameter: str
    path: Path
    config: Path | None = None


def chosen(given: Mapping[str, Any]) -> dict[str, Source]:
    """Return the models to be opened, by their role: "det", "rec", and "cls" and "orientation" where they are wanted.

    Args:
        given: parameters, as `settled` returns them. Without a model's name or folder it is the catalogue's.

    Raises:
        ConfigError: two ways of naming one model are used, or the language has no model.
        PpocrError: a model is unknown, or is not there and cannot be fetched.
    """
    det, rec = _defaults(given)
    wanted = {"det": det, "rec": rec}
    if given.get("use_angle_cls", _is_named(given, "cls")):
        wanted["cls"] = ANGLES
    if given.get("use_orientation", _is_named(given, "orientation")):
        wanted["orientation"] = ORIENTATIONS
    if not _is_named(given, "det") and not _is_named(given, "rec"):
        logger.info("no model given: %s and %s", det, rec)
    return {role: _source(given, role, name) for role, name in wanted.items()}


def _source(given: Mapping[str, Any], role: str, default: str) -> Source:
    kind = "cls" if role == "orientation" else role
    folder, name = given.get(f"{role}_model_dir"), given.get(f"{role}_model")
    config, weights = given.get(f"{role}_config"), given.get(f"{role}_checkpoint")
    ways = {f"{role}_model": name, f"{role}_model_dir": folder, f"{role}_config": config or weights}
    named = [way for way, value in ways.items() if value]
    if len(named) > 1:
        raise ConfigError(f"{' and '.join(named)} are given", "give one of them")
    if bool(config) != bool(weights):
        raise ConfigError(f"{role}_config and {role}_checkpoint: one without the other")
    if config and weights:
        return Source(kind, f"{role}_config", Path(weights), Path(config))
    if folder:
        _refuse_address(f"{role}_model_dir", str(folder))
        return Source(kind, f"{role}_model_dir", Path(folder))
    return Source(kind, f"{role}_model", model_folder(str(name or default)))


def _refuse_address(parameter: str, text: str) -> None:
    if is_address(text):
        raise ConfigError(f"{parameter}: {text} is an address, and nothing is downloaded", "name a folder")


def is_address(text: str) -> bool:
    """Return whether a text is an address of the network."""
    return re.match(r"[a-z]+://", text, re.IGNORECASE) is not None


def _is_named(given: Mapping[str, Any], role: str) -> bool:
    return any(given.get(f"{role}_{what}") for what in ("model", "model_dir", "config"))


def _defaults(given: Mapping[str, Any]) -> tuple[str, str]:
    """Return the names of detector and recogniser of a version and a language."""
    version, lang = str(given.get("ocr_version", DEFAULT_VERSION)), str(given.get("lang", "ch"))
    if version not in SIZES:
        raise ConfigError(f"ocr_version={version}{did_you_mean(version, SIZES)}: one of {', '.join(SIZES)}")
    known = LANGUAGES if version >= "PP-OCRv5" else BOTH_ALPHABETS
    if lang not in known and not _is_named(given, "rec"):
        raise ConfigError(
            f"lang={lang!r}: no package of the index carries a model of it; {version} reads {', '.join(known)}",
            "name the folder of a recogniser of that language: rec_model_dir=...",
        )
    return tuple(f"{version}_{SIZES[version]}_{kind}" for kind in ("det", "rec"))  # type: ignore[return-value]


def open_model(source: Source, options: RuntimeOptions, given: Mapping[str, Any]) -> Predictor:
    """Return the predictor of a model.

    Args:
        source: where it comes from.
        options: how it is run.
        given: values of the arguments that its parts declare, by name; others are left alone.

    Raises:
        ConfigError: it is a model of another task, or does not fit what is given.
        PpocrError: it is missing or damaged, or the engine does not run it.
    """
    wanted = KINDS[source.kind]
    if source.config is not None:
        return _trained(source, source.config, given)
    found = result_type(source.path)
    if found is not None and not issubclass(found, wanted):
        text = f"{source.parameter}: {source.path} gives {found.described}; {wanted.described} are wanted"
        raise ConfigError(text, f"is it a model for {found.kind}_model_dir?")
    config, needed = load_or_assume(source.path, wanted)
    _refuse_foreign(source, config, given)
    values = _typed(source.kind, given)
    for name, usual in (("rec_image_shape", LINE_SHAPE), ("rec_char_dict_path", DICTIONARY)):
        if name in needed and name not in values:
            logger.warning("%s has no %s: %s is taken to be %s", source.path, FILE_NAME, name, usual)
            values.update(_typed(source.kind, {name: usual}))
    overrule(config, source.kind, values)
    return Predictor.from_folder(source.path, options, config=config)


def _trained(source: Source, config: Path, given: Mapping[str, Any]) -> Predictor:
    """Return the predictor of trained weights; their configuration says all about them."""
    from ppocr.config.loader import load_config
    from ppocr.deploy.from_weights import trained_predictor  # it imports Paddle

    foreign = [name for name in given if name in arguments_of_kind(source.kind) and name not in SYSTEM_NAMES]
    if foreign:
        raise ConfigError(f"{foreign[0]}: {config} says it", "leave it out, or change it there")
    on_gpu = bool(given.get("use_gpu")) or str(given.get("device", "cpu")).startswith("gpu")
    changes = [f"Global.pretrained_model={source.path}", "Global.checkpoints=null", f"Global.use_gpu={on_gpu}"]
    cfg = load_config(config, changes)
    hint = f"is it a model for {{}}_config? {source.parameter} names this one"
    require_result(cfg.PostProcess, KINDS[source.kind], str(config), hint, cfg.Architecture["model_type"])
    return trained_predictor(cfg)


def _refuse_foreign(source: Source, config: InferenceConfig, given: Mapping[str, Any]) -> None:
    """Raise ConfigError where a value is for a part that this model does not have."""
    parts = [TRANSFORMS.get(name) for spec in config.transforms for name in spec]
    parts.append(POSTPROCESSES.get(config.postprocess["name"]))
    own = {argument.name for part in parts for argument in arguments_of(part, source.kind)}
    own |= SYSTEM_NAMES
    foreign = [name for name in given if name in arguments_of_kind(source.kind) and name not in own]
    if foreign:
        raise ConfigError(f"{foreign[0]}: {source.path} has no part that takes it", "leave it out")


def _typed(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of arguments as their types make them of a command line's text."""
    found = {}
    for cls in TRANSFORMS.classes() + POSTPROCESSES.classes():
        for argument in arguments_of(cls, kind):
            if argument.name in given and argument.name not in found:
                found[argument.name] = _value(argument.name, argument, given[argument.name])
    return found


def _value(name: str, argument: Argument, value: Any) -> Any:
    text = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) and name.endswith("_shape") else str(value)
    try:
        made = argument.type(text)
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise ConfigError(f"{name}={value!r}: {error}") from error
    if argument.choices and made not in argument.choices:
        raise ConfigError(f"{name}={value!r}: one of {', '.join(argument.choices)}")
    return made
