"""What an `inference.yml` may hold: every key checked against the classes it names, all problems with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from ppocr.config.checker import Checker
from ppocr.config.contracts import provided
from ppocr.config.document import Document, KeyPath
from ppocr.config.ranges import Count
from ppocr.config.sections import GlobalSection
from ppocr.config.yaml_reader import parse
from ppocr.data.transforms.base import Pipeline
from ppocr.deploy import integrity
from ppocr.errors import ConfigError, Problem
from ppocr.failures import kind_of
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.suggestions import did_you_mean

FILE_NAME = "inference.yml"
MAX_BYTES = 8 * 2**20  # the largest official dictionary makes a file of 0.2 MB
MAX_DEPTH = 50
MAX_NODES = 200_000
LABEL_OPERATOR_ENDINGS = ("LabelEncode", "LabelDecode")  # what official files carry along from evaluation
BLOCKS = ("Global", "PreProcess", "PostProcess", "Model", "Hpi")  # Hpi: of official files, for other runtimes
SHA256 = re.compile(r"[0-9a-f]{64}")
CANNOT_BUILD = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)  # of values none foresaw

_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Loader(_Fastest):
    """YAML's safe loader in version 1.1, which these files are written in, without dates: they stay texts."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag.rsplit(":", 1)[1] not in ("timestamp", "value")]
        for first, pairs in _Fastest.yaml_implicit_resolvers.items()
    }


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
    shape: tuple[Literal[-1] | Count, ...]
    dtype: Literal["float32", "float16", "float64", "int32", "int64", "uint8", "bool"] = "float32"


@dataclass
class ModelBlock:
    """The block `Model`, see `Content`; `batch` is for readers who know no `inputs`."""

    inputs: list[dict[str, Any]]
    outputs: list[str]
    made_by: str
    batch: int | None = None
    sha256: dict[str, Any] | None = None
    evaluation_ops: list[Any] | None = None


IMAGE_INPUT = TensorSpec("x", "image", (-1, 3, -1, -1))


@dataclass
class Content:
    """The content of an `inference.yml`.

    Args:
        model_name: `Global.model_name`, which other runtimes show and check.
        transforms: the deployment view of the preprocessing, as a YAML transform list.
        evaluation: its inference view, whose pixels are evaluation's; empty where that is the same.
        postprocess: name, `character_dict` where classes are characters, and its other keys.
        inputs: what the network is fed with.
        outputs: prediction names in the order of the program's outputs; empty when not recorded.
        made_by: program and version that exported the folder; "" for files that are not ours.
        notes: what the reader left out or assumed, for the log.
        sha256: of the network's files and of the file's blocks, see `integrity`; empty for files that are not ours.
        changed: blocks that are not what was exported.
    """

    transforms: list[dict[str, Any]] = field(default_factory=list)
    postprocess: dict[str, Any] = field(default_factory=dict)
    model_name: str = ""
    inputs: tuple[TensorSpec, ...] = (IMAGE_INPUT,)
    outputs: tuple[str, ...] = ()
    made_by: str = ""
    notes: list[str] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict, compare=False)
    changed: list[str] = field(default_factory=list, compare=False)
    evaluation: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> Content:
    """Read and check a file.

    Raises:
        ConfigError: it is missing, no YAML, or holds what no exported model needs.
    """
    document = read_document(path)
    content = _InferenceChecker(document).content()
    content.changed = integrity.changed_settings(document, content.sha256)
    return content


def recorded_sha256(folder: Path) -> Mapping[str, Any]:
    """Return the hashes in a folder's file, whatever else it holds; empty where there is none.

    Raises:
        ConfigError: it is no YAML.
    """
    path = folder / FILE_NAME
    model = read_document(path).tree.get("Model") if path.is_file() else None
    hashes = model.get("sha256") if isinstance(model, dict) else None
    return hashes if isinstance(hashes, dict) else {}


