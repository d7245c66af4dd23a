"""Every shipped configuration trains, resumes, evaluates, and exports what it trained, on small data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pytest

from ppocr.config.loader import load_config, read_document
from ppocr.data.lmdb_writer import write_lmdb
from ppocr.deploy import export, trial_inputs
from ppocr.deploy.backends.dygraph import DygraphBackend
from ppocr.engine.checkpoint import load_checkpoint
from ppocr.modeling.backbones import pp_hgnet, pp_hgnet_v2
from ppocr.modeling.layers import resnet
from tests.system.det_project import write_pages
from tests.system.project import ROOT, line_image

SMALL_BACKBONES = {
    "rec": "{name: PlainConvNet, channels: [8, 8, 16, 16]}",
    "det": "{name: PlainConvNet, stem: 8, channels: [8, 8, 16, 16], depths: [1, 1, 1, 1]}",
}


class Shipped(NamedTuple):
    """What a configuration has in common with earlier ones for the same task.

    Args:
        seen: its backbone.
        same: its whole network, where a backbone that was seen is replaced by a small one.
    """

    seen: bool
    same: bool


def models(architecture: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the sections of the models of a network by their keys; that of one model is the network's."""
    inner = {f"Architecture.Models.{name}": parts for name, parts in architecture.get("Models", {}).items()}
    return inner or {"Architecture": architecture}


def shipped() -> dict[str, Shipped]:
    """Return the configurations."""
    found, backbones, networks = {}, set(), set()
    for path in sorted((ROOT / "configs").rglob("[!_]*.y*ml")):
        for parts in models(read_document(path).tree["Architecture"]).values():
            backbone = json.dumps([parts["model_type"], parts.get("Transform"), parts["Backbone"]], sort_keys=True)
            seen = backbone in backbones
            network = [seen or backbone, parts["model_type"], parts.get("Neck"), parts["Head"]]
            found[path.relative_to(ROOT).as_posix()] = Shipped(seen, json.dumps(network, sort_keys=True) in networks)
            backbones.add(backbone)
            networks.add(json.dumps(network, sort_keys=True))
    return found


CONFIGS = shipped()
IMAGES = 4
DEEP = 12  # blocks
LAYERS = 18  # of a ResNet
WIDE, NARROW = 128, 32  # channels of the pyramids of detectors
NARROWER = 4  # times, in networks whose width no configuration can choose; their own is in tests/modeling
EXPORT_SIDE = 32  # smaller than the exporter's own, which a server detector takes half a minute for


