"""Whether an exported folder is still what was exported: the hashes that `inference.yml` holds in `Model.sha256`."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppocr.config.document import Document
from ppocr.errors import CheckpointError, ConfigError, Problem

logger = logging.getLogger(__name__)

FILES = ("program", "parameters")
SETTINGS = ("PreProcess", "PostProcess")  # may be edited by hand: a change is said
TRAINED = {  # belong to the weights: a change is refused
    "classes": ("PostProcess", "the names of the classes are not those the network was exported with"),
    "Model": ("Model", "this block is not what was exported"),
}
KEYS = (*FILES, *SETTINGS, *TRAINED)
CLASS_KEYS = ("character_dict", "label_list")  # of PostProcess: what the network's classes stand for
REMEDY = "export the model again or copy the folder again; a change of your own needs Model.sha256 removed"
BLOCK_BYTES = 1 << 20


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes, 64 hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            found.update(block)
    return found.hexdigest()


def settings_sha256(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes of what an `inference.yml` says, whatever its layout.

    Args:
        tree: its content; the blocks PreProcess, PostProcess and Model are mappings.
    """
    postprocess, model = tree["PostProcess"], tree["Model"]
    parts = {
        "PreProcess": tree["PreProcess"],
        "PostProcess": {key: value for key, value in postprocess.items() if key not in CLASS_KEYS},
        "classes": {key: postprocess[key] for key in CLASS_KEYS if key in postprocess},
        "Model": {key: value for key, value in model.items() if key != "sha256"},
    }
    return {name: _sha256(part) for name, part in parts.items()}


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()


def changed_settings(document: Document, recorded: Mapping[str, str]) -> list[str]:
    """Return the blocks of an `inference.yml` that are not what was exported.

    Args:
        document: its content; the blocks are known to be mappings.
        recorded: its hashes; nothing is compared where there are none.

    Raises:
        ConfigError: what belongs to the weights was changed.
    """
    if not recorded:
        return []
    found = settings_sha256(document.tree)
    problems = [
        Problem(document.where((block,)), f"Model.sha256.{name}", text)
        for name, (block, text) in TRAINED.items()
        if found[name] != recorded[name]
    ]
    if problems:
        raise ConfigError(problems, REMEDY)
    return [name for name in SETTINGS if found[name] != recorded[name]]


def check_files(program: Path, parameters: Path, recorded: Mapping[str, str]) -> None:
    """Compare the two files of a network with what was exported.

    Args:
        program: `inference.json` or `inference.pdmodel`.
        parameters: `inference.pdiparams`.
        recorded: the hashes in the folder's `inference.yml`; empty where another program wrote it.

    Raises:
        CheckpointError: one of them was altered.
    """
    if not recorded:
        logger.debug("%s: not checked, as inference.yml has no Model.sha256", parameters)
        return
    for name, path in zip(FILES, (program, parameters)):
        if file_sha256(path) != recorded.get(name):
            raise CheckpointError(f"{path}: damaged or replaced: not the {name} that inference.yml describes", REMEDY)
