"""`inference.yml`: everything prediction needs besides the network, in the keys the ecosystem's runtimes read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ppocr.codecs.vocabulary import Vocabulary
from ppocr.config.yaml_reader import parse
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.backends import find_program
from ppocr.deploy.inference_schema import FILE_NAME, IMAGE_INPUT, Dumper, Loader, TensorSpec, read
from ppocr.deploy.integrity import FILES, file_sha256, settings_sha256
from ppocr.errors import ConfigError, Problem
from ppocr.registry import POSTPROCESSES, TRANSFORMS, parameters
from ppocr.results import Result

DEFAULT_WIDTH = 320  # least width where a flag leaves it free and no file says one

# Other runtimes call these operators with exactly these arguments: each must be there, none may be added.
FIXED_ARGUMENTS: dict[str, dict[str, Any]] = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}


@dataclass
class InferenceConfig:
    """The content of an `inference.yml`.

    Args:
        model_name: `Global.model_name`, which other runtimes show and check.
        transforms: the inference view of the preprocessing, as a YAML transform list.
        postprocess: name, `character_dict` where classes are characters, and its other keys.
        inputs: what the network is fed with.
        outputs: prediction names in the order of the program's outputs; empty when not recorded.
        made_by: program and version that exported the folder; "" for files that are not ours.
        notes: what the reader left out or assumed, for the log.
        sha256: of the network's files and of the file's blocks, see `integrity`; empty for files that are not ours.
        changed: blocks that are not what was exported.
    """

    transforms: list[dict[str, Any]]
    postprocess: dict[str, Any]
    model_name: str = ""
    inputs: tuple[TensorSpec, ...] = (IMAGE_INPUT,)
    outputs: tuple[str, ...] = ()
    made_by: str = ""
    notes: list[str] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict, compare=False)
    changed: list[str] = field(default_factory=list, compare=False)

    @property
    def characters(self) -> list[str] | None:
        """The embedded dictionary, one entry per line of the dictionary file, or None."""
        return self.postprocess.get("character_dict")

    def pipeline(self) -> Pipeline:
        """Build the preprocessing: the same transforms evaluation runs, without its labels."""
        return Pipeline.from_config(self.transforms, {}).for_inference()

    def build_postprocess(self) -> Any:
        """Build the post-processing from its name, keys and embedded dictionary."""
        return POSTPROCESSES.build(self.postprocess)

    def assume_space_char(self) -> bool:
        """Count the space as a class where the file does not say; return whether that changed anything.

        Official files never say; their runtimes assume it, and the network's class count tells.
        """
        if self.characters is None or self.postprocess.get("use_space_char") is not None:
            return False
        self.postprocess["use_space_char"] = True
        return True

    def dump(self, path: str | Path, files: tuple[Path, Path] | None = None) -> None:
        """Write the file; other runtimes read the first three blocks, `Model` is ours.

        Args:
            path: of the file.
            files: program and parameters of the network, whose hashes are written too.
        """
        content: dict[str, Any] = {"Global": {"model_name": self.model_name}} if self.model_name else {}
        content["PreProcess"] = {"transform_ops": self.transforms}
        content["PostProcess"] = self.postprocess
        content["Model"] = {
            "inputs": [{"name": i.name, "key": i.key, "shape": list(i.shape), "dtype": i.dtype} for i in self.inputs],
            "outputs": list(self.outputs),
            "batch": self.inputs[0].shape[0],
            "made_by": self.made_by,
        }
        if files:
            hashes = {name: file_sha256(file) for name, file in zip(FILES, files)}
            content["Model"]["sha256"] = {**hashes, **settings_sha256(parse(_text(content), FILE_NAME, Loader).tree)}
        text = _text(content)
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _text(content: Mapping[str, Any]) -> str:
    return yaml.dump(plain(content), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**20)


def plain(value: Any) -> Any:
    """Return a value as the containers and scalars safe YAML knows, without shared references."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ConfigError(f"{value!r} cannot be written to {FILE_NAME}")