def read_document(path: Path) -> Document:
    """Read a file without checking its keys.

    Raises:
        ConfigError: it is missing, too large, no text or no YAML.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file", "export the model again, or give its dictionary and image shape")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES >> 20} MB")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a text file: byte {error.start} is not UTF-8") from error
    _check_extent(text, path)
    return parse(text, str(path), Loader)


def _check_extent(text: str, path: Path) -> None:
    """Refuse what would take much memory or stack before anything is made of it."""
    depth = 0
    try:
        for count, event in enumerate(yaml.parse(text, Loader=Loader)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or count > MAX_NODES:  # aliases, of which official files have some: see `parse`
                text = "so many or deeply nested values are not accepted here"
                raise ConfigError([Problem(f"{path}:{event.start_mark.line + 1}", "", text)])
    except yaml.YAMLError:
        return  # reading it next says so, with the place


class _InferenceChecker(Checker):
    """Collects the problems of one file."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.strict = True
        self.shared = GlobalSection()
        self.found = Content()

    def content(self) -> Content:
        """Return the content.

        Raises:
            ConfigError: with every problem found.
        """
        self.near_keys((), self.tree, BLOCKS)
        shared = self.section("Global")
        self.near_keys(("Global",), shared, ("model_name",))
        self.found.model_name = self.value(("Global", "model_name"), shared.get("model_name"), str | None) or ""
        self.model()
        self.postprocess()
        operators = self.filled("PreProcess")
        if operators:
            self.near_keys(("PreProcess",), operators, ("transform_ops",))
            self.found.transforms = self.preprocess(("PreProcess", "transform_ops"), operators.get("transform_ops"))
        evaluation = self.section("Model").get("evaluation_ops")
        if evaluation is not None:
            self.found.evaluation = self.preprocess(("Model", "evaluation_ops"), evaluation)
        for block in ("PreProcess", "PostProcess"):
            self.untyped_numbers(self.tree.get(block), (block,))
        if self.problems:
            raise ConfigError(self.problems, "export the model again")
        return self.found

    def near_keys(self, path: KeyPath, values: Mapping[str, Any], known: Iterable[str]) -> None:
        """Refuse keys that are nearly a known one; others belong to other runtimes."""
        for key in values:
            near = did_you_mean(key, known)
            if key not in known and near:
                self.add((*path, key), f"unknown key{near}", "key")

    def model(self) -> None:
        """Check our own block; official files have none."""
        path = ("Model",)
        values = self.section("Model")
        if not isinstance(self.tree.get("Model"), dict):
            return
        before = len(self.problems)
        typed = self.keys(path, ModelBlock, values)
        if len(self.problems) > before:
            return
        for key in ("inputs", "outputs"):
            if not typed[key]:
                self.add((*path, key), "must not be empty")
        self.found.inputs = tuple(
            spec for i, one in enumerate(typed["inputs"]) for spec in self.tensor((*path, "inputs", i), one)
        )
        self.found.outputs, self.found.made_by = tuple(typed["outputs"]), typed["made_by"]
        self.hashes((*path, "sha256"), typed.get("sha256"))

    def tensor(self, path: KeyPath, values: Mapping[str, Any]) -> list[TensorSpec]:
        """Return the description of an input; nothing of one that is wrong."""
        before = len(self.problems)
        typed = self.keys(path, TensorSpec, values)
        if typed.get("shape") == []:
            self.add((*path, "shape"), "must not be empty")
        return [] if len(self.problems) > before else [TensorSpec(**{**typed, "shape": tuple(typed["shape"])})]

    def hashes(self, path: KeyPath, values: Mapping[str, Any] | None) -> None:
        if values is None:
            return
        for key in [*values, *integrity.KEYS]:
            if key not in integrity.KEYS:
                self.unknown_key((*path, key), integrity.KEYS)
            elif not isinstance(values.get(key), str) or not SHA256.fullmatch(values[key]):
                self.add((*path, key), "expected 64 hexadecimal digits")
        self.found.sha256 = dict(values)

    def postprocess(self) -> None:
        path = ("PostProcess",)
        values = dict(self.filled("PostProcess"))
        if not values or not self.class_names(path, values):
            return
        before = len(self.problems)
        checked = self.named(path, POSTPROCESSES, values)
        if len(self.problems) > before:
            return
        try:
            self.built = POSTPROCESSES.build(checked)
        except ConfigError as error:
            self.add(path, str(error))
        self.found.postprocess = checked

    def filled(self, name: str) -> dict[str, Any]:
        """Return a block that must be there and hold something."""
        if self.tree.get(name) == {}:
            self.add((name,), "the section is empty")
        return self.section(name, needed=True)

    def class_names(self, path: KeyPath, values: Mapping[str, Any]) -> bool:
        """Return whether the names of the classes are texts, of which there is one at least."""
        before = len(self.problems)
        for key in integrity.CLASS_KEYS:
            names = values.get(key)
            if names is None:
                continue
            if not isinstance(names, list) or not names:
                self.add((*path, key), f"expected a list of characters or names, got {kind_of(names)}")
                continue
            wrong = [number for number, name in enumerate(names) if not isinstance(name, str)]
            if wrong:
                more = f"; so are {len(wrong) - 1} others" if len(wrong) > 1 else ""
                text = f"{kind_of(names[wrong[0]])} is not text: put it in quotes{more}"
                self.add((*path, key, wrong[0]), text, "type")
        return len(self.problems) == before

    def preprocess(self, path: KeyPath, operators: Any) -> list[dict[str, Any]]:
        """Check the operators, build each of them once, and return those that act on images."""
        if not isinstance(operators, list) or not operators:
            self.add(path, "must be a list of transforms")
            return []
        before = len(self.problems)
        kept: list[dict[str, Any]] = []
        views: dict[int, Any] = {}
        keys = {"image"}
        for i, item in enumerate(operators):
            spec = self.operator((*path, i), item, keys)
            view = self.build((*path, i), spec) if spec else None
            if spec and view is not None:
                kept.append(spec)
                views[i] = view
                keys.update(view.provides)
        if len(self.problems) == before:
            self.chain(path, views)
        return kept

    def operator(self, path: KeyPath, item: Any, keys: set[str]) -> dict[str, Any] | None:
        """Return one operator with its arguments checked; None where it is left out or wrong."""
        name, args = self.transform(path, item)
        if not name:
            return None
        found: Any = TRANSFORMS.find(name)
        if found is None and name.endswith(LABEL_OPERATOR_ENDINGS) or found is not None and found.label_only:
            self.found.notes.append(f"{FILE_NAME}: {name} makes labels, which prediction has not: left out")
            return None
        before = len(self.problems)
        checked = self.arguments((*path, name), TRANSFORMS, name, args)
        if len(self.problems) > before:
            return None
        if "keep_keys" in checked:  # of evaluation, labels included
            checked["keep_keys"] = [key for key in checked["keep_keys"] if key in keys]
        return {name: checked or None}

    def build(self, path: KeyPath, spec: dict[str, Any]) -> Any:
        """Return the transform as prediction runs it; None where it cannot be built or has no place there."""
        try:
            view = Pipeline.from_config([spec], {}).transforms[0].for_inference()
        except ConfigError as error:
            self.add(path, str(error))
            return None
        except CANNOT_BUILD as error:
            self.add(path, f"cannot be built: {error}")
            return None
        if view is None:
            self.add(path, f"{next(iter(spec))} changes images at random, which prediction must not")
        return view

    def chain(self, path: KeyPath, views: Mapping[int, Any]) -> None:
        """Check that every transform, the post-processing and the network get what they need."""
        problems: list[Problem] = []
        keys, _ = provided(Pipeline(list(views.values())), "", problems)
        keys -= {"img_path", "notes"}  # of data sets only
        for problem in problems:
            self.add((*path, list(views)[int(problem.key.lstrip("."))]), problem.text, problem.kind)
        wanted = {spec.key: "the network" for spec in self.found.inputs}
        wanted.update(dict.fromkeys(getattr(getattr(self, "built", None), "needs", ()), "PostProcess"))
        for key, part in wanted.items():
            if key not in keys:
                self.add(path, f"{part} needs {key!r}; the transforms give {', '.join(sorted(keys))}")
