"""Images in, results out: the preprocessing of evaluation, a backend, and post-processing."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np

from ppocr.data.transforms.base import Pipeline
from ppocr.deploy.backends import Backend, PaddleBackend, RuntimeOptions
from ppocr.deploy.inference_config import IMAGE_INPUT, InferenceConfig, TensorSpec, load
from ppocr.errors import ConfigError, SampleError
from ppocr.utils.image_io import image_size, read_bytes

logger = logging.getLogger(__name__)

Image = Union[str, Path, bytes, np.ndarray]

WIDTH_GRID = 32  # free widths are rounded up to it, so that images meet in batches
WIDEST = 3200  # pixels; what the ecosystem's runtimes stop at too
CHUNK = 32  # batches whose images are held in memory at once, to be sorted by width


@dataclass(frozen=True)
class Prediction:
    """What became of one image.

    Args:
        source: its path, or its number where it had none.
        result: what post-processing gives, such as (text, confidence); None when there is a problem.
        problem: why the image could not be read, or None.
    """

    source: str
    result: Any = None
    problem: SampleError | None = None


class Predictor:
    """Preprocessing, network and post-processing behind one call.

    An image's result does not depend on the images it shares a batch with: only images of exactly
    equal size after preprocessing do, and how wide an image becomes depends on itself alone.

    Args:
        pipeline: the inference view of the preprocessing.
        backend: runs the network.
        postprocess: turns predictions into one result per image.
        inputs: what the network is fed with, and from which keys of a sample.
        free_width: keep images that are wider than `image_shape` says at their own aspect ratio, where
            evaluation squeezes them; all others give the same pixels either way.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        backend: Backend,
        postprocess: Any,
        *,
        inputs: Sequence[TensorSpec] = (IMAGE_INPUT,),
        free_width: bool = False,
    ) -> None:
        self.pipeline = pipeline
        self.backend = backend
        self.postprocess = postprocess
        self.inputs = tuple(inputs)
        self.squeezed = 0  # images narrower in the network's eyes than they are
        self._free = FreeWidth(pipeline) if free_width else None
        self._checked = False

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        options: RuntimeOptions | None = None,
        *,
        config: InferenceConfig | None = None,
        free_width: bool = False,
    ) -> Predictor:
        """Build a predictor from an exported folder alone.

        Args:
            folder: what `tools/export_model.py` wrote, or an official inference model.
            options: how to run the model.
            config: instead of the folder's `inference.yml`.
            free_width: see the class.

        Raises:
            ConfigError: inference.yml is missing, damaged or does not fit the model.
            CheckpointError: the model is missing or damaged.
        """
        config = config or load(folder)
        for note in config.notes:
            logger.info("%s", note)
        pipeline = config.pipeline()
        check_shape(pipeline, config.inputs[0], str(folder))
        postprocess = config.build_postprocess()
        backend = PaddleBackend(folder, config.outputs or postprocess.reads[:1], options)
        predictor = cls(pipeline, backend, postprocess, inputs=config.inputs, free_width=free_width)
        predictor.probe()
        return predictor

    def probe(self) -> None:
        """Run the network once on an empty image, so that parts that do not fit are found before any real one.

        Raises:
            ConfigError: the network's class count is not the dictionary's.
        """
        shape = [side if side > 0 else WIDTH_GRID * 4 for side in self.pipeline.output_shape()]
        sample = {"image": np.zeros(shape, np.float32)}
        if all(spec.key in sample for spec in self.inputs):
            self._run([sample])

    def predict(self, images: Sequence[Image], batch_size: int = 8) -> list[Prediction]:
        """Return one prediction per image, in the order of the images.

        Args:
            images: paths, encoded images, or uint8 [H, W, 3] arrays in blue-green-red order.
            batch_size: most images the network sees at once.
        """
        if batch_size < 1:
            raise ConfigError(f"batch size {batch_size}: must be at least 1")
        found: list[Prediction | None] = [None] * len(images)
        for start in range(0, len(images), batch_size * CHUNK):
            samples: dict[int, dict[str, Any]] = {}
            for number in range(start, min(start + batch_size * CHUNK, len(images))):
                source = str(images[number]) if isinstance(images[number], (str, Path)) else str(number)
                try:
                    samples[number] = self.prepare(images[number])
                except SampleError as problem:
                    found[number] = Prediction(source, problem=problem)
                else:
                    samples[number]["source"] = source
            for numbers in batches_of_equal_size(samples, batch_size):
                results = self._run([samples[number] for number in numbers])
                for number, result in zip(numbers, results):
                    found[number] = Prediction(samples[number]["source"], result)
        return [prediction for prediction in found if prediction is not None]

    def prepare(self, image: Image) -> dict[str, Any]:
        """Return the preprocessed sample of one image.

        Raises:
            SampleError: it cannot be read.
        """
        sample = {"image": encoded(image), "text": "", "label": "", "index": 0}
        if self._free is not None:
            return self._free(sample)
        self._count_squeezed(sample["image"])
        return self.pipeline(sample)

    def _count_squeezed(self, data: bytes) -> None:
        size, (_, height, width) = image_size(data), self.pipeline.output_shape()
        if size is not None and height > 0 and width > 0 and size[0] * height > size[1] * width * 1.02:
            self.squeezed += 1

    def _run(self, samples: Sequence[Mapping[str, Any]]) -> list[Any]:
        arrays = {
            spec.name: np.stack([np.asarray(sample[spec.key]) for sample in samples]).astype(spec.dtype, copy=False)
            for spec in self.inputs
        }
        preds = self.backend.run(arrays)
        if not self._checked:
            check_classes(preds, self.postprocess)
            self._checked = True
        needs = getattr(self.postprocess, "needs", ())
        return self.postprocess(preds, {key: [sample[key] for sample in samples] for key in needs})


