"""The CLI arguments of the predicting commands: those all have, and those the parts of a model's folder declare."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from ppocr.arguments import Argument
from ppocr.deploy.ecosystem_arguments import Refused, add_ecosystem, add_engine, check_ecosystem
from ppocr.deploy.inference_config import ASSUMED, FILE_NAME, InferenceConfig, Resize, load, load_or_assume
from ppocr.errors import ConfigError
from ppocr.plugins import import_plugins
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.results import KINDS
from ppocr.suggestions import did_you_mean

logger = logging.getLogger(__name__)

FOLDER = "folder written by tools/export_model.py, or an official one"
ONE_MODEL = {  # arguments of the ecosystem's commands that these, of one model, refuse
    "use_angle_cls": Refused((False,), "this command does one thing; `ppocr ocr` and predict_system.py read pages"),
    "use_mp": Refused((False,), "one process does it; `ppocr ocr` and predict_system.py split a folder"),
    "total_process_num": Refused((1,), "one process does it; `ppocr ocr` and predict_system.py split a folder"),
    "benchmark": Refused((False,), "see benchmarks/"),
    "page_num": Refused((0,), "this command reads images; `ppocr ocr` and predict_system.py read PDF"),
    "return_word_box": Refused((False,), "lines are images here; `ppocr ocr` and predict_system.py find words"),
    "save_crop_res": Refused((False,), "predict_system.py has crops"),
}
WARMED = {"warmup": "a model is run once when it is loaded"}


def make_parser(kind: str, description: str, batch_size: int) -> argparse.ArgumentParser:
    """Return a parser with the arguments every predicting command has.

    Args:
        kind: of the results: "rec".
        description: shown by `--help`.
        batch_size: images the network sees at once by default.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False, parents=[plugins_parser()])
    add = parser.add_argument
    add("--image_dir", required=True, help="an image, a folder, or a text file that lists images")
    add(f"--{kind}_model_dir", "--model_dir", dest="model_dir", required=True, metavar="FOLDER", help=FOLDER)
    add(f"--{kind}_batch_num", "--batch_num", dest="batch_size", type=int, default=batch_size, metavar="N",
        help=f"images of equal size the network sees at once (default {batch_size})")  # fmt: skip
    add("--resize", choices=get_args(Resize), default="deployment",
        help="deployment keeps the aspect ratio of long lines, evaluation is as tools/eval.py")  # fmt: skip
    add("--save_res_path", help="results file")
    add("--debug", action="store_true", help="show tracebacks")
    add_engine(parser)
    add_ecosystem(parser, WARMED, ONE_MODEL)
    return parser


def kind_of_folder(arguments: Sequence[str] | None = None) -> str:
    """Return the kind of the results of the model in the folder that `--model_dir` names; plug-ins are imported.

    Args:
        arguments: instead of those of the process.

    Raises:
        ConfigError: the folder has no `inference.yml` that can be used, or the model's results are of no kind.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    named = any(_name(text) == "model_dir" for text in given)
    what = "Predict with an exported model; with --model_dir, --help lists the arguments of that model."
    parser = argparse.ArgumentParser(
        description=what, allow_abbrev=False, parents=[plugins_parser()], add_help=not named
    )
    parser.add_argument("--model_dir", required=True, metavar="FOLDER", help=FOLDER)
    found, _ = parser.parse_known_args(given)
    import_plugins(found.plugins)
    name = load(found.model_dir).postprocess["name"]
    result = getattr(POSTPROCESSES.get(name), "result", None)
    if result is None or not result.kind:
        raise ConfigError(
            f"{found.model_dir}: {name} does not say of which kind its results are",
            "declare `result`, a subclass of ppocr.results.Result with a `kind`",
        )
    return result.kind


def plugins_parser() -> argparse.ArgumentParser:
    """Return a parser of `--plugins` alone, which is read before there are other arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    what = "folders of Python files with classes of your own, which are run"
    parser.add_argument("--plugins", nargs="+", action="extend", default=[], metavar="FOLDER", help=what)
    return parser


