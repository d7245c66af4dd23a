"""Parameters of `OCR`: what both generations of the ecosystem call them, and what cannot be honoured."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ppocr.deploy import ecosystem_arguments
from ppocr.deploy.ecosystem_arguments import Refused
from ppocr.errors import ConfigError
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.results import KINDS
from ppocr.suggestions import did_you_mean
from ppocr.system.options import SystemOptions

RENAMED = {  # other generations' names: ours
    "text_detection_model_name": "det_model",
    "text_detection_model_dir": "det_model_dir",
    "text_recognition_model_name": "rec_model",
    "text_recognition_model_dir": "rec_model_dir",
    "text_recognition_batch_size": "rec_batch_num",
    "textline_orientation_model_name": "cls_model",
    "textline_orientation_model_dir": "cls_model_dir",
    "textline_orientation_batch_size": "cls_batch_num",
    "use_textline_orientation": "use_angle_cls",
    "doc_orientation_classify_model_name": "orientation_model",
    "doc_orientation_classify_model_dir": "orientation_model_dir",
    "use_doc_orientation_classify": "use_orientation",
    "text_det_limit_side_len": "det_limit_side_len",
    "text_det_limit_type": "det_limit_type",
    "text_det_thresh": "det_db_thresh",
    "text_det_box_thresh": "det_db_box_thresh",
    "text_det_unclip_ratio": "det_db_unclip_ratio",
    "text_rec_score_thresh": "drop_score",
    "text_rec_input_shape": "rec_image_shape",
    "det_max_side_len": "det_limit_side_len",
}


_NO_UNWARPING = Refused((False,), "there is no model that unwarps pages")
_NO_LAYOUT = Refused((False,), "there is no analysis of layouts, tables or formulas")
REFUSED: dict[str, Refused] = {
    **ecosystem_arguments.REFUSED,
    **dict.fromkeys(("use_doc_unwarping", "doc_unwarping_model_name", "doc_unwarping_model_dir"), _NO_UNWARPING),
    **dict.fromkeys(("layout", "table", "formula"), _NO_LAYOUT),
    "type": Refused(("ocr",), _NO_LAYOUT.reason),
    "structure_version": Refused(("PP-Structure", "PP-StructureV2"), _NO_LAYOUT.reason),
    "text_det_max_side_limit": Refused((4000,), 'det_limit_side_len with det_limit_type="max" limits both sides'),
    "text_det_input_shape": Refused((), "detectors take pages of any size; det_limit_side_len says how large"),
    "paddlex_config": Refused((), "pipelines of PaddleX are not read; give its values as parameters"),
    "mkldnn_cache_capacity": Refused((10,), "the engine's own capacity counts"),
    "enable_cinn": Refused((False,), "Paddle's compiler is not used"),
}
MODELS = ("det", "rec", "cls", "orientation")
NAMED = {  # of OCR, besides those of the models' parts and of `SystemOptions`
    *(f"{kind}_{what}" for kind in MODELS for what in ("model", "model_dir", "config", "checkpoint")),
    *("lang", "ocr_version", "use_angle_cls", "use_orientation", "page_num", "dpi", "every_frame"),
    *(argument.name for argument in ecosystem_arguments.RUNTIME),
    *(field.name for field in fields(SystemOptions)),
}


def settled(given: Mapping[str, Any], stacklevel: int = 3) -> dict[str, Any]:
    """Return parameters by the names of `OCR`, without those that are None.

    Args:
        given: values by the names of either generation.
        stacklevel: of the caller who is warned of renamed ones.

    Raises:
        ConfigError: a parameter is unknown, given twice, or asks for what is not done here.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name in ecosystem_arguments.UNUSED:
            continue
        ours = RENAMED.get(name, name)
        if ours != name:
            warnings.warn(f"{name} is called {ours} here", DeprecationWarning, stacklevel=stacklevel)
        if ours in found:
            raise ConfigError(f"{ours} is given twice, once as {name}")
        if ours in part_arguments() or ours in NAMED:
            found[ours] = value
        elif ours not in REFUSED:
            names = [*NAMED, *part_arguments(), *RENAMED, *REFUSED]
            raise ConfigError(f"{name}: unknown parameter{did_you_mean(name, names)}")
        else:
            ecosystem_arguments.refuse(name, REFUSED[ours], value)
    return found


def part_arguments() -> set[str]:
    """Return the names of the arguments that transforms and post-processings of detectors, recognisers and classifiers
    declare."""
    return {name for kind in KINDS for name in arguments_of_kind(kind)}


def arguments_of_kind(kind: str) -> set[str]:
    """Return the names of the arguments that parts of models of one kind declare."""
    return {argument.name.format(kind=kind) for cls in _classes(kind) for argument in cls.arguments}


def _classes(kind: str) -> Iterable[Any]:
    yield from TRANSFORMS.classes()
    for cls in POSTPROCESSES.classes():
        if getattr(getattr(cls, "result", None), "kind", kind) == kind:
            yield cls
