"""NRTR and SAR on their own learn, are evaluated, exported in both IRs, and predict what evaluation read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from ppocr.config.loader import load_config
from ppocr.deploy.from_weights import export_weights, infer
from ppocr.deploy.predictor import Predictor
from ppocr.engine.runs import evaluate_weights, train
from tests.system.project import Project, make_project

EPOCHS = 100
LEARNED = 0.7  # of eight lines; all of them are read after as many epochs


class Decoder(NamedTuple):
    """What a configuration names for a decoder.

    Args:
        name: stem of its transform, loss and post-processing.
        head: the section of the head, small.
        key: what its batches need beside image and label.
        neck: the section before it; SAR reads the feature map itself.
        searches: overrides for the ways it searches the best text.
    """

    name: str
    head: str
    key: str
    neck: str
    searches: tuple[list[str], ...]


NECK = "  Neck: {name: SequenceEncoder, encoder_type: reshape}\n"
NRTR = "{name: Transformer, d_model: 16, nhead: 2, num_encoder_layers: 1, num_decoder_layers: 1, max_len: 8, "
DECODERS = [
    Decoder(
        "NRTR",
        NRTR + "dim_feedforward: 32, residual_dropout_rate: 0.0}",
        "length",
        NECK,
        ([], ["Architecture.Head.beam_size=3"]),
    ),
    Decoder("SAR", "{name: SARHead, enc_dim: 32, d_k: 32, max_text_length: 8}", "valid_ratio", "", ([],)),
]


@pytest.fixture(scope="module", params=DECODERS, ids=lambda d: d.name)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Decoder, Project]:
    """A decoder and a project with its network trained."""
    decoder = request.param
    project = make_project(tmp_path_factory.mktemp(decoder.name) / "project")
    text = project.config.read_text(encoding="utf-8")
    for old, new in (
        ("{name: CTCHead, fc_decay: 0.0}", decoder.head),
        ("CTCLabelEncode", f"{decoder.name}LabelEncode"),
        ("CTCLoss", f"{decoder.name}Loss"),
        ("CTCLabelDecode", f"{decoder.name}LabelDecode"),
        ("[image, label, length]", f"[image, label, {decoder.key}]"),
        (NECK, decoder.neck),
        ("    - RecAug:\n", ""),
        ("epoch_num: 1", f"epoch_num: {EPOCHS}"),
        ("eval_batch_epoch: 1", f"eval_batch_epoch: {EPOCHS}"),
        ("save_epoch_step: 1", f"save_epoch_step: {EPOCHS}"),
    ):
        assert old in text
        text = text.replace(old, new)
    project.config.write_text(text, encoding="utf-8")
    assert train(load_config(project.config)).value >= LEARNED
    return decoder, project


def changes(project: Project, *options: str) -> list[str]:
    return [f"Global.checkpoints={project.out}/latest", f"Global.infer_img={project.folder}/images", *options]


def test_evaluation_reads_what_was_learned(trained: tuple[Decoder, Project]) -> None:
    found = evaluate_weights(load_config(trained[1].config, changes(trained[1])))
    assert found.used == found.total == 8
    assert found.metrics["acc"] >= LEARNED


@pytest.mark.parametrize("ir", ["new", "old"])
def test_an_exported_decoder_reads_the_same(ir: str, trained: tuple[Decoder, Project], tmp_path: Path) -> None:
    decoder, project = trained
    labels = dict(row.split("\t") for row in (project.folder / "test.txt").read_text(encoding="utf-8").splitlines())
    options = changes(project, f"Global.export_ir={ir}", f"Global.save_inference_dir={tmp_path}/exported")
    for search in decoder.searches:
        cfg = load_config(project.config, [*options, *search])
        export_weights(cfg)
        wanted = infer(cfg)
        found = Predictor.from_folder(tmp_path / "exported").predict([p.source for p in wanted])
        assert [p.problem for p in found] == [None] * 8
        assert [p.result.text for p in found] == [p.result.text for p in wanted]
        sure = pytest.approx([p.result.confidence for p in wanted], abs=1e-4)
        assert [p.result.confidence for p in found] == sure
        assert sum(labels[Path(p.source).name] == p.result.text for p in found) >= LEARNED * 8
