"""What CI runs fails with style, types or tests, and ends with the test run's own last line."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAST = "12 passed in 3.45s"
MAKE = f"""\
#!/bin/sh
echo "$1" >> "$DONE"
case "$1" in
  lint) exit "$LINT" ;;
  test) echo "{LAST}"; exit "$TEST" ;;
esac
"""


def run_ci(folder: Path, *, lint: int, test: int) -> subprocess.CompletedProcess:
    """Run `.ci/run` with commands that only note their names and return the given codes."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in {"make": MAKE, "apt-get": "#!/bin/sh\n", "ldconfig": "#!/bin/sh\necho libGL.so.1\n"}.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "DONE": str(folder / "done"),
        "LINT": str(lint),
        "TEST": str(test),
    }
    return subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("lint", "test"), [(0, 0), (2, 0), (0, 2), (2, 2)])
def test_style_and_types_are_checked_before_the_tests_and_count(tmp_path: Path, lint: int, test: int) -> None:
    done = run_ci(tmp_path, lint=lint, test=test)
    assert (tmp_path / "done").read_text(encoding="utf-8").split() == ["lint", "test"]
    assert done.stdout.splitlines()[-1] == LAST
    assert (done.returncode == 0) == (lint == test == 0)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_lint_runs_what_the_rules_name() -> None:
    """`make -n` shows the commands."""
    shown = subprocess.run(["make", "-n", "lint"], cwd=ROOT, capture_output=True, text=True, timeout=60).stdout
    assert all(command in shown for command in ("-m ruff format --check .", "-m ruff check .", "-m mypy"))
