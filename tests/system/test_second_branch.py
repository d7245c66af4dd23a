"""A user's head trains beside CTC with its own loss, encoder and codec, and not one edit elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppocr.build import build_task
from ppocr.codecs.base import ClassTable
from ppocr.codecs.tokens import TokenCodec
from ppocr.config.loader import load_config
from ppocr.data.transforms.labels_tokens import TokenLabelEncode
from ppocr.declarations import Filled
from ppocr.engine.runs import evaluate_weights, train
from ppocr.engine.weights import load_weights
from ppocr.errors import ConfigError
from ppocr.losses.base import Loss
from ppocr.modeling.heads.base import Head
from ppocr.registry import HEADS, LOSSES, TRANSFORMS
from tests.system.project import Project, make_project

MULTI = (
    "{name: MultiHead, head_list: [{CTCHead: {Neck: {name: reshape}, Head: {fc_decay: 0.0}}}, "
    "{PositionHead: {width: 12}}]}"
)


class PositionCodec(TokenCodec):
    """Start and end stand in front of the characters, padding behind them."""

    before = ("start", "end")
    behind = ("padding",)
    start_id, end_id = 0, 1

    def __init__(self, *args, **keys) -> None:
        super().__init__(*args, **keys)
        self.padding_id = self.classes.index("padding")


class PositionLabelEncode(TokenLabelEncode):
    """The label of PositionHead."""

    codec_class = PositionCodec


class PositionHead(Head):
    """Predicts the next character from the one before and the mean of the sequence."""

    targets = ("label", "length")
    outputs = ("position",)
    codec_class = PositionCodec
    takes = "sequence"

    def __init__(self, in_channels: Filled[int], codec: Filled[PositionCodec], width: int = 8) -> None:
        super().__init__(codec=codec)
        self.embedding = nn.Embedding(codec.num_inputs, width)
        self.fc = nn.Linear(in_channels + width, codec.num_outputs)

    def class_tables(self, codec):

        return {
            "embedding.weight": ClassTable(codec.input_names, 0),
            "fc.weight": ClassTable(codec.output_names),
            "fc.bias": ClassTable(codec.output_names),
        }

    def forward(self, x, batch):
        before = self.embedding(batch["label"][:, :-1])
        mean = x.mean(axis=1, keepdim=True).expand([-1, before.shape[1], -1])
        return {"position": self.fc(paddle.concat([mean, before], axis=2))}


class PositionLoss(Loss):
    """Cross entropy of the next character."""

    requires = ("position",)
    needs = ("label",)
    codec_class = PositionCodec

    def __init__(self, codec: Filled[PositionCodec], scale: float = 1.0) -> None:
        super().__init__(codec)
        self.scale = scale

    def forward(self, preds, batch):
        logits, target = preds["position"].flatten(0, 1), batch["label"][:, 1:].flatten()
        return {"loss": self.scale * F.cross_entropy(logits, target, ignore_index=self.codec.padding_id)}


PARTS = ((HEADS, PositionHead), (LOSSES, PositionLoss), (TRANSFORMS, PositionLabelEncode))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose second branch is made of these parts, which are registered for as long."""
    for registry, cls in PARTS:
        registry.names()
        registry.register()(cls)
    made = make_project(tmp_path_factory.mktemp("second") / "project")
    text = made.config.read_text(encoding="utf-8")
    for old, new in (
        ("{name: CTCHead, fc_decay: 0.0}", MULTI),
        ("  Neck: {name: SequenceEncoder, encoder_type: reshape}\n", ""),
        ("CTCLabelEncode:", "MultiLabelEncode: {gtc_encode: PositionLabelEncode}"),
        ("{name: CTCLoss}", "{name: MultiLoss, loss_config_list: [{CTCLoss: }, {PositionLoss: {scale: 0.5}}]}"),
        ("[image, label, length]", "[image, label_ctc, label_gtc, length]"),
    ):
        assert old in text
        text = text.replace(old, new)
    made.config.write_text(text, encoding="utf-8")
    yield made
    for registry, cls in PARTS:
        del registry._classes[None, cls.__name__]


def test_it_trains_resumes_and_is_left_out_of_evaluation(project: Project) -> None:
    train(load_config(project.config))
    changes = [f"Global.checkpoints={project.out}/latest", "Global.epoch_num=2"]
    train(load_config(project.config, changes))
    found = evaluate_weights(load_config(project.config, [f"Global.checkpoints={project.out}/latest"]))
    assert found.used == 8
    names = build_task(load_config(project.config), "eval").model.state_dict()
    assert {"head.position_head.embedding.weight", "head.position_head.fc.bias"} <= set(names)


def test_one_codec_reaches_every_part_and_the_alignment(project: Project, tmp_path: Path) -> None:
    task = build_task(load_config(project.config), "train")
    encode = next(t for t in task.train_pipeline.transforms if t.codec is not None)
    codec = task.model.head.auxiliary.codec
    assert type(codec) is PositionCodec and codec.classes == ("start", "end", *"0123456789", "padding")
    assert codec is encode.second.codec is task.loss.label_codecs["label_gtc"]
    assert task.loss.losses["PositionLoss"].scale == 0.5
    (tmp_path / "d.txt").write_text("7\nx\n3\n", encoding="utf-8")
    grown = build_task(load_config(project.config, [f"Global.character_dict_path={tmp_path}/d.txt"]), "eval")
    params = {name: tensor.numpy() for name, tensor in task.model.state_dict().items()}
    load_weights(grown.model, params, old_characters=task.classes, new_characters=grown.classes)
    old, new = (params["head.position_head.fc.bias"], grown.model.head.position_head.fc.bias.numpy())
    np.testing.assert_array_equal(new[[0, 1, 2, 4, 5]], old[[0, 1, 9, 5, 12]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("Architecture.Head.head_list.1={PositionHead: {widht: 3}}", "did you mean width"),
        ("Loss.loss_config_list.1={PositionLoss: {scal: 3}}", "did you mean scale"),
        ("Loss.loss_config_list.1={PositionLos: }", "did you mean PositionLoss"),
        (
            "Train.dataset.transforms.2.MultiLabelEncode.gtc_encode=NRTRLabelEncode",
            "MultiLabelEncode has NRTRCodec for label_gtc, MultiHead PositionCodec",
        ),
    ],
)
def test_mistakes_are_said(project: Project, change: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_task(load_config(project.config, [change]), "train")
