"""What an `inference.yml` may hold: every key checked against the classes it names, all problems with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ppocr.config.checker import Checker
from ppocr.config.contracts import provided
from ppocr.config.document import Document, KeyPath
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
LARGEST_NUMBER = 1e9  # no key of any transform or post-processing has a use for more
DTYPES = ("float32", "float16", "float64", "int32", "int64", "uint8", "bool")
LABEL_OPERATOR_ENDINGS = ("LabelEncode", "LabelDecode")  # what official files carry along from evaluation
BLOCKS = ("Global", "PreProcess", "PostProcess", "Model", "Hpi")  # Hpi: of official files, for other runtimes
MODEL_KEYS = {"inputs": list[dict], "outputs": list[str], "batch": int, "made_by": str, "sha256": dict}
OPTIONAL_MODEL_KEYS = ("batch", "sha256")
INPUT_KEYS = {"name": str, "key": str, "shape": list[int], "dtype": str}
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
    shape: tuple[int, ...]
    dtype: str = "float32"


IMAGE_INPUT = TensorSpec("x", "image", (-1, 3, -1, -1))


@dataclass
class Content:
    """What a checked file holds.

    Args:
        transforms: the operators that act on images.
        postprocess: its name and keys.
        model_name: "" where there is none.
        inputs: of the network.
        outputs: of the network; empty where the file does not say.
        made_by: "" where the file does not say.
        sha256: of the files and blocks; empty where the file does not say.
        notes: what was left out.
        changed: blocks that are not what was exported.
    """

    transforms: list[dict[str, Any]] = field(default_factory=list)
    postprocess: dict[str, Any] = field(default_factory=dict)
    model_name: str = ""
    inputs: tuple[TensorSpec, ...] = (IMAGE_INPUT,)
    outputs: tuple[str, ...] = ()
    made_by: str = ""
    sha256: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


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
            if depth > MAX_DEPTH or count > MAX_NODES or isinstance(event, yaml.AliasEvent):
                what = "aliases are" if isinstance(event, yaml.AliasEvent) else "so many or deeply nested values are"
                raise ConfigError([Problem(f"{path}:{event.start_mark.line + 1}", "", f"{what} not accepted here")])
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
        self.found.model_name = self.value(("Global", "model_name"), shared.get("model_name"), "str | None") or ""
        self.numbers(("PreProcess",))
        self.numbers(("PostProcess",))
        self.model()
        self.postprocess()
        self.preprocess()
        if self.problems:
            raise ConfigError(self.problems, "export the model again")
        return self.found

    def near_keys(self, path: KeyPath, values: Mapping[str, Any], known: Iterable[str]) -> None:
        """Refuse keys that are nearly a known one; others belong to other runtimes."""
        for key in values:
            near = did_you_mean(key, known)
            if key not in known and near:
                self.add((*path, key), f"unknown key{near}", "key")

    def numbers(self, path: KeyPath) -> None:
        """Refuse numbers that are none, or beyond any use."""
        for place, value in leaves(self.tree.get(path[0]), path):
            if isinstance(value, (int, float)) and not abs(value) <= LARGEST_NUMBER:
                text = f"{value:g}" if isinstance(value, float) else f"a number of {value.bit_length()} bits"
                self.add(place, f"expected a number up to {LARGEST_NUMBER:g}, got {text}", "range")

    def model(self) -> None:
        """Check our own block; official files have none."""
        path = ("Model",)
        values = self.section("Model")
        if "Model" not in self.tree or self.problems and not values:
            return
        for key in values:
            if key not in MODEL_KEYS:
                self.unknown_key((*path, key), MODEL_KEYS)
        missing = [key for key in MODEL_KEYS if key not in values and key not in OPTIONAL_MODEL_KEYS]
        for key in missing:
            self.add((*path, key), "the key is missing, and has no default", "key")
        before = len(self.problems)
        typed = {key: self.value((*path, key), values[key], kind) for key, kind in MODEL_KEYS.items() if key in values}
        if missing or len(self.problems) > before:
            return
        for key in ("inputs", "outputs"):
            if not typed[key]:
                self.add((*path, key), "must not be empty")
        specs = [self.tensor((*path, "inputs", i), one) for i, one in enumerate(typed["inputs"])]
        self.found.inputs = tuple(spec for spec in specs if spec is not None)
        self.found.outputs, self.found.made_by = tuple(typed["outputs"]), typed["made_by"]
        self.hashes((*path, "sha256"), typed.get("sha256"))

    def tensor(self, path: KeyPath, values: Mapping[str, Any]) -> TensorSpec | None:
        for key in [*values, *INPUT_KEYS]:
            if key not in INPUT_KEYS:
                self.unknown_key((*path, key), INPUT_KEYS)
                return None
            if key not in values:
                self.add((*path, key), "the key is missing, and has no default", "key")
                return None
        before = len(self.problems)
        typed = {key: self.value((*path, key), values[key], kind) for key, kind in INPUT_KEYS.items()}
        if len(self.problems) > before:
            return None
        if not typed["shape"] or not all(n == -1 or 0 < n <= LARGEST_NUMBER for n in typed["shape"]):
            self.add((*path, "shape"), "expected sizes of at least 1, or -1 where a size is free", "range")
        if typed["dtype"] not in DTYPES:
            self.add((*path, "dtype"), f"{typed['dtype']!r} is none of {', '.join(DTYPES)}", "range")
        return TensorSpec(typed["name"], typed["key"], tuple(typed["shape"]), typed["dtype"])

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
        except CANNOT_BUILD as error:
            self.add(path, f"cannot be built: {error}")
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

    def preprocess(self) -> None:
        """Check the operators; keep those that act on images, and build each of them once."""
        path = ("PreProcess", "transform_ops")
        values = self.filled("PreProcess")
        if not values:
            return
        self.near_keys(("PreProcess",), values, ("transform_ops",))
        operators = values.get("transform_ops")
        if not isinstance(operators, list) or not operators:
            self.add(path, "must be a list of transforms")
            return
        before = len(self.problems)
        views, places, keys = [], [], {"image"}
        for i, item in enumerate(operators):
            spec = self.operator((*path, i), item, keys)
            view = self.build((*path, i), spec) if spec else None
            if spec and view is not None:
                self.found.transforms.append(spec)
                views.append(view)
                places.append(i)
                keys.update(view.provides)
        if len(self.problems) == before:
            self.chain(path, views, places)

    def operator(self, path: KeyPath, item: Any, keys: set[str]) -> dict[str, Any] | None:
        """Return one operator with its arguments checked; None where it is left out or wrong."""
        item = {item: None} if isinstance(item, str) else item
        if not isinstance(item, dict) or len(item) != 1:
            self.add(path, "expected one transform, written `- Name:` with its keys below it")
            return None
        name, args = next(iter(item.items()))
        found: Any = TRANSFORMS.find(name)
        if found is None and name.endswith(LABEL_OPERATOR_ENDINGS) or found is not None and found.label_only:
            self.found.notes.append(f"{FILE_NAME}: {name} makes labels, which prediction has not: left out")
            return None
        if args is not None and not isinstance(args, dict):
            self.add((*path, name), f"expected the transform's keys, got {kind_of(args)}")
            return None
        before = len(self.problems)
        checked = self.arguments((*path, name), TRANSFORMS, name, args or {})
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

    def chain(self, path: KeyPath, views: list[Any], places: list[int]) -> None:
        """Check that every transform, the post-processing and the network get what they need."""
        problems: list[Problem] = []
        keys, _ = provided(Pipeline(views), "", problems)
        keys -= {"img_path", "notes"}  # of data sets only
        for problem in problems:
            here = (*path, places[int(problem.key.lstrip("."))])
            self.add(here, problem.text, problem.kind)
        wanted = {spec.key: "the network" for spec in self.found.inputs}
        wanted.update(dict.fromkeys(getattr(getattr(self, "built", None), "needs", ()), "PostProcess"))
        for key, part in wanted.items():
            if key not in keys:
                self.add(path, f"{part} needs {key!r}; the transforms give {', '.join(sorted(keys))}")


def leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the place and value of everything that holds nothing else."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield path, value
        return
    for key, child in inside:
        yield from leaves(child, (*path, key))
