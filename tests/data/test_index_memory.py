from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs Linux's memory figures")
def test_a_million_lines_cost_next_to_no_anonymous_memory() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "index_memory.py"), "--lines", "1000000", "--workers", "2"]
    done = subprocess.run([*command, "--batches", "50"], capture_output=True, text=True, check=True)
    figure = float(done.stdout.splitlines()[-2].split()[0])
    assert figure < 60, done.stdout
