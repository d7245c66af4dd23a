"""From an inference model to a folder that training, evaluation and export start from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ppocr import __version__
from ppocr.build import build_task
from ppocr.codecs.text import TextCodec
from ppocr.config.loader import load_config, read_document
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.engine.checkpoint import save_checkpoint
from ppocr.errors import CheckpointError
from ppocr.pretrained.calibrate import calibrate, drawn_images, prepared
from ppocr.pretrained.deploy_form import deploy_state, deploy_units, is_norm
from ppocr.pretrained.dictionary import write_dictionary
from ppocr.pretrained.mapping import Mapped, map_tensors
from ppocr.pretrained.model_file import ModelFile
from ppocr.pretrained.readers import read_model
from ppocr.pretrained.unfold import Unfolded, identity, unfold
from ppocr.registry import POSTPROCESSES
from ppocr.utils.atomic import atomic_folder

# Paddle's average pooling on the CPU adds up large maps one by one. The relative error of 3e-4 it makes in squeeze and
# excitation was seen as 1.5e-3 at single pixels of PP-OCRv6's maps; in float64 they are the file's.
LARGEST_DIFFERENCE, MEAN_DIFFERENCE = 1e-2, 1e-4
COMPARED = 1  # batches of images the imported network and the file are compared on
SIDE = 64  # of the blank image a network with free sides is run on to find its order
STEM = "best_accuracy"


@dataclass
class ImportReport:
    """Where each parameter of an imported network comes from.

    Args:
        source: the inference model.
        by: "name" or "order": how its arrays were matched.
        arrays: how many it holds; every one has its place.
        taken: names taken over as they are.
        unfolded: names set so that fusing gives the file's convolutions.
        silent: names of branches beside these, whose weight in the sum is zero; their statistics are measured.
        fresh: names as initialised, of parts that only training uses.
        difference: largest absolute difference of the outputs on the compared images, None where not compared.
        note: why not.
    """

    source: Path
    by: str
    arrays: int
    taken: list[str] = field(default_factory=list)
    unfolded: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    difference: float | None = None
    note: str = ""

    def lines(self) -> list[str]:
        """Return the report for the terminal."""
        result = [
            f"all {self.arrays} arrays of {self.source} used, matched by {self.by}:",
            f"  {len(self.taken)} tensors of the network taken from the file",
            f"  {len(self.unfolded)} set so that fusing gives the file's",
            f"  {len(self.silent)} of branches beside them, whose weight in the sum is zero",
            f"  {len(self.fresh)} fresh, of parts that only training uses",
        ]
        groups = Counter(".".join(name.split(".")[:2]) for name in self.fresh)
        result += [f"    {group}: {count}" for group, count in groups.items()]
        if self.difference is None:
            result.append(f"outputs not compared with the file: {self.note}")
        else:
            result.append(f"largest difference between the outputs of file and network: {self.difference:.2g}")
        return result


def import_model(
    source: str | Path,
    config: str | Path,
    folder: str | Path,
    *,
    dictionary: str | Path | None = None,
    images: Sequence[bytes] = (),
    origin: str = "",
) -> ImportReport:
    """Make `folder`/{best_accuracy.pdparams, dict.txt, config.yml} of an inference model.

    Args:
        source: an official inference folder, or an ONNX file.
        config: configuration of the same network.
        folder: where the result goes; what an earlier import left there is replaced.
        dictionary: the dictionary it was trained with; None: the file's own, else that of the configuration.
        images: encoded images like those to be trained on, for the statistics of unfolded layers and for the
            comparison; drawn ones are used where there are none.
        origin: what the manifest says it was imported from; "": the name of the source.

    Returns:
        Which tensors came from the file.

    Raises:
        PpocrError: the file is damaged, belongs to another network or gives other outputs; nothing is written then.
    """
    file, target = read_model(source), Path(folder)
    changes: dict[str, str] = {}
    with atomic_folder(target, lambda path: path.suffix == ".json") as temporary:  # the manifest last
        if (dictionary or _reads_text(config)) and write_dictionary(file, dictionary, temporary / "dict.txt"):
            changes["Global.character_dict_path"] = str(temporary / "dict.txt")
        task, report = _imported_task(file, config, changes, images)
        _save(task, origin or Path(source).resolve().name, temporary)
    changes = {key: (target / "dict.txt").as_posix() for key in changes}
    changes["Global.pretrained_model"] = (target / STEM).as_posix()
    if load_config(config).Global.model_name is None:  # other programs refuse exports that have another name
        changes["Global.model_name"] = target.resolve().name
    load_config(config, _overrides(changes)).dump(target / "config.yml")
    return report


def _reads_text(config: str | Path) -> bool:
    """Return whether the results are texts: a classifier's names of classes are no dictionary."""
    tree = read_document(config).tree
    decoder: Any = POSTPROCESSES.get(tree["PostProcess"]["name"], tree["Architecture"]["model_type"])
    return isinstance(decoder.codec_class, type) and issubclass(decoder.codec_class, TextCodec)