def parse(
    parser: argparse.ArgumentParser, kind: str, arguments: Sequence[str] | None = None
) -> tuple[argparse.Namespace, InferenceConfig]:
    """Return the checked arguments, and what they leave of the `inference.yml` of the folder they name.

    Which arguments there are depends on that folder: its transforms and its post-processing declare some.

    Args:
        parser: from `make_parser`, with those of the command.
        kind: of the command's results.
        arguments: instead of those of the process.

    Raises:
        ConfigError: an argument is unknown, contradicts the model or belongs to another one; the folder cannot be
            used, or lacks what an argument could have given; a plug-in cannot be imported.
        CheckpointError: there is no model in the folder.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    import_plugins(plugins_parser().parse_known_args(given)[0].plugins)
    declared = [a.name for cls in TRANSFORMS.classes() + _postprocesses(kind) for a in arguments_of(cls, kind)]
    if {"-h", "--help"} & set(given):
        usual = [TRANSFORMS.get(name) for spec in ASSUMED[kind].transforms for name in spec] if kind in ASSUMED else []
        _add(parser, kind, usual + _postprocesses(kind))
    found, left = parser.parse_known_args(given)
    for text in left:
        if text.startswith("--") and not _owners(_name(text)):
            raise _unknown(text, parser, declared)
    config, needed = load_or_assume(found.model_dir, KINDS[kind])
    _add(parser, kind, [TRANSFORMS.get(name) for spec in config.transforms for name in spec])
    _add(parser, kind, [POSTPROCESSES.get(config.postprocess["name"])])
    found, left = parser.parse_known_args(given)
    if left:
        raise _unknown(left[0], parser, declared)
    if any(getattr(found, name) is None for name in needed):
        hint = "give " + " and ".join(f"--{name}" for name in needed)
        raise ConfigError(f"{found.model_dir}: has no {FILE_NAME}", hint)
    check_ecosystem(vars(found))
    overrule(config, kind, vars(found))
    return found, config


def overrule(config: InferenceConfig, kind: str, given: Mapping[str, Any]) -> None:
    """Let arguments overrule an `inference.yml`, and log each that changes something.

    Args:
        config: changed in place.
        kind: of the results, which some names begin with.
        given: values by the names that the configuration's parts declare, None where not given; others are ignored.

    Raises:
        ConfigError: a value contradicts what it overrules.
    """
    for specs in (config.transforms, config.evaluation):
        for spec in specs:
            for name, section in list(spec.items()):
                spec[name] = _overruled(TRANSFORMS.get(name), section or {}, kind, given) or None
    name = config.postprocess["name"]
    config.postprocess = _overruled(POSTPROCESSES.get(name), config.postprocess, kind, given)


def _overruled(cls: type, section: dict[str, Any], kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    for argument in arguments_of(cls, kind):
        value = given.get(argument.name)
        if value is not None:
            before, section = section, argument.overrule(section, value)
            if section != before:
                logger.info("--%s %s overrules %s", argument.name, value, FILE_NAME)
    return section


def arguments_of(cls: Any, kind: str) -> tuple[Argument, ...]:
    """Return the arguments a class declares, by their names in the command for a kind of results."""
    return tuple(dataclasses.replace(a, name=a.name.format(kind=kind)) for a in cls.arguments)


def _postprocesses(kind: str) -> list[type]:
    return [cls for cls in POSTPROCESSES.classes() if getattr(getattr(cls, "result", None), "kind", kind) == kind]


def _add(parser: argparse.ArgumentParser, kind: str, classes: Iterable[type]) -> None:
    """Add the arguments that some classes declare, under the names of those that declare the same ones."""
    names: dict[tuple[Argument, ...], list[str]] = {}
    for cls in classes:
        names.setdefault(arguments_of(cls, kind), []).append(cls.__name__)
    for arguments, owners in names.items():
        group = parser.add_argument_group(", ".join(owners))
        for a in arguments:
            if f"--{a.name}" not in parser._option_string_actions:
                group.add_argument(f"--{a.name}", type=a.type, choices=a.choices, help=a.help)


def _name(text: str) -> str:
    return text.split("=")[0].lstrip("-")


def _owners(name: str) -> list[str]:
    """Return the names of the registered classes that declare an argument of a name, in whichever command."""
    classes = TRANSFORMS.classes() + POSTPROCESSES.classes()
    return [cls.__name__ for cls in classes if any(name == a.name for kind in KINDS for a in arguments_of(cls, kind))]


def _unknown(text: str, parser: argparse.ArgumentParser, declared: Sequence[str]) -> ConfigError:
    """Return the error for an argument that no part of the folder declares, whoever else may."""
    name, owners = _name(text), _owners(_name(text))
    if owners:
        return ConfigError(
            f"--{name}: an argument of {' or '.join(owners)}; this model has no such part", "leave it out"
        )
    known = [option.lstrip("-") for option in parser._option_string_actions]
    return ConfigError(f"{text}: unknown argument{did_you_mean(name, [*known, *declared])}", "see --help")
