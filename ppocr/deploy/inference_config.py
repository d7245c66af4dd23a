"""`inference.yml`: everything prediction needs besides the network, in the keys the ecosystem's runtimes read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ppocr.codecs.vocabulary import Vocabulary
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.backends import find_program
from ppocr.errors import ConfigError
from ppocr.registry import POSTPROCESSES, TRANSFORMS, did_you_mean, parameters

FILE_NAME = "inference.yml"
DEFAULT_WIDTH = 320  # least width where a flag leaves it free and no file says one
MAX_BYTES = 64 * 2**20  # the largest official dictionary makes a file of 0.2 MB

# Other runtimes call these operators with exactly these arguments: each must be there, none may be added.
FIXED_ARGUMENTS: dict[str, dict[str, Any]] = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
LABEL_OPERATOR_ENDINGS = ("LabelEncode", "LabelDecode")  # what official files carry along from evaluation

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True)
class TensorSpec:
    """One input of an exported network.

    Args:
        name: the program's input name.
        key: the key of a preprocessed sample it is fed from.
        shape: with the batch axis, -1 where the size is free.
        dtype: numpy name of the element type.
    """

    name: str
    key: str
    shape: tuple[int, ...]
    dtype: str = "float32"


IMAGE_INPUT = TensorSpec("x", "image", (-1, 3, -1, -1))


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
    """

    transforms: list[dict[str, Any]]
    postprocess: dict[str, Any]
    model_name: str = ""
    inputs: tuple[TensorSpec, ...] = (IMAGE_INPUT,)
    outputs: tuple[str, ...] = ()
    made_by: str = ""
    notes: list[str] = field(default_factory=list)

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

    def dump(self, path: str | Path) -> None:
        """Write the file; other runtimes read the first three blocks, `Model` is ours."""
        content: dict[str, Any] = {"Global": {"model_name": self.model_name}} if self.model_name else {}
        content["PreProcess"] = {"transform_ops": self.transforms}
        content["PostProcess"] = self.postprocess
        content["Model"] = {
            "inputs": [{"name": i.name, "key": i.key, "shape": list(i.shape), "dtype": i.dtype} for i in self.inputs],
            "outputs": list(self.outputs),
            "batch": self.inputs[0].shape[0],
            "made_by": self.made_by,
        }
        text = yaml.dump(plain(content), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**20)
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)


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
        ConfigError: the file is missing, not YAML, or lacks a block.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        raise ConfigError(f"{path}: no such file", "export the model again, or give its dictionary and image shape")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES >> 20} MB")
    content = _parse(path)
    preprocess, postprocess = _block(path, content, "PreProcess"), _block(path, content, "PostProcess")
    operators = preprocess.get("transform_ops")
    if not isinstance(operators, list) or not operators:
        raise ConfigError(f"{path}: PreProcess.transform_ops: must be a list of transforms")
    if not isinstance(postprocess.get("name"), str):
        raise ConfigError(f"{path}: PostProcess.name: missing")
    _check_characters(path, postprocess)
    shared = content.get("Global") or {}
    transforms, notes = _image_operators(path, operators)
    config = InferenceConfig(transforms, dict(postprocess), str(shared.get("model_name") or ""), notes=notes)
    if content.get("Model") is not None:
        _read_model_block(path, _block(path, content, "Model"), config)
    return config


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=Loader)):
            raise ConfigError(f"{path}: YAML aliases are not accepted here")
        loader = Loader(text)  # a safe loader: plain containers and scalars only
        try:
            content = loader.get_single_data()
        finally:
            loader.dispose()
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path}: not UTF-8 text ({err.reason} at byte {err.start})") from err
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not valid YAML: {getattr(err, 'problem', None) or err}") from err
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must be a mapping with PreProcess and PostProcess")
    return content


def _block(path: Path, content: Mapping[str, Any], name: str) -> dict[str, Any]:
    block = content.get(name)
    if not isinstance(block, dict):
        raise ConfigError(f"{path}: {name}: missing", "export the model again")
    return block


def _check_characters(path: Path, postprocess: Mapping[str, Any]) -> None:
    characters = postprocess.get("character_dict")
    if characters is None:
        return
    if not isinstance(characters, list) or not characters:
        raise ConfigError(f"{path}: PostProcess.character_dict: must be a list of characters")
    for number, character in enumerate(characters):
        if not isinstance(character, str):
            raise ConfigError(
                f"{path}: PostProcess.character_dict[{number}]: {character!r} is not text", "put it in quotes"
            )


def _image_operators(path: Path, operators: Sequence[Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the operators that act on images, and a note for each that is left out."""
    kept, notes, keys = [], [], {"image"}
    for spec in operators:
        if isinstance(spec, str):
            spec = {spec: None}
        if not isinstance(spec, dict) or len(spec) != 1:
            raise ConfigError(f"{path}: PreProcess.transform_ops: {spec!r} is not one transform with its arguments")
        name = str(next(iter(spec)))
        found: Any = TRANSFORMS.find(name)
        if found is None and not name.endswith(LABEL_OPERATOR_ENDINGS):
            near = did_you_mean(name, TRANSFORMS.names())
            raise ConfigError(f"{path}: PreProcess.transform_ops: unknown transform {name!r}{near}")
        if found is None or found.label_only:
            notes.append(f"{FILE_NAME}: {name} makes labels, which prediction has not: left out")
            continue
        args = spec[name] or {}
        if "keep_keys" in args:  # of evaluation, labels included
            spec = {name: {**args, "keep_keys": [key for key in args["keep_keys"] if key in keys]}}
        keys.update(found.provides)
        kept.append(spec)
    return kept, notes


def _read_model_block(path: Path, block: Mapping[str, Any], config: InferenceConfig) -> None:
    try:
        config.inputs = tuple(
            TensorSpec(str(i["name"]), str(i["key"]), tuple(int(n) for n in i["shape"]), str(i["dtype"]))
            for i in block["inputs"]
        )
        config.outputs = tuple(str(name) for name in block["outputs"])
        config.made_by = str(block["made_by"])
    except (KeyError, TypeError, ValueError) as err:
        raise ConfigError(f"{path}: Model: {err!r}", "export the model again") from err
    if not config.inputs or not config.outputs:
        raise ConfigError(f"{path}: Model: inputs and outputs must not be empty", "export the model again")