def small_lines(folder: Path, asked: Any) -> None:
    """Write images and labels of characters a configuration knows, as files and as an LMDB."""
    from ppocr.codecs.vocabulary import Vocabulary

    known = Vocabulary.load(asked.Global.character_dict_path).characters
    characters = [c for c in known if len(c) == 1 and not c.isspace()]
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(IMAGES):
        data = cv2.imencode(".jpg", line_image(str(1234)[: i + 1]))[1].tobytes()
        (folder / "images" / f"{i}.jpg").write_bytes(data)
        rows.append(f"{i}.jpg\t{''.join(characters[: i + 1])}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    write_lmdb(str(folder / "labels.txt"), str(folder / "images"), str(folder / "lmdb"))


def small_pages(folder: Path, asked: Any) -> None:
    """Write pages with regions of text."""
    (folder / "labels.txt").write_text(write_pages(folder / "images", IMAGES), encoding="utf-8")


def small_directions(folder: Path, asked: Any) -> None:
    """Write lines labelled with the classes a configuration names."""
    (folder / "images").mkdir(parents=True)
    labels = asked.Global.label_list or ["any"]
    rows = []
    for i in range(IMAGES):
        data = cv2.imencode(".jpg", line_image(str(1234)[: i + 1]))[1].tobytes()
        (folder / "images" / f"{i}.jpg").write_bytes(data)
        rows.append(f"{i}.jpg\t{labels[i % len(labels)]}\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")


SMALL_DATA = {"rec": small_lines, "det": small_pages, "cls": small_directions}


def small_images(transform: dict[str, Any]) -> dict[str, str]:
    """Return the values that make a transform's images small: the networks are what is tested."""
    (name, arguments), *_ = transform.items()
    if name in ("RecResizeImg", "SVTRRecResizeImg"):
        return {f"{name}.image_shape": f"[3, {arguments['image_shape'][1]}, 64]"}
    if name == "SSLRotateResize":
        return {"SSLRotateResize.image_shape": "[3, 48, 64]"}
    if name == "EastRandomCropData":
        return {"EastRandomCropData.size": "[64, 96]"}
    if name == "DetResizeForTest" and "image_shape" in (arguments or {}):
        return {"DetResizeForTest.image_shape": "[96, 64]"}
    if name == "DetResizeForTest":
        return {"DetResizeForTest": "{limit_side_len: 64, limit_type: min}"}
    return {}


def small_guides(architecture: dict[str, Any]) -> list[str]:
    """Return overrides that make heads small which only training knows: tests/modeling has them in full size."""
    found = []
    for i, member in enumerate(architecture["Head"].get("head_list", ())):
        for name, key in (("SARHead", "enc_dim"), ("SARHead", "d_k"), ("NRTRHead", "nrtr_dim")):
            if name in member:
                found.append(f"Architecture.Head.head_list.{i}.{name}.{key}=32")
    return found


def small_plan(architecture: dict[str, Any]) -> list[str]:
    """Return overrides for a deep backbone, and for one made for one size of image unless it resizes images itself."""
    backbone = architecture["Backbone"]
    if backbone["name"] == "SVTRv2":  # a block of every kind a stage has
        mixers = ", ".join(f"[{stage[0]}, {stage[-1]}]" for stage in backbone["mixer"])
        return ["Architecture.Backbone.depths=[2, 2, 2]", f"Architecture.Backbone.mixer=[{mixers}]"]
    if backbone.get("model_size") == "medium":
        return ["Architecture.Backbone.model_size=tiny"]
    if backbone.get("layers", 0) > LAYERS and "dcn_stage" not in backbone:
        return [f"Architecture.Backbone.layers={LAYERS}"]
    if "img_size" not in backbone or architecture.get("Transform"):
        return []
    found = [f"Architecture.Backbone.img_size=[{backbone['img_size'][0]}, 64]"]
    if sum(backbone["depth"]) > DEEP:
        first, *_, last = backbone["mixer"]
        found += ["Architecture.Backbone.depth=[1, 1, 1]", f"Architecture.Backbone.mixer=[{first}, {last}, {last}]"]
    return found


def narrow_pyramid(architecture: dict[str, Any]) -> list[str]:
    """Return overrides for pyramids too wide to run often; with their own width they are in tests/modeling."""
    neck, head = (architecture.get(part) or {} for part in ("Neck", "Head"))
    if neck.get("out_channels", 0) < WIDE:
        return []
    found = [f"Architecture.Neck.out_channels={NARROW}"]
    return [*found, f"Architecture.Head.aux_in_channels={NARROW}"] if head.get("aux_in_channels") else found


def small_network(architecture: dict[str, Any], seen: bool) -> list[str]:
    """Return overrides for a network that trains here: a backbone seen in another configuration becomes a small one."""
    if seen and architecture["model_type"] in SMALL_BACKBONES:
        small = [f"Architecture.Backbone={SMALL_BACKBONES[architecture['model_type']]}"]
    else:
        small = small_plan(architecture)
    return [*small, *small_guides(architecture), *narrow_pyramid(architecture)]


def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the networks narrow whose width no configuration can choose; the kinds and numbers of layers stay."""
    monkeypatch.setattr(resnet, "WIDTHS", tuple(width // NARROWER for width in resnet.WIDTHS))
    stages = tuple((inner // NARROWER, width // NARROWER, count) for inner, width, count in pp_hgnet.STAGES)
    monkeypatch.setattr(pp_hgnet, "STAGES", stages)
    specs = tuple(s._replace(inner=s.inner // NARROWER, out=s.out // NARROWER) for s in pp_hgnet_v2.STAGES)
    monkeypatch.setattr(pp_hgnet_v2, "STAGES", specs)
    monkeypatch.setattr(pp_hgnet_v2, "CLASSIFIER_WIDTH", pp_hgnet_v2.CLASSIFIER_WIDTH // NARROWER**2)


def overrides(raw: dict, folder: Path, seen: bool) -> list[str]:
    """Return overrides that point a configuration at the small data."""
    found = ["Global.use_gpu=false", f"Global.save_model_dir={folder}/out", "Global.epoch_num=1", "Global.seed=1"]
    found += ["Global.eval_batch_step=0", "Global.eval_batch_epoch=1", "Global.save_epoch_step=1000"]
    found += [f"Global.save_inference_dir={folder}/inference", "Global.pretrained_model=null"]
    for key, parts in models(raw["Architecture"]).items():
        found += [f"{key}{o.removeprefix('Architecture')}" for o in small_network(parts, seen)]
        found += [f"{key}.pretrained=null"] if parts.get("pretrained") else []
    for section in ("Train", "Eval"):
        found += [f"{section}.loader.batch_size_per_card=2", f"{section}.loader.num_workers=0"]
        if raw[section].sampler:  # one that chooses the size of images and batches itself
            found += [f"{section}.sampler.scales=[[64, 48]]", f"{section}.sampler.first_bs=2"]
        for i, transform in enumerate(raw[section].dataset["transforms"]):
            found += [f"{section}.dataset.transforms.{i}.{k}={v}" for k, v in small_images(transform).items()]
        if "label_file_list" in raw[section].dataset:
            found += [
                f"{section}.dataset.data_dir={folder}/images",
                f"{section}.dataset.label_file_list=[{folder}/labels.txt]",
            ]
            if "ratio_list" in raw[section].dataset:
                found += [f"{section}.dataset.ratio_list=[1.0]"]
        else:
            found += [f"{section}.dataset.data_dir={folder}/lmdb"]
    return found


class FusedBackend(DygraphBackend):
    """The network as it is exported, for comparison with the export.

    After two steps, batch norms are far from what the layers see, values grow from layer to layer, and the last bit of
    one decides the result: what fusing rounds otherwise is not small there. Other tests compare it with the network.
    """

    def __init__(self, model: Any, outputs: Any = None) -> None:
        super().__init__(export.fuse(model), outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS)
def test_config_trains_resumes_evaluates_and_exports(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ppocr.deploy.from_weights import export_weights
    from ppocr.deploy.predictor import Predictor
    from ppocr.engine.runs import evaluate_weights, train

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(trial_inputs, "DEFAULT_SIZE", EXPORT_SIDE)
    monkeypatch.setattr(export, "DygraphBackend", FusedBackend)
    narrow(monkeypatch)
    asked = load_config(path)
    SMALL_DATA[asked.Architecture["model_type"]](tmp_path, asked)
    raw = {"Train": asked.Train, "Eval": asked.Eval, "Architecture": asked.Architecture}
    options = overrides(raw, tmp_path, CONFIGS[path].seen)
    cfg = load_config(path, options)
    best = train(cfg)
    assert best.global_step == IMAGES // 2
    resumed = load_config(path, [*options, f"Global.checkpoints={tmp_path}/out/latest", "Global.epoch_num=2"])
    assert train(resumed).value >= best.value
    position = load_checkpoint(tmp_path / "out" / "latest").states["position"]
    assert position["global_step"] == IMAGES // 2 * 2
    best_weights = f"Global.checkpoints={tmp_path}/out/best_accuracy"
    cfg = load_config(path, [*options, best_weights])
    found = evaluate_weights(cfg)
    assert found.used == found.total == IMAGES
    export_weights(cfg)
    if not CONFIGS[path].same:
        old = f"Global.save_inference_dir={tmp_path}/old_ir"
        export_weights(load_config(path, [*options, best_weights, "Global.export_ir=old", old]))
    images = sorted(map(str, (tmp_path / "images").iterdir()))
    folders = sorted(path.parent for path in (tmp_path / "inference").rglob("inference.yml"))
    assert folders
    for folder in folders:  # one, or one a model that was trained
        predictions = Predictor.from_folder(folder).predict(images)
        assert [p.problem for p in predictions] == [None] * IMAGES
