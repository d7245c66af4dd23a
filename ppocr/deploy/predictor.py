"""Images in, results out: the preprocessing of evaluation, a backend, and post-processing."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from ppocr.data.transforms.base import Pipeline
from ppocr.declarations import keys_read
from ppocr.deploy.backends.base import Backend, RuntimeOptions
from ppocr.deploy.backends.choose import Network, make_backend
from ppocr.deploy.inference_config import InferenceConfig, Resize, load_model_config
from ppocr.deploy.inference_schema import IMAGE_INPUT, TensorSpec
from ppocr.deploy.integrity import check_files
from ppocr.deploy.long_lines import Piece, cut, joined
from ppocr.deploy.model_files import find_model
from ppocr.errors import ConfigError, PpocrError, SampleError, one_sample
from ppocr.results import Recognition
from ppocr.utils.image_io import read_image_bytes
from ppocr.utils.image_size import image_size
from ppocr.utils.text import one_line

logger = logging.getLogger(__name__)

Image = str | Path | bytes | np.ndarray
Key = TypeVar("Key")

PROBE_SIZE = 128  # height and width of the empty image a network of any size is tried with
WIDEST = 3200  # pixels at the network's height; longer lines are cut. The ecosystem's runtimes stop there
MOST_PIECES = 64  # of a line; what is longer is none
CHUNK = 32  # batches whose images are held in memory at once, to be sorted by size ...
CHUNK_BYTES = 256 << 20  # ... unless they are large
BATCH_PIXELS = 4000 * 4000  # of all images the network sees at once, unless one alone has more


@dataclass(frozen=True)
class Prediction:
    """What became of one image.

    Args:
        source: its path, or its number where it had none.
        result: what the post-processing gives; None when there is a problem.
        problem: why the image could not be read, or None.
    """

    source: str
    result: Any = None  # a ppocr.results.Result
    problem: SampleError | None = None


@dataclass
class _Chunk:
    """Images whose samples are in memory.

    Args:
        found: prediction of each; without a result until the network has run.
        samples: by the number of the image and of its piece.
        pieces: of each image that can be read, by its number; none where it is one piece.
        nbytes: of the samples.
    """

    found: list[Prediction] = field(default_factory=list)
    samples: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    pieces: dict[int, list[Piece]] = field(default_factory=dict)
    nbytes: int = 0

    def add(self, source: str, pieces: list[Piece], samples: Sequence[dict[str, Any]]) -> None:
        """Add an image."""
        number = len(self.found)
        self.found.append(Prediction(source))
        self.pieces[number] = pieces
        for part, sample in enumerate(samples):
            for _, detail in sample.pop("notes", ()):
                logger.warning("%s: shrunk from %s", one_line(source), detail)
            self.samples[number, part] = sample
            self.nbytes += sum(np.asarray(value).nbytes for value in sample.values())


class Predictor:
    """Preprocessing, network and post-processing behind one call.

    An image's result does not depend on the images it shares a batch with: only images of exactly
    equal size after preprocessing do, and how wide an image becomes depends on itself alone.

    Args:
        pipeline: the inference view of the preprocessing.
        backend: runs the network.
        postprocess: turns predictions into one result per image.
        inputs: the network's, each with the key of a sample it is taken from.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        backend: Backend,
        postprocess: Any,
        *,
        inputs: Sequence[TensorSpec] = (IMAGE_INPUT,),
    ) -> None:
        self.pipeline = pipeline
        self.backend = backend
        self.postprocess = postprocess
        self.inputs = tuple(inputs)
        self.distorted = 0  # images resized without keeping the aspect ratio, which the network could take wider
        self._checked = False

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        options: RuntimeOptions | None = None,
        *,
        config: InferenceConfig | None = None,
        resize: Resize = "deployment",
    ) -> Predictor:
        """Build a predictor from an exported folder alone.

        Args:
            folder: what `tools/export_model.py` wrote, an official inference model, a folder with `inference.onnx`,
                or an ONNX file; without `inference.yml`, what that says of itself counts.
            options: how to run the model, and by which engine.
            config: instead of the folder's `inference.yml`.
            resize: which of its two resizes; see `InferenceConfig.pipeline`.

        Raises:
            ConfigError: inference.yml is missing, damaged or does not fit the model.
            CheckpointError: the model is missing or damaged.
            PpocrError: the engine is not installed or does not run it.
        """
        files = find_model(folder)
        config = config or load_model_config(folder)
        for note in config.notes:
            logger.info("%s", note)
        for block in config.changed:
            logger.warning("%s/inference.yml: %s changed since the export: results may differ", folder, block)
        if files.program and files.parameters:
            check_files(files.program, files.parameters, config.sha256)
        pipeline = config.pipeline(resize)
        check_shape(pipeline, config.inputs[0], str(folder))
        postprocess = config.build_postprocess()
        backend = make_backend(Network(files, config, config.outputs or keys_read(postprocess)), options)
        predictor = cls(pipeline, backend, postprocess, inputs=as_named(config.inputs, backend.input_names))
        try:
            predictor.probe()
        except PpocrError as error:
            if isinstance(error, ConfigError) and config.assume_space_char():
                predictor.postprocess = config.build_postprocess()
            elif not isinstance(error, ConfigError) and config.assume_fixed_width():
                predictor.pipeline = config.pipeline(resize)
            else:
                raise
            predictor.probe()
        return predictor

    def probe(self) -> None:
        """Run the network once on an empty image, so that parts that do not fit are found before any real one.

        Raises:
            ConfigError: the network needs what the preprocessing does not make, or has another number of
                classes than the dictionary.
        """
        shape = self.pipeline.output_shape()
        height, width = (size if size > 0 else PROBE_SIZE for size in shape[-2:])
        data = cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1]
        try:
            sample = self.pipeline({"image": data.tobytes(), "text": "", "label": "", "index": 0})
        except Exception as err:  # of transforms in an order, or with values, that none of them foresaw
            raise ConfigError(f"the preprocessing fails on an empty image: {type(err).__name__}: {err}") from err
        missing = [spec.key for spec in self.inputs if spec.key not in sample]
        if missing:
            raise ConfigError(f"the network needs {', '.join(missing)}; the preprocessing makes {', '.join(sample)}")
        for spec in self.inputs:
            check_array(spec, np.asarray(sample[spec.key]))
        if max(shape[-2:]) < 1:  # any size will do: a corner shows as much, in a fraction of time and memory
            sample["image"] = sample["image"][..., :PROBE_SIZE, :PROBE_SIZE]
        self._run([sample])

    def predict(self, images: Sequence[Image], batch_size: int = 8) -> list[Prediction]:
        """Return one prediction per image, in the order of the images; see `stream`."""
        return list(self.stream(images, batch_size))

    def stream(self, images: Iterable[Image], batch_size: int = 8) -> Iterator[Prediction]:
        """Yield one prediction per image, in the order of the images, as soon as those of its chunk are known.

        Args:
            images: paths, encoded images, or uint8 [H, W, 3] arrays in blue-green-red order.
            batch_size: most images the network sees at once.

        Raises:
            ConfigError: the batch size is none.
        """
        if batch_size < 1:
            raise ConfigError(f"batch size {batch_size}: must be at least 1")
        chunk = _Chunk()
        for number, image in enumerate(images):
            source = str(image) if isinstance(image, (str, Path)) else str(number)
            try:
                with one_sample():
                    pieces, parts = self._parts(image)
                    chunk.add(source, pieces, [self.prepare(part) for part in parts])
            except SampleError as problem:
                chunk.found.append(Prediction(source, problem=problem))
            if len(chunk.found) >= batch_size * CHUNK or chunk.nbytes > CHUNK_BYTES:
                yield from self._predicted(chunk, batch_size)
                chunk = _Chunk()
        yield from self._predicted(chunk, batch_size)

    def _predicted(self, chunk: _Chunk, batch_size: int) -> list[Prediction]:
        """Return the predictions of the images of a chunk."""
        results: dict[tuple[int, int], Any] = {}
        for keys in batches_of_equal_size(chunk.samples, batch_size):
            results.update(zip(keys, self._run([chunk.samples[key] for key in keys])))
        for number, pieces in chunk.pieces.items():
            parts = [results[number, part] for part in range(max(1, len(pieces)))]
            result = joined(pieces, parts) if pieces else parts[0]
            chunk.found[number] = Prediction(chunk.found[number].source, result)
        return chunk.found

    def _parts(self, image: Image) -> tuple[list[Piece], list[bytes | np.ndarray]]:
        """Return the pieces of a line that is too long for the network, and the image of each; else none, and itself.

        Raises:
            SampleError: the image cannot be read.
        """
        data = readable(image)
        natural = self._natural_width(data)
        if not WIDEST < natural <= MOST_PIECES * WIDEST or not issubclass(self.postprocess.result, Recognition):
            return [], [data]
        pixels = self.pipeline.transforms[0]({"image": data})["image"]
        pieces = cut(pixels, WIDEST * pixels.shape[0] // self.pipeline.output_shape()[1])
        return pieces, [pixels[:, piece.start : piece.end] for piece in pieces]

    def prepare(self, image: Image) -> dict[str, Any]:
        """Return the preprocessed sample of one image.

        Raises:
            SampleError: it cannot be read.
        """
        data = readable(image)
        self._check_width(data)
        return self.pipeline({"image": data, "text": "", "label": "", "index": 0})

    def _check_width(self, data: bytes | np.ndarray) -> None:
        """Count lines that a fixed width distorts but need not; refuse those whose free width would fill the memory."""
        if not self.pipeline.frees_width:
            return
        _, height, width = self.pipeline.output_shape()
        natural = self._natural_width(data, free=False)
        if width > 0:
            self.distorted += natural > width
        elif natural > WIDEST:
            raise SampleError("too_wide", f"the image makes a line of {natural} x {height} pixels")

    def _natural_width(self, data: bytes | np.ndarray, free: bool = True) -> int:
        """Return the width of a line at the network's height; 0 where it is not known or, if `free`, not free."""
        _, height, width = self.pipeline.output_shape()
        size = data.shape[1::-1] if isinstance(data, np.ndarray) else image_size(data)
        if size is None or height < 1 or free and (width > 0 or not self.pipeline.frees_width):
            return 0
        return math.ceil(height * size[0] / max(size[1], 1))

    def _run(self, samples: Sequence[Mapping[str, Any]]) -> list[Any]:
        return self.results(self.forward(samples), samples)

    def forward(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Run the network on samples of equal size, as `prepare` makes them, and return its predictions.

        Raises:
            ConfigError: they do not fit the post-processing.
        """
        arrays = {
            spec.name: np.stack([np.asarray(sample[spec.key]) for sample in samples]).astype(spec.dtype, copy=False)
            for spec in self.inputs
        }
        preds = self.backend.run(arrays)
        if not self._checked:
            check_classes(preds, self.postprocess)
            self._checked = True
        return preds

    def results(self, preds: Mapping[str, np.ndarray], samples: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return the post-processing's result of each sample.

        Args:
            preds: what `forward` returned.
            samples: as given to it.
        """
        needs = getattr(self.postprocess, "needs", ())
        return self.postprocess(preds, {key: [sample[key] for sample in samples] for key in needs})


def as_named(inputs: Sequence[TensorSpec], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """Return the inputs with the network's own name where it has one input: official files name none."""
    if len(inputs) == len(names) == 1:
        return (dataclasses.replace(inputs[0], name=names[0]),)
    return tuple(inputs)


def readable(image: Image) -> bytes | np.ndarray:
    """Return what the preprocessing starts from: encoded bytes, or pixels.

    Raises:
        SampleError: the file cannot be read, or the array is not uint8 [H, W] or [H, W, 3].
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if not isinstance(image, np.ndarray):
        return read_image_bytes(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or 0 in image.shape:
        raise SampleError("undecodable", f"an array of {image.dtype} {list(image.shape)} is not an 8-bit image")
    return image


def batches_of_equal_size(
    samples: Mapping[Key, Mapping[str, Any]], batch_size: int, most_pixels: int = BATCH_PIXELS
) -> Iterator[list[Key]]:
    """Yield the keys of samples whose images have the same shape, narrow ones first.

    Args:
        samples: by key, with an `image` [C, H, W] each.
        batch_size: most samples in a batch.
        most_pixels: of all images of a batch, unless one alone has more.
    """
    groups: dict[tuple[int, ...], list[Key]] = {}
    for number, sample in samples.items():
        groups.setdefault(np.shape(sample["image"]), []).append(number)
    for shape in sorted(groups, key=lambda s: s[::-1]):
        numbers = groups[shape]
        most = max(1, min(batch_size, most_pixels // max(1, math.prod(shape[1:]))))
        for start in range(0, len(numbers), most):
            yield numbers[start : start + most]


def check_array(spec: TensorSpec, array: np.ndarray) -> None:
    """Raise ConfigError when an array of a sample is not what the network takes."""
    wanted = spec.shape[1:]
    fits = array.dtype.kind in "biuf" and array.ndim == len(wanted)
    if not fits or any(size > 0 and size != found for size, found in zip(wanted, array.shape)):
        found = f"{array.dtype} {list(array.shape)}"
        raise ConfigError(f"the network takes {spec.key!r} as {list(wanted)}, the preprocessing makes {found}")


def check_shape(pipeline: Pipeline, image: TensorSpec, folder: str) -> None:
    """Raise ConfigError when the preprocessing makes images the network was not exported for."""
    made, taken = pipeline.output_shape(), image.shape[1:]
    if len(made) == len(taken) and all(m == t or m < 1 or t < 1 for m, t in zip(made, taken)):
        return
    raise ConfigError(
        f"{folder}: the preprocessing makes images of {list(made)} (C, H, W), the network takes {list(taken)}",
        "inference.yml was altered, or another image shape asked for",
    )


def check_classes(preds: Mapping[str, np.ndarray], postprocess: Any) -> None:
    """Raise ConfigError when predictions have another form, or another number of classes than the dictionary."""
    name = next((key for key in postprocess.requires if key in preds), None)
    if name is None:
        raise ConfigError(f"PostProcess reads {list(postprocess.requires)}; the network gives {sorted(preds)}")
    dimensions = getattr(postprocess, "dimensions", None)
    if dimensions and preds[name].ndim not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise ConfigError(
            f"the network gives {list(preds[name].shape)}, {type(postprocess).__name__} reads {wanted} dimensions",
            "is it a model of another task?",
        )
    codec, found = getattr(postprocess, "codec", None), preds[name].shape[-1]
    probabilities = preds[name].dtype.kind == "f"  # else token ids
    if codec is not None and probabilities and found != codec.num_outputs:
        raise ConfigError(
            f"the network has {found} classes, the dictionary makes {codec.num_outputs}",
            "it must be the dictionary of the training, with the same use_space_char",
        )
