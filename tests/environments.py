"""Virtual environments of other programs, which need other packages than we do; they are spoken to through files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "PPOCR_TEST_ENVIRONMENTS"  # a folder to keep them in between runs; otherwise they go with the run
PACKAGES = "packages.txt"  # what an environment was made of; written when it is complete
SECONDS = 900


class Environments:
    """Makes environments when they are first asked for, and removes them at the end unless they are to be kept.

    Args:
        folder: of those that are not kept.
    """

    def __init__(self, folder: Path) -> None:
        self.kept = os.environ.get(VARIABLE)
        self.folder = Path(self.kept) if self.kept else folder

    def python(self, name: str, packages: Sequence[str], *, shared: bool = False, alone: bool = False) -> Path:
        """Return the interpreter of an environment; the test is skipped where pip cannot get a package.

        Args:
            name: of the program.
            packages: requirements, or paths of wheels.
            shared: after its own packages it finds those of this interpreter, PaddlePaddle among them.
            alone: install the packages without what they require.
        """
        folder = self.folder / name
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        made_of = "\n".join([*packages, str(shared), str(alone), sys.version])
        if (folder / PACKAGES).is_file() and (folder / PACKAGES).read_text(encoding="utf-8") == made_of:
            return python
        venv.create(folder, with_pip=False, clear=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--no-warn-script-location",
        ]
        command += [*(["--no-deps"] if alone else []), *packages]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode:
            pytest.skip(f"{name} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
        if shared:
            paths = dict.fromkeys(path for path in sys.path if path.endswith("site-packages"))
            (site_packages(python) / "shared.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
        (folder / PACKAGES).write_text(made_of, encoding="utf-8")
        return python

    def remove(self) -> None:
        """Remove the environments unless they are to be kept: some have a gigabyte."""
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def site_packages(python: Path) -> Path:
    """Return where the packages of an environment are."""
    base = str(python.parents[1])
    return Path(sysconfig.get_path("purelib", vars={"base": base, "platbase": base}))


def ask(python: Path, script: Path, folder: Path, **request: Any) -> Mapping[str, Any]:
    """Return what a program answers.

    Args:
        python: of its environment.
        script: runs it: reads the file of its first argument, JSON, and writes that of its second.
        folder: for these files.
        request: paths and settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked, answer = folder / f"{script.stem}.request.json", folder / f"{script.stem}.answer.json"
    asked.write_text(json.dumps(request, default=str), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(python), str(script), str(asked), str(answer)],
        capture_output=True,
        text=True,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        cwd=folder,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(answer.read_text(encoding="utf-8"))
