"""What cannot be exported or does not go together at export is reported in one line with a hint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import paddle
import pytest

from ppocr.modeling.backbones.plain_conv_net import PlainConvNet
from ppocr.registry import BACKBONES
from tests.deploy.parts import with_other_weights
from tests.mistakes import BEST, Mistake, edit, export, reported_in_one_line
from tests.system.project import Project


class WritesInPlace(PlainConvNet):
    """Ends in an operator that the table of the old IR has no entry for."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = super().forward(x)
        return y.index_put_((paddle.zeros([1], dtype="int64"),), paddle.zeros([1]))


class CallsTheCore(PlainConvNet):
    """Calls a function of Paddle's core that is in no list of Paddle's."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return paddle._C_ops.relu6(super().forward(x))


class Untraceable(PlainConvNet):
    """Raises what only happens while a program is traced."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not paddle.in_dynamic_mode():
            raise KeyError("a name of mine")
        return super().forward(x)


PLUGGED_IN = (WritesInPlace, CallsTheCore, Untraceable)


@pytest.fixture(scope="module", autouse=True)
def plugged_in() -> Iterator[None]:
    """Make the backbones above known to configurations."""
    for cls in PLUGGED_IN:
        BACKBONES.register(scope="rec")(cls)
    yield
    for cls in PLUGGED_IN:
        del BACKBONES._classes[("rec", cls.__name__)]


def sar_alone(project: Project) -> Path:
    """Change the project's network to SAR on its own, and leave `KeepKeys` as it is."""
    text = project.config.read_text(encoding="utf-8").replace("CTCLabel", "SARLabel").replace("CTCLoss", "SARLoss")
    project.config.write_text(text, encoding="utf-8")
    return edit(r"\{name: CTCHead, fc_decay: 0.0\}", "{name: SARHead, enc_dim: 8, d_k: 8}")(project)


def export_another_network(cfg) -> None:
    """Export with one weight changed on the way."""
    with mock.patch("ppocr.deploy.export.fuse", with_other_weights):
        export(cfg)


MISTAKES = [
    Mistake(
        "what is exported is not what was trained",
        export_another_network,
        ("the exported model differs from the trained one: ctc by", "nothing was exported", "try the other IR"),
        (BEST,),
    ),
    Mistake(
        "an operator without an entry for the old IR",
        export,
        ("old IR", "index_put_", "has no entry", "-o Global.export_ir=new"),
        (BEST, "Global.export_ir=old"),
        prepare=edit("name: PlainConvNet", "name: WritesInPlace"),
    ),
    Mistake(
        "a function of the core that is not known to exist",
        export,
        ("old IR", "relu6", "has no entry", "-o Global.export_ir=new"),
        (BEST, "Global.export_ir=old"),
        prepare=edit("name: PlainConvNet", "name: CallsTheCore"),
    ),
    Mistake(
        "a network that fails when it is traced",
        export,
        ("cannot be exported with input [-1, 3, 32, -1]", "a name of mine"),
        (BEST,),
        prepare=edit("name: PlainConvNet", "name: Untraceable"),
    ),
    Mistake(
        "SAR without the share of the width that is not padding",
        export,
        ("SARHead needs 'valid_ratio'", "add valid_ratio to KeepKeys.keep_keys"),
        (BEST, "Architecture.Neck=null"),
        prepare=sar_alone,
        code=2,
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_mistake_is_reported_in_one_line(
    mistake: Mistake, trained: Project, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAGS_enable_pir_api", "1")  # the command sets it, for its own process
    project = reported_in_one_line(mistake, trained, tmp_path, capfd, monkeypatch)
    assert not list(project.out.glob("inference/*"))