def _imported_task(
    file: ModelFile, config: str | Path, changes: Mapping[str, str], images: Sequence[bytes]
) -> tuple[Any, ImportReport]:
    """Return the task with the file's weights, proved equal to it."""
    paddle.seed(0)  # what the file lacks is the same in every import
    task = build_task(load_config(config, _overrides(changes)), "eval")
    assert task.eval_pipeline is not None  # build_task always gives one
    model, pipeline = task.model, task.eval_pipeline.for_inference()
    sides = [side if side > 0 else SIDE for side in pipeline.output_shape()[1:]]
    state = deploy_state(model)
    mapped = map_tensors(file, state, deploy_units(model, (pipeline.output_shape()[0], *sides)))
    unfolded = put_in(model, mapped)
    batches = prepared(pipeline, images or drawn_images(pipeline))
    calibrate(model, unfolded.identity, unfolded.silent, batches)
    taken = [name for name in mapped.arrays if name in model.state_dict() and name not in unfolded.state]
    report = ImportReport(file.path, mapped.by, len(file.tensors), taken, list(unfolded.state))
    known = {*report.taken, *report.unfolded}
    rest = [name for name in model.state_dict() if name not in known]
    report.silent = [name for name in rest if any(name.startswith(f"{layer}.") for layer in unfolded.layers)]
    report.fresh = [name for name in rest if name not in set(report.silent)]
    report.difference, report.note = _compare(file, task, batches[:COMPARED])
    return task, report


def put_in(model: Any, mapped: Mapped) -> Unfolded:
    """Set a network's parameters to a file's arrays, and return what was unfolded for that."""
    unfolded = unfold(model, mapped.arrays)
    layers = dict(model.named_sublayers())
    for path, bias in mapped.folded.items():
        if not is_norm(layers[path]):
            raise CheckpointError(f"{path}: is no batch norm")
        unfolded.state.update(identity(path, layers[path]))
        if bias is not None:
            unfolded.state[f"{path}.bias"] = bias
        unfolded.identity.append(path)
    state = model.state_dict()
    for arrays in (mapped.arrays, unfolded.state):
        for name, array in arrays.items():
            if name in state:
                state[name].set_value(paddle.to_tensor(np.ascontiguousarray(array), place=paddle.CPUPlace()))
    return unfolded


def _compare(file: ModelFile, task: Any, batches: Sequence[np.ndarray]) -> tuple[float | None, str]:
    """Return the largest difference of the outputs, or why there is none.

    Raises:
        CheckpointError: they are not the same outputs.
    """
    backend: Any
    if file.path.is_dir():
        backend = PaddleBackend(file.path)
    else:
        try:
            import onnxruntime  # noqa: F401
        except ImportError:
            return None, "onnxruntime is not installed (pip install onnxruntime)"
        backend = OnnxBackend(file.path)
    network, largest = DygraphBackend(task.model, task.postprocess.requires), 0.0
    mean = 0.0  # the largest mean over an image
    for batch in batches:
        theirs = next(iter(backend.run({name: batch for name in backend.input_names}).values()))
        ours = next(iter(network.run({"x": batch}).values()))
        if theirs.shape != ours.shape:
            raise CheckpointError(f"{file.path}: gives {list(theirs.shape)}, the network gives {list(ours.shape)}")
        differences = np.abs(theirs - ours)
        largest, mean = max(largest, float(differences.max())), max(mean, float(differences.mean()))
    if not (largest <= LARGEST_DIFFERENCE and mean <= MEAN_DIFFERENCE):
        raise CheckpointError(
            f"{file.path}: the network with its arrays gives other outputs, by {largest:.2g}; nothing was written",
            "is this the configuration of that model?",
        )
    return largest, ""


def _overrides(changes: Mapping[str, str]) -> list[str]:
    return [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in changes.items()]


def _save(task: Any, origin: str, folder: Path) -> None:
    """Write the checkpoint of an imported network."""
    about = {"characters": task.classes, "imported_from": origin, "made_by": f"ppocr {__version__}"}
    params = {name: tensor.numpy() for name, tensor in task.model.state_dict().items()}
    save_checkpoint(folder / STEM, params, None, {}, about)
