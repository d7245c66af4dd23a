"""Device, threads, precision and seeds."""

from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from ppocr.config.loader import load_config
from ppocr.config.sections import GlobalSection
from ppocr.engine import device
from ppocr.engine.amp import MixedPrecision, takes_effect
from ppocr.engine.rng import choose_seed, seed_step
from ppocr.errors import ConfigError, PpocrError

NO_GPU = not paddle.device.is_compiled_with_cuda()


@pytest.mark.skipif(not NO_GPU, reason="this build has GPUs")
def test_gpu_on_a_cpu_build_gives_a_hint():
    with pytest.raises(ConfigError) as error:
        device.choose_device(SimpleNamespace(use_gpu=True), "cfg.yml:2")
    text = str(error.value)
    assert text.startswith("cfg.yml:2: Global.use_gpu: ") and "CPU build" in text
    assert "-o Global.use_gpu=false" in text and error.value.exit_code == 2


def test_other_devices_that_are_not_there():
    for key in ("use_xpu", "use_npu", "use_mlu", "use_gcu"):
        with pytest.raises(ConfigError, match=key):
            device.choose_device(SimpleNamespace(**{key: True}))


def test_cpu(monkeypatch):
    assert device.choose_device(SimpleNamespace(use_gpu=False)) == "cpu"
    assert "cpu" in device.describe("cpu", 2)
    assert device.memory_megabytes().get("rss", 1) > 0


@pytest.mark.parametrize(
    ("cores", "ranks", "workers", "threads"), [(2, 1, 4, 2), (2, 2, 0, 1), (1, 4, 0, 1), (16, 2, 8, 6), (8, 1, 1, 7)]
)
def test_threads_share_the_cores(monkeypatch, cores, ranks, workers, threads):
    chosen = []
    monkeypatch.delenv("PPOCR_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(device, "physical_cores", lambda: cores)
    monkeypatch.setattr(device, "core", SimpleNamespace(set_num_threads=chosen.append))
    assert device.choose_threads(ranks, workers) == threads == chosen[0]
    monkeypatch.setenv("PPOCR_THREADS", "3")
    assert device.choose_threads(ranks, workers) == 3


def test_precision_off_or_without_effect_says_so(caplog, monkeypatch):
    from ppocr.engine.log import get_logger

    monkeypatch.setattr(get_logger(), "propagate", True)
    off = MixedPrecision(GlobalSection())
    assert not off.enabled and off.scale is None and off.state() == {}
    off.check_scale()
    with caplog.at_level("WARNING", "ppocr"):
        asked = MixedPrecision(GlobalSection(use_amp=True, amp_dtype="bfloat16"))
    assert asked.enabled == takes_effect("bfloat16")
    assert asked.enabled or "no effect" in caplog.text


@pytest.mark.parametrize(("key", "value"), [("amp_level", "O3"), ("amp_dtype", "float8")])
def test_unknown_precisions_are_refused(key, value):
    with pytest.raises(PpocrError, match=key):
        load_config("configs/rec/rec_mv3_none_bilstm_ctc.yml", [f"Global.{key}={value}"])


def test_scale_below_the_floor_ends_the_run(monkeypatch):
    precision = MixedPrecision(GlobalSection())
    precision.dynamic = True
    monkeypatch.setattr(precision.scaler, "state_dict", lambda: {"scale": 1e-6})
    with pytest.raises(PpocrError, match="loss scale fell"):
        precision.check_scale()


def test_numbers_depend_on_seed_step_and_rank_only():
    def draw(*args):
        seed_step(*args)
        return [np.random.rand(), *paddle.rand([2]).tolist()]

    assert draw(1, 5, 0) == draw(1, 5, 0)
    drawn = [tuple(draw(*args)) for args in ((1, 5, 0), (1, 6, 0), (2, 5, 0), (1, 5, 1))]
    assert len(set(drawn)) == 4
    assert choose_seed(7) == 7 and choose_seed(None) >= 0
