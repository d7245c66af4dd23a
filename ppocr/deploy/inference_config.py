"""`inference.yml`: everything prediction needs besides the network, in the keys the ecosystem's runtimes read."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from ppocr.config.yaml_reader import parse
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.inference_schema import FILE_NAME, Content, Dumper, Loader, read
from ppocr.deploy.integrity import FILES, file_sha256, settings_sha256
from ppocr.deploy.model_files import find_model, settings_path
from ppocr.deploy.onnx_graph import CHARACTER, OnnxGraph, read_graph
from ppocr.errors import ConfigError, Problem
from ppocr.registry import POSTPROCESSES
from ppocr.results import KINDS, Result

logger = logging.getLogger(__name__)

Resize = Literal["deployment", "evaluation"]

# Other runtimes call these operators with exactly these arguments: each must be there, none may be added.
FIXED_ARGUMENTS: dict[str, dict[str, Any]] = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}


class InferenceConfig(Content):
    """The content of an `inference.yml`, and what it builds."""

    @property
    def characters(self) -> list[str] | None:
        """The embedded dictionary, one entry per line of the dictionary file, or None."""
        return self.postprocess.get("character_dict")

    def pipeline(self, resize: Resize = "deployment") -> Pipeline:
        """Build the preprocessing.

        Args:
            resize: "evaluation" for evaluation's pixels; "deployment" for what reads best: lines keep their aspect
                ratio where the network takes any width.
        """
        if resize == "evaluation":
            return Pipeline.from_config(self.evaluation or self.transforms, {}).for_inference()
        pipeline = Pipeline.from_config(self.transforms, {})
        return pipeline.for_deployment() if self.free_width else pipeline.for_inference()

    @property
    def free_width(self) -> bool:
        """Whether the network takes images of any width."""
        return self.inputs[0].shape[-1] == -1

    def build_postprocess(self) -> Any:
        """Build the post-processing from its name, keys and embedded dictionary."""
        return POSTPROCESSES.build(self.postprocess)

    def assume_space_char(self) -> bool:
        """Count the space as a class where the file does not say; return whether that changed anything.

        Official files never say; their runtimes assume it, and the network's class count decides.
        """
        if self.characters is None or self.postprocess.get("use_space_char") is not None:
            return False
        self.postprocess["use_space_char"] = True
        return True

    def assume_fixed_width(self) -> bool:
        """Take the width of the preprocessing for the only one, where the file does not say; return whether it can be.

        Official files never say.
        """
        *shape, width = Pipeline.from_config(self.transforms, {}).for_inference().output_shape()
        if self.made_by or not self.free_width or width < 1:
            return False
        self.inputs = (replace(self.inputs[0], shape=(-1, *shape, width)), *self.inputs[1:])
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
        if self.evaluation:
            content["Model"]["evaluation_ops"] = self.evaluation
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


def load(folder: str | Path) -> InferenceConfig:
    """Read `inference.yml` of an exported folder, ours or an official one, or that beside an ONNX file.

    Raises:
        ConfigError: the file is missing, not YAML, or holds what no exported model needs; with every problem found.
    """
    return InferenceConfig(**vars(read(settings_path(folder))))


@dataclass(frozen=True)
class Assumed:
    """What the ecosystem's command assumes of a folder without an `inference.yml`.

    Args:
        what: for the log.
        transforms: as in the file.
        postprocess: as in the file.
        needed: CLI arguments that must fill in the rest.
        classes: key of the post-processing for what an ONNX file says its classes stand for.
    """

    what: str
    transforms: list[dict[str, Any]]
    postprocess: dict[str, Any]
    needed: tuple[str, ...] = ()
    classes: str = ""


_DECODE: dict[str, Any] = {"DecodeImage": FIXED_ARGUMENTS["DecodeImage"]}
_NORMALIZE = {"scale": "1./255.", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "order": "hwc"}
ASSUMED = {  # by kind of the results
    "rec": Assumed(
        "a recogniser of CTC",
        [_DECODE, {"RecResizeImg": {"image_shape": [3, 48, 320]}}],
        {"name": "CTCLabelDecode"},
        ("rec_image_shape", "rec_char_dict_path"),
        "character_dict",
    ),
    "det": Assumed(
        "a DB detector of images limited to 960 pixels",
        [
            _DECODE,
            {"DetResizeForTest": {"limit_side_len": 960, "limit_type": "max"}},
            {"NormalizeImage": _NORMALIZE},
            {"ToCHWImage": None},
            {"KeepKeys": {"keep_keys": ["image", "shape"]}},
        ],
        {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000, "unclip_ratio": 1.5},
    ),
    "cls": Assumed(
        "a classifier of images [3, 48, 192] by the labels 0 and 180",
        [_DECODE, {"ClsResizeImg": {"image_shape": [3, 48, 192]}}],
        {"name": "ClsPostProcess", "label_list": ["0", "180"]},
        classes="label_list",
    ),
}


def load_or_assume(folder: str | Path, wanted: type[Result]) -> tuple[InferenceConfig, tuple[str, ...]]:
    """Read `inference.yml` of a model with results of one kind, or return what is assumed where there is none.

    Args:
        folder: exported, ours or official; or an ONNX file.
        wanted: type of the results.

    Returns:
        The content, and the CLI arguments without which it is incomplete.

    Raises:
        ConfigError: the file cannot be used, or the results are of another kind.
        CheckpointError: there is no model.
    """
    if settings_path(folder).is_file() or wanted.kind not in ASSUMED:
        return load_of_kind(folder, wanted), ()
    files = find_model(folder)
    if files.onnx is not None:
        graph = read_graph(files.onnx)
        found = KINDS[graph.kind] if graph.kind else None
        if found and not issubclass(found, wanted):
            text = f"gives {found.described}; {wanted.described} are wanted"
            raise ConfigError([Problem(str(folder), "", text)], "is it a model of another task?")
        return assume_of_graph(graph, wanted.kind)
    assumed = ASSUMED[wanted.kind]
    logger.info("%s has no %s: it is taken for %s", folder, FILE_NAME, assumed.what)
    return InferenceConfig(copy.deepcopy(assumed.transforms), copy.deepcopy(assumed.postprocess)), assumed.needed


def assume_of_graph(graph: OnnxGraph, kind: str) -> tuple[InferenceConfig, tuple[str, ...]]:
    """Return what is assumed of an ONNX file without `inference.yml`: sizes and classes are those the file says.

    Args:
        graph: of the file.
        kind: of the results.

    Returns:
        The content, and the CLI arguments without which it is incomplete.
    """
    assumed = ASSUMED[kind]
    logger.info("%s has no %s: it is taken for %s", graph.path, FILE_NAME, assumed.what)
    transforms, postprocess = copy.deepcopy(assumed.transforms), copy.deepcopy(assumed.postprocess)
    sizes = graph.inputs[0].shape[1:]
    for spec in transforms:
        for args in spec.values():
            if args and "image_shape" in args:
                args["image_shape"] = [s if s > 0 else usual for s, usual in zip(sizes, args["image_shape"])]
    needed: tuple[str, ...] = ()
    if assumed.classes and graph.characters:
        postprocess[assumed.classes] = graph.characters
    elif assumed.classes not in postprocess:
        needed = tuple(name for name in assumed.needed if not name.endswith("image_shape"))
    return InferenceConfig(transforms, postprocess, inputs=graph.inputs), needed


def load_model_config(path: str | Path) -> InferenceConfig:
    """Read `inference.yml` of a model of any kind, or return what is assumed of an ONNX file without one.

    Raises:
        ConfigError: there is no such file and nothing can be assumed, or it cannot be used.
        CheckpointError: there is no model.
    """
    files = find_model(path)
    if files.settings is not None or files.onnx is None:
        return load(path)
    graph = read_graph(files.onnx)
    if not graph.kind:
        text = f"neither recogniser, detector nor classifier: it gives {dict(graph.outputs)}"
        raise ConfigError([Problem(str(path), "", text)], f"put its {FILE_NAME} beside it")
    config, needed = assume_of_graph(graph, graph.kind)
    if needed:
        hint = f"put its {FILE_NAME} beside it, or the characters into its metadata"
        raise ConfigError([Problem(str(path), "", f"has no dictionary: metadata without {CHARACTER!r}")], hint)
    return config


def result_type(path: str | Path) -> type[Result] | None:
    """Return the type of the results of a model, None where only running it would tell.

    Args:
        path: a folder or an ONNX file.

    Raises:
        ConfigError: its `inference.yml` cannot be used.
        CheckpointError: there is no model.
    """
    files = find_model(path)
    if files.settings is not None:
        return getattr(POSTPROCESSES.get(load(path).postprocess["name"]), "result", None)
    return KINDS.get(read_graph(files.onnx).kind) if files.onnx is not None else None


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
    require_result(config.postprocess, wanted, str(settings_path(folder)), hint)
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