def resolved(transforms: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a transform list with the arguments that other runtimes insist on."""
    found = []
    for spec in transforms:
        name, args = next(iter(spec.items()))
        fixed = FIXED_ARGUMENTS.get(name)
        args = dict(args or {})
        found.append({name: {k: args.get(k, v) for k, v in fixed.items()} if fixed else args or None})
    return found


def set_image_shape(config: InferenceConfig, shape: Sequence[int]) -> bool:
    """Put another image size into the preprocessing; return whether that changed anything.

    Args:
        config: changed in place.
        shape: (C, H, W). A W of -1 keeps the one there is for all images that fit it, and lets longer
            lines keep their proportions.

    Raises:
        ConfigError: no transform has an image size, or the one that has cannot leave the width free.
    """
    before = plain(config.transforms)
    for spec in config.transforms:
        name, args = next(iter(spec.items()))
        if not args or "image_shape" not in args:
            continue
        wanted = list(shape)
        if wanted[2] < 0:
            if "eval_mode" not in parameters(TRANSFORMS.get(name))[0]:
                raise ConfigError(f"{name} needs a width: {wanted} does not give one")
            wanted[2] = args["image_shape"][2]
            args["eval_mode"] = True
        args["image_shape"] = wanted
        return config.transforms != before
    raise ConfigError("an image shape is given, but no transform of this model takes one")


def set_dictionary(config: InferenceConfig, path: str) -> bool:
    """Put another dictionary into the post-processing; return whether that changed anything.

    Args:
        config: changed in place.
        path: a dictionary file.

    Raises:
        PpocrError: the file cannot be read.
        ConfigError: the embedded dictionary has another number of entries.
    """
    entries, embedded = list(Vocabulary.load(path).characters), config.characters
    if embedded is not None and len(entries) != len(embedded):
        raise ConfigError(
            f"{path} has {len(entries)} entries, the dictionary inside {FILE_NAME} has {len(embedded)}",
            "the network was trained with the latter; leave the flag out",
        )
    config.postprocess["character_dict"] = entries
    return entries != embedded


def of_ctc(dictionary: str, shape: Sequence[int], use_space_char: bool | None = None) -> InferenceConfig:
    """Return what an `inference.yml` would say of a CTC recogniser exported without one.

    Args:
        dictionary: its dictionary file.
        shape: (C, H, W) of its images; a W of -1 is free.
        use_space_char: whether the space is a class; None leaves it to the network's class count.
    """
    postprocess: dict[str, Any] = {
        "name": "CTCLabelDecode",
        "character_dict": list(Vocabulary.load(dictionary).characters),
    }
    if use_space_char is not None:
        postprocess["use_space_char"] = use_space_char
    decode, resize = dict(FIXED_ARGUMENTS["DecodeImage"]), {"image_shape": [*shape[:2], DEFAULT_WIDTH]}
    config = InferenceConfig([{"DecodeImage": decode}, {"RecResizeImg": resize}], postprocess)
    set_image_shape(config, shape)
    return config


def require_folder(folder: str | Path) -> None:
    """Raise the error of `backends.find_program` when a folder holds no model, before anything else is said of it."""
    find_program(folder)


def load(folder: str | Path) -> InferenceConfig:
    """Read `inference.yml` of an exported folder, ours or an official one.

    Raises:
        ConfigError: the file is missing, not YAML, or holds what no exported model needs; with every problem found.
    """
    found = read(Path(folder) / FILE_NAME)
    return InferenceConfig(**{each.name: getattr(found, each.name) for each in fields(found)})


def load_of_kind(folder: str | Path, wanted: type[Result], hint: str = "use predict_{}") -> InferenceConfig:
    """Read `inference.yml` of a model with results of one kind.

    Args:
        folder: exported, ours or official.
        wanted: type of the results.
        hint: for others; see `require_result`.

    Raises:
        ConfigError: the file cannot be used, or the results are of another kind.
    """
    config = load(folder)
    require_result(config.postprocess, wanted, str(Path(folder) / FILE_NAME), hint)
    return config


def require_result(
    section: Mapping[str, Any], wanted: type[Result] | None, where: str, hint: str, scope: str | None = None
) -> None:
    """Refuse a model whose results a command does not print; a post-processing that declares none is accepted.

    Args:
        section: `PostProcess` of a configuration or of `inference.yml`.
        wanted: type of the results; None for any.
        where: file or "file:line" of the section.
        hint: what to do with models of another kind, with a place for "rec", "det" or "cls".
        scope: `Architecture.model_type`, where there is one.

    Raises:
        ConfigError: the results are of another kind.
    """
    given = getattr(POSTPROCESSES.get(section["name"], scope), "result", None)
    if wanted is None or given is None or issubclass(given, wanted):
        return
    text = f"{section['name']} gives {given.described or given.__name__}; this command prints {wanted.described}"
    raise ConfigError([Problem(where, "PostProcess.name", text)], hint.format(given.kind) if given.kind else "")
