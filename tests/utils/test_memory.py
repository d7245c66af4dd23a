"""Freed blocks of an image's size stay with the process where the C library can be told so."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource
import sys
import numpy as np
from ppocr.utils.memory import keep_freed_memory
keep_freed_memory() or sys.exit(3)
for turn in range(40):
    if turn == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones((640, 640), np.float32) for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings are tried on Linux only")
def test_blocks_are_reused() -> None:
    done = subprocess.run([sys.executable, "-c", COUNT_FAULTS], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip("this C library has no mallopt")
    assert int(done.stdout) < 20 * 400  # 80 blocks of 400 pages each would be 32,000
