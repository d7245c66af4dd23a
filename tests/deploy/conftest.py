"""An interpreter with paddle2onnx, which needs an older onnx than we do."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from ppocr.deploy.onnx import PYTHON

PACKAGES = ("paddle2onnx==2.1.0", "onnx==1.17.0", "onnxoptimizer==0.3.13", "polygraphy")


@pytest.fixture(scope="session")
def paddle2onnx_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The one that PPOCR_PADDLE2ONNX_PYTHON names, or one made here; it shares our PaddlePaddle."""
    if named := os.environ.get(PYTHON):
        return named
    folder = tmp_path_factory.mktemp("paddle2onnx")
    venv.create(folder, with_pip=False)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(own), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"paddle2onnx cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    shared = dict.fromkeys(path for path in sys.path if path.endswith("site-packages"))
    (own / "shared.pth").write_text("\n".join(shared) + "\n", encoding="utf-8")
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
