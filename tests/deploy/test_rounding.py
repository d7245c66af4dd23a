"""A sound export is not refused for what float32 rounds, and a wrong one is, however large the outputs are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from ppocr.build import build_task
from ppocr.config.loader import load_config
from ppocr.deploy import export as export_module
from ppocr.deploy.export import LARGEST_DIFFERENCE, export
from ppocr.deploy.rounding import RUNS, is_rounding
from ppocr.errors import PpocrError
from tests.deploy.parts import with_other_weights
from tests.deploy.test_export_fused import DETECTOR, give_statistics

OPTIONS = ["Global.use_gpu=false", "Global.infer_img=null", "Architecture.Backbone.scale=0.35"]
LARGE, HUGE = 1e4, 1e6


def detector(scale: float) -> tuple[Any, Any]:
    """Return the task and configuration of a detector whose logits are of the order of `scale`, around 0."""
    paddle.seed(3)
    cfg = load_config(DETECTOR, OPTIONS)
    task = build_task(cfg, "infer")
    give_statistics(task.model)
    task.model.eval()
    last = [p for p in task.model.head.binarize.parameters() if p.shape in ([1], [1, 1])][-1]
    weight = next(p for p in reversed(task.model.head.binarize.parameters()) if p.ndim == 4)
    with paddle.no_grad():
        x = paddle.to_tensor(np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 128)).astype(np.float32))
        logits = task.model(x, {})["logits"]
        factor = scale / float(logits.std())
        last.set_value((last - logits.mean()) * factor)
        weight.set_value(weight * factor)
        found = task.model(x, {})["logits"]
    assert abs(float(found.mean())) < 0.1 * scale < float(found.std())
    return task, cfg


@pytest.mark.parametrize(("ir", "scale"), [("new", LARGE), ("old", LARGE), ("old", HUGE)])
def test_a_barely_trained_detector_is_exported(ir: str, scale: float, tmp_path: Path) -> None:
    task, cfg = detector(scale)
    difference = export(task, cfg, tmp_path, ir)
    # of a million hardly a pixel is near enough to 0 for its probability to move
    assert scale == HUGE or difference > LARGEST_DIFFERENCE, "the case is not one: a fixed bound would do"
    assert (tmp_path / "inference.pdiparams").is_file()


@pytest.mark.parametrize("scale", [4.0, HUGE])
def test_one_changed_weight_is_refused(scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, cfg = detector(scale)
    monkeypatch.setattr(export_module, "fuse", with_other_weights)
    with pytest.raises(PpocrError, match="differs from the trained one"):
        export(task, cfg, tmp_path)
    assert list(tmp_path.iterdir()) == []


def arrays(**values: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.float32) for name, value in values.items()}


EXPECTED = arrays(maps=[0.0, 0.5, 1.0], logits=[-1e6, 0.0, 1e6])
NOISY = [arrays(maps=[0.0, 0.6, 1.0], logits=[-1e6 + 1, 0.4, 1e6 - 1])] * RUNS


@pytest.mark.parametrize(
    ("found", "sound"),
    [
        (EXPECTED, True),
        (arrays(maps=[0.0, 0.6, 1.0], logits=[-1e6 - 2, 0.4, 1e6]), True),
        (arrays(maps=[0.0, 0.5, 1.0], logits=[-1e6 - 50, 0.0, 1e6]), False),  # more than the noise does
        (arrays(maps=[0.9, 0.5, 1.0], logits=[-1e6, 0.0, 1e6]), False),  # another sigmoid
        (arrays(maps=[0.0, float("nan"), 1.0], logits=[-1e6, 0.0, 1e6]), False),
        (arrays(maps=[0.0, 0.5], logits=[-1e6, 0.0]), False),
    ],
)
def test_what_counts_as_rounding(found: dict, sound: bool) -> None:
    assert is_rounding(EXPECTED, found, NOISY, ("logits",)) is sound


def test_noise_explains_no_more_than_a_thousandth() -> None:
    wild = [arrays(maps=[1.0, 0.5, 0.0], logits=[1e6, 0.0, -1e6])] * RUNS
    found = arrays(maps=[0.0, 0.5, 1.0], logits=[-1e6 + 2000, 0.0, 1e6])
    assert not is_rounding(EXPECTED, found, wild, ("logits",))


def test_outputs_without_logits_may_move_by_a_hundredth_at_most() -> None:
    wanted, wild = arrays(cls=[0.5, 0.5]), [arrays(cls=[1.0, 0.0])] * RUNS
    assert is_rounding(wanted, arrays(cls=[0.509, 0.491]), wild)
    assert not is_rounding(wanted, arrays(cls=[0.52, 0.48]), wild)
