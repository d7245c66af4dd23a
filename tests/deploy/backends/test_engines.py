"""OpenVINO and ONNX Runtime: equal outputs, from several threads, without paddle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ppocr.deploy.backends.base import FileBackend, RuntimeOptions
from ppocr.deploy.backends.onnx_runtime import OnnxBackend
from ppocr.deploy.backends.openvino_backend import OpenVinoBackend
from ppocr.errors import CheckpointError, PpocrError
from tests.deploy.onnx_models import CLASSES, save_det, save_rec

ENGINES: dict[str, Callable[..., FileBackend]] = {"openvino": OpenVinoBackend, "onnxruntime": OnnxBackend}
engines = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of each test's own."""
    monkeypatch.setenv("PPOCR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(engine: str, path: Path, outputs: tuple[str, ...] | None = None, threads: int | None = 1) -> FileBackend:
    pytest.importorskip(engine)
    return ENGINES[engine](path, outputs, RuntimeOptions(cpu_threads=threads))


def lines(batch: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (batch, 3, 32, width)).astype(np.float32)


def test_engines_give_equal_outputs(tmp_path):
    path = save_rec(tmp_path / "rec.onnx")
    inputs = {"x": lines(2, 100)}
    found = [make(engine, path).run(inputs)["ctc"] for engine in ENGINES]
    assert found[0].shape == (2, 25, CLASSES) and found[0].dtype == np.float32
    assert np.allclose(found[0], found[1], atol=1e-5)


@engines
def test_outputs_take_the_names_given(tmp_path, engine):
    found = make(engine, save_rec(tmp_path / "rec.onnx"), ("text",)).run({"x": lines(1, 40)})
    assert list(found) == ["text"]


@engines
def test_an_output_stays_when_the_backend_runs_again(tmp_path, engine):
    backend = make(engine, save_rec(tmp_path / "rec.onnx"))
    first = backend.run({"x": lines(1, 40)})["ctc"]
    before = first.copy()
    backend.run({"x": lines(1, 40, seed=1)})
    assert np.array_equal(first, before)


@engines
def test_threads_run_one_backend_at_once(tmp_path, engine):
    backend = make(engine, save_rec(tmp_path / "rec.onnx"))
    inputs = [{"x": lines(1 + i % 3, 40 + 4 * i, seed=i)} for i in range(40)]
    expected = [backend.run(one)["ctc"] for one in inputs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: backend.run(one)["ctc"], inputs * 3))
    assert all(np.array_equal(f, e) for f, e in zip(found, expected * 3))


@engines
def test_a_model_reads_from_views_that_are_not_contiguous(tmp_path, engine):
    backend = make(engine, save_rec(tmp_path / "rec.onnx"))
    image = lines(1, 80)
    assert np.array_equal(backend.run({"x": image[..., ::2]})["ctc"], backend.run({"x": image[..., ::2].copy()})["ctc"])


@engines
def test_files_that_cannot_be_read(tmp_path, engine):
    with pytest.raises(CheckpointError, match="no such file"):
        make(engine, tmp_path / "none.onnx")
    whole = save_rec(tmp_path / "rec.onnx").read_bytes()
    for content in (b"bad", b"", whole[: len(whole) // 2]):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(CheckpointError, match="cannot load it: .") as caught:
            make(engine, tmp_path / "bad.onnx")
        assert "\n" not in str(caught.value)


@engines
def test_inputs_that_do_not_fit_are_one_line(tmp_path, engine):
    backend = make(engine, save_rec(tmp_path / "rec.onnx"))
    with pytest.raises(PpocrError, match="input x is not given"):
        backend.run({})
    with pytest.raises(PpocrError, match=r"fails on inputs \{'x': \[1, 3, 40, 40\]\}") as caught:
        backend.run({"x": np.zeros((1, 3, 40, 40), np.float32)})
    assert "\n" not in str(caught.value)
    assert backend.run({"x": lines(1, 40)})  # and runs on


def test_openvino_keeps_what_it_compiled(tmp_path, cache):
    path = save_det(tmp_path / "det.onnx")
    make("openvino", path)
    assert list((cache / "openvino").iterdir())


def test_openvino_runs_where_no_cache_can_be(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PPOCR_CACHE", str(tmp_path / "file"))
    assert make("openvino", save_rec(tmp_path / "rec.onnx")).run({"x": lines(1, 40)})


def test_a_gpu_that_is_not_there_is_refused(tmp_path):
    path = save_rec(tmp_path / "rec.onnx")
    with pytest.raises(PpocrError, match="OpenVINO runs on the CPU"):
        OpenVinoBackend(path, options=RuntimeOptions(use_gpu=True))
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(PpocrError, match="no CUDA"):
            OnnxBackend(path, options=RuntimeOptions(use_gpu=True))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "auto"])
def test_no_paddle_is_imported(tmp_path, backend):
    path = save_rec(tmp_path / "rec.onnx")
    code = (
        "import sys, numpy as np\n"
        "from ppocr.deploy.backends.base import RuntimeOptions\n"
        "from ppocr.deploy.predictor import Predictor\n"
        f"predictor = Predictor.from_folder({str(path)!r}, RuntimeOptions(backend={backend!r}))\n"
        "assert predictor.predict([np.full((32, 90, 3), 200, np.uint8)])[0].result\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'paddle']\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's stack_t")
@engines
def test_signals_keep_the_stack_they_had(tmp_path, engine):
    """OpenVINO's own is too small once AMX registers are in use: SIGTERM ended the process by SIGSEGV."""
    pytest.importorskip(engine)
    path = save_rec(tmp_path / "rec.onnx")
    code = (
        "import ctypes, numpy as np\n"
        "from tests.deploy.backends.test_engines import ENGINES, RuntimeOptions\n"
        "def stack():\n"
        "    fields = (ctypes.c_size_t * 3)()\n"
        "    ctypes.CDLL(None).sigaltstack(None, fields)\n"
        "    return list(fields)\n"
        "before = stack()\n"
        f"backend = ENGINES[{engine!r}]({str(path)!r})\n"
        "backend.run({'x': np.zeros((1, 3, 32, 100), np.float32)})\n"
        "assert stack() == before, (before, stack())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


@engines
def test_streams_give_the_outputs_of_one(tmp_path, engine):
    path = save_rec(tmp_path / "rec.onnx")
    pytest.importorskip(engine)
    backend = ENGINES[engine](path, None, RuntimeOptions(cpu_threads=2, streams=2, cached_kernels=100))
    assert backend.streams == 2
    images = [lines(1, 32 * width, width) for width in range(1, 6)] * 4
    expected = [make(engine, path).run({"x": image})["ctc"] for image in images]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda image: backend.run({"x": image})["ctc"], images))
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(found, expected))