class FreeWidth:
    """A pipeline whose resize is as wide as each image needs, never narrower than it was set to be.

    Args:
        pipeline: one of its transforms has an `image_shape` of [C, H, W].

    Raises:
        ConfigError: none has.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        specs = pipeline.to_config()
        places = [n for n, spec in enumerate(specs) if "image_shape" in (next(iter(spec.values())) or {})]
        if not places:
            raise ConfigError("the width cannot be free: no transform has an image_shape")
        self._before = Pipeline(pipeline.transforms[: places[0]])
        self._specs = specs[places[0] :]
        name, args = next(iter(self._specs[0].items()))
        self.name, self.args = name, args
        self._pipelines: dict[int, Pipeline] = {}

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Return the preprocessed sample."""
        sample = self._before(sample)
        _, height, least = self.args["image_shape"]
        rows, columns = sample["image"].shape[:2]
        natural = math.ceil(height * columns / rows / WIDTH_GRID) * WIDTH_GRID
        width = least if math.ceil(height * columns / rows) <= least else min(natural, max(WIDEST, least))
        if width not in self._pipelines:
            specs = copy.deepcopy(self._specs)
            specs[0][self.name]["image_shape"][-1] = width
            self._pipelines[width] = Pipeline.from_config(specs, {}).for_inference()
        return self._pipelines[width](sample)


def encoded(image: Image) -> bytes:
    """Return the encoded bytes of an image given as path, bytes or pixels.

    Pixels are packed without loss, so that they take the same way as files.

    Raises:
        SampleError: the file cannot be read, or the array is not uint8 [H, W] or [H, W, 3].
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if not isinstance(image, np.ndarray):
        return read_bytes(image)
    if (
        image.dtype != np.uint8
        or image.ndim not in (2, 3)
        or 0 in image.shape
        or image.shape[2:] not in ((), (1,), (3,))
    ):
        raise SampleError("undecodable", f"an array of {image.dtype} {list(image.shape)} is not an 8-bit image")
    import cv2

    return cv2.imencode(".bmp", image)[1].tobytes()


def batches_of_equal_size(samples: Mapping[int, Mapping[str, Any]], batch_size: int) -> Iterator[list[int]]:
    """Yield the numbers of samples whose images have the same shape, narrow ones first."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, sample in samples.items():
        groups.setdefault(np.shape(sample["image"]), []).append(number)
    for shape in sorted(groups, key=lambda s: s[::-1]):
        numbers = groups[shape]
        for start in range(0, len(numbers), batch_size):
            yield numbers[start : start + batch_size]


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
    """Raise ConfigError when predictions have another number of classes than the dictionary."""
    classes = getattr(postprocess, "classes", None)
    name = next((key for key in postprocess.reads if key in preds), None)
    if name is None:
        raise ConfigError(f"PostProcess reads {list(postprocess.reads)}; the network gives {sorted(preds)}")
    found = preds[name].shape[-1]
    if classes is not None and found != classes:
        raise ConfigError(
            f"the network tells {found} classes apart, the dictionary makes {classes}",
            "it must be the dictionary of the training, with the same use_space_char",
        )
