"""From a trained task to a folder that predicts: program, parameters and inference.yml, verified before it appears."""

from __future__ import annotations

import contextlib
import copy
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import nn

from ppocr import __version__
from ppocr.data.transforms.base import Pipeline
from ppocr.declarations import keys_read
from ppocr.deploy import inference_config, rounding, trial_inputs
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.deploy.backends.paddle_backend import PaddleBackend
from ppocr.deploy.inference_config import InferenceConfig
from ppocr.deploy.inference_schema import TensorSpec
from ppocr.deploy.model_files import find_program
from ppocr.deploy.old_ir import old_operators, without_entry
from ppocr.deploy.onnx import convert
from ppocr.deploy.trial_inputs import difference, random_inputs, synthetic_image, trial_sizes
from ppocr.errors import ConfigError, PpocrError, SampleError
from ppocr.registry import POSTPROCESSES
from ppocr.utils.atomic import atomic_folder

logger = logging.getLogger(__name__)

LARGEST_DIFFERENCE = 1e-4
STEM = "inference"
OLD_PROGRAMS = (f"{STEM}.json", f"{STEM}.pdmodel", f"{STEM}.pdiparams.info", f"{STEM}.onnx")  # of an earlier export


class ExportedModel(nn.Layer):
    """A network as it is exported: named tensors in, the predictions post-processing reads out, in a fixed order.

    Args:
        model: takes the image and a dict of further tensors, returns a dict.
        image: input name of the image.
        outputs: names of the predictions to return.
    """

    def __init__(self, model: nn.Layer, image: str, outputs: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.image = image
        self.outputs = tuple(outputs)

    def forward(self, tensors: dict[str, paddle.Tensor]) -> tuple[paddle.Tensor, ...]:
        """Return the predictions in the order of `outputs`."""
        preds = self.model(tensors[self.image], tensors)
        return tuple(preds[name] for name in self.outputs)


def export(task: Any, cfg: Any, folder: str | Path, ir: str | None = None) -> float:
    """Export a task whose weights are loaded, and prove the result equal to it; of several models each by itself.

    The folder appears only when everything succeeded; files of an earlier export in it are replaced.

    Args:
        task: model, post-processing and evaluation pipeline, from `ppocr.build.build_task`.
        cfg: its configuration; `PostProcess` and in `Global` model_name, export_onnx and infer_img are read.
        folder: where `inference.json` (new IR) or `inference.pdmodel` (old IR), `inference.pdiparams`
            and `inference.yml` go; in a sub-folder for each of several models.
        ir: "new" or "old"; None: old where `Global.export_ir` or FLAGS_enable_pir_api=0 says so, else new.

    Returns:
        The largest absolute difference between the exported model's outputs and the task's.

    Raises:
        PpocrError: the network cannot be exported, or what was exported gives other outputs.
    """
    if ir is None and cfg.Global.export_ir == "old":  # the default, "new", leaves the choice to the environment
        ir = "old"
    tasks = task.exported()
    if list(tasks.values()) != [task]:
        return max(export(part, cfg, Path(folder) / name, ir) for name, part in tasks.items())
    pipeline = task.eval_pipeline.for_inference()
    task.model.eval()
    inputs = input_specs(pipeline, task.model)
    outputs = output_names(task, inputs)
    deployed = (pipeline if task.model.fixed_size else task.eval_pipeline.for_deployment()).to_config()
    config = InferenceConfig(
        transforms=inference_config.resolved(deployed),
        evaluation=[] if deployed == pipeline.to_config() else inference_config.resolved(pipeline.to_config()),
        postprocess=postprocess_block(task, cfg),
        model_name=cfg.Global.model_name or Path(folder).resolve().name,
        inputs=inputs,
        outputs=outputs,
        made_by=f"ppocr {__version__}",
    )
    target = Path(folder)
    with atomic_folder(target, _program_last, stale=OLD_PROGRAMS, hint="set Global.save_inference_dir") as temporary:
        save_program(task.model, inputs, outputs, temporary, ir)
        config.dump(temporary / inference_config.FILE_NAME, find_program(temporary))
        largest = verify(task, temporary, inputs, outputs, sample_images(cfg), ir)
    logger.info("exported to %s: %s", target, ", ".join(sorted(p.name for p in target.iterdir())))
    logger.info("largest difference between the exported and the trained model: %.3g", largest)
    if cfg.Global.export_onnx:
        convert(target)
    return largest


def _program_last(path: Path) -> tuple[bool, str]:
    """Return the place of an exported file in the order of moves: no program is ever found without its parameters."""
    return path.suffix != ".pdiparams", path.name


def input_specs(pipeline: Pipeline, model: nn.Layer) -> tuple[TensorSpec, ...]:
    """Return what the network is fed with: `x` and the further tensors its head names.

    The width is free unless a layer says `fixed_size`: predictors may then keep long lines long. The height is too
    where the preprocessing makes height and width multiples of a number, as detectors take them.
    """
    channels, height, width = pipeline.output_shape()
    if pipeline.size_multiple > 1:
        height = -1
    if not model.fixed_size:
        width = -1
    specs = [TensorSpec("x", "image", (-1, channels, height, width))]
    if model.inputs:
        sample = pipeline({"image": synthetic_image(height, width), "text": "", "label": "", "index": 0})
        for key in model.inputs:
            if key not in sample:
                raise ConfigError(f"Eval.dataset.transforms: the head needs {key!r} in prediction; nothing provides it")
            array = np.asarray(sample[key])
            specs.append(TensorSpec(key, key, (-1, *array.shape), str(array.dtype)))  # type: ignore[arg-type]
    return tuple(specs)


def output_names(task: Any, inputs: Sequence[TensorSpec]) -> tuple[str, ...]:
    """Return the predictions post-processing reads, found by running the network once."""
    preds = DygraphBackend(task.model).run(random_inputs(inputs, batch=1, width=4 * trial_inputs.DEFAULT_SIZE))
    names = tuple(name for name in keys_read(task.postprocess) if name in preds)
    if not names:
        raise ConfigError(f"PostProcess reads {list(keys_read(task.postprocess))}; the network gives {sorted(preds)}")
    return names


def postprocess_block(task: Any, cfg: Any) -> dict[str, Any]:
    """Return the PostProcess section with its dictionary embedded and no path in it."""
    name = POSTPROCESSES.name_of(type(task.postprocess), cfg.Architecture["model_type"])
    return {"name": name, **task.postprocess.inference_config()}


def save_program(
    model: nn.Layer, inputs: Sequence[TensorSpec], outputs: Sequence[str], folder: Path, ir: str | None
) -> None:
    """Write program and parameters in the IR asked for."""
    fused = fuse(model)
    specs = {i.name: paddle.static.InputSpec(list(i.shape), i.dtype, name=i.name) for i in inputs}
    with intermediate_representation(ir) as missing:
        layer = ExportedModel(fused, inputs[0].name, outputs)
        layer.eval()
        give_rnn_a_state(layer)
        try:
            static = paddle.jit.to_static(layer, input_spec=[specs], full_graph=True)
            paddle.jit.save(static, str(folder / STEM))
        except Exception as err:  # whatever a network of the user's own raises; Paddle's own have no common base
            shape = list(inputs[0].shape)
            raise without_entry(missing, err) or PpocrError(
                f"the network cannot be exported with input {shape}: {_first_line(err)}",
                "a layer that needs a fixed image size must say fixed_size = True",
            ) from err


def fuse(model: nn.Layer) -> nn.Layer:
    """Return the network with every layer's `fuse()` called; a copy when there is anything to fuse."""
    if not any(callable(getattr(layer, "fuse", None)) for layer in model.sublayers(include_self=True)):
        return model
    fused = copy.deepcopy(model)
    for layer in fused.sublayers(include_self=True):
        if callable(getattr(layer, "fuse", None)):
            layer.fuse()
    return fused


def give_rnn_a_state(model: nn.Layer) -> None:
    """Fill the recurrent layers' dropout state, which paddle 3.3.1 leaves without memory.

    Tracing reads every buffer's device, and the old IR's tracer fails on one that has none.
    """
    for layer in model.sublayers():
        state = getattr(layer, "_dropout_state", None)
        if isinstance(state, paddle.Tensor) and not state._is_initialized():
            layer._dropout_state = paddle.zeros([1], dtype="uint8")


@contextlib.contextmanager
def intermediate_representation(ir: str | None) -> Iterator[list[str]]:
    """Trace and save in the new or the old IR, in that of FLAGS_enable_pir_api where it is None.

    Gives the operators that could not be traced because `old_operators` has no entry for them.

    Raises:
        ConfigError: `ir` is neither "new", "old" nor None.
    """
    if ir is None:
        ir = "new" if paddle.get_flags("FLAGS_enable_pir_api")["FLAGS_enable_pir_api"] else "old"
    guards = {"new": paddle.pir_utils.DygraphPirGuard, "old": paddle.pir_utils.DygraphOldIrGuard}
    if ir not in guards:
        raise ConfigError(f"Global.export_ir: {ir!r} is neither new nor old")
    table: contextlib.AbstractContextManager[list[str]] = old_operators() if ir == "old" else contextlib.nullcontext([])
    with guards[ir](), table as missing:
        yield missing


def verify(
    task: Any,
    folder: Path,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[str],
    images: Sequence[bytes] = (),
    ir: str | None = None,
) -> float:
    """Compare the exported model, run as our predictor runs it, with the model it was made from.

    Args:
        task: the trained model.
        folder: the exported folder.
        inputs: the network's inputs.
        outputs: the network's outputs.
        images: encoded real images to use besides the synthetic ones.
        ir: see `export`.

    Returns:
        The largest absolute difference of any output, over three widths, batch 1 and 3, and the images.

    Raises:
        PpocrError: it is larger than 1e-4, and than what rounding does to this network; see `ppocr.deploy.rounding`.
    """
    exported = PaddleBackend(folder, outputs)
    trained = DygraphBackend(task.model, outputs)
    pipeline = task.eval_pipeline.for_inference()
    batches = [
        random_inputs(inputs, batch, width, seed, height)
        for seed, (batch, height, width) in enumerate(trial_sizes(inputs[0].shape, pipeline.size_multiple))
    ]
    batches += [_arrays(inputs, sample) for sample in _samples(pipeline, images)]
    largest, doubtful = 0.0, []
    for batch in batches:
        expected, found = trained.run(batch), exported.run(batch)
        for name in outputs:
            moved = difference(expected[name], found[name])
            if not moved <= LARGEST_DIFFERENCE:
                shape = list(batch["x"].shape)
                doubtful.append((f"{name} by {moved:.3g} for an input of shape {shape}", batch))
            largest = max(largest, moved)
    if doubtful:
        _require_rounding(task, inputs, outputs, ir, doubtful)
        synthetic = synthetic_image(*inputs[0].shape[-2:])
        for sample in _samples(pipeline, [synthetic, *images]):
            if not rounding.decides_alike(task, exported, sample, _arrays(inputs, sample)):
                raise _differs("what is decoded of an image")
    return largest


def _require_rounding(
    task: Any,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[str],
    ir: str | None,
    doubtful: Sequence[tuple[str, dict[str, np.ndarray]]],
) -> None:
    """Raise PpocrError unless rounding explains the differences; the logits are exported with the outputs for that."""
    logits = task.model.logits
    names = (*outputs, *logits)
    with tempfile.TemporaryDirectory() as folder:
        save_program(task.model, inputs, names, Path(folder), ir)
        exported = PaddleBackend(folder, names)
        for what, batch in doubtful:
            expected = rounding.DygraphBackend(task.model, names).run(batch)
            noisy = rounding.noisy_runs(task.model, batch, names)
            if not rounding.is_rounding(expected, exported.run(batch), noisy, logits):
                raise _differs(what)
            logger.warning("exported and trained model differ by what float32 rounds in so large values: %s", what)


def _differs(what: str) -> PpocrError:
    return PpocrError(
        f"the exported model differs from the trained one: {what}; nothing was exported",
        "try the other IR: -o Global.export_ir=old or new",
    )


def _arrays(inputs: Sequence[TensorSpec], sample: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the inputs of one image."""
    return {i.name: np.asarray(sample[i.key], dtype=i.dtype)[None] for i in inputs}


def _samples(pipeline: Pipeline, images: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the preprocessed images, without those that cannot be read."""
    for data in images:
        try:
            yield pipeline({"image": data, "text": "", "label": "", "index": 0})
        except SampleError as err:
            logger.warning("an image of Global.infer_img is not used for verification: %s", err)


def sample_images(cfg: Any, most: int = 3) -> list[bytes]:
    """Return the bytes of the first images of `Global.infer_img`, or nothing where there are none."""
    from ppocr.deploy.images import list_images

    place = cfg.Global.infer_img
    if not place or not Path(place).exists():
        return []
    return [Path(path).read_bytes() for path in list_images(place)[:most]]


def _first_line(err: BaseException) -> str:
    lines = [line.strip() for line in str(err).splitlines() if line.strip()]
    return (lines[-1] if lines else type(err).__name__)[:300]
