"""How the tests are shared out among processes (`pytest -n`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.environments import Environments
    from tests.system.project import Project

# The processes share the cores; set before Paddle loads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.setdefault("PPOCR_THREADS", "1")

OFFICIAL = "tests/pretrained/test_official.py"
EVERY_CONFIG = "tests/system/test_every_config.py"
LONGEST = ("tests/system/test_real_pages.py", OFFICIAL, EVERY_CONFIG)
SINGLY = (EVERY_CONFIG, "tests/modeling/test_multi_networks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take minutes, so that no process ends long after the others.

    The tests of a file stay in one process, which makes its fixtures once; those of official weights go by their model,
    and those of SINGLY one by one.
    """
    files = {item: item.nodeid.partition("::")[0] for item in items}
    items.sort(key=lambda item: LONGEST.index(files[item]) if files[item] in LONGEST else len(LONGEST))
    for item, file in files.items():
        if file not in SINGLY:
            callspec = getattr(item, "callspec", None)
            model = callspec.id if callspec and file == OFFICIAL else ""
            item.add_marker(pytest.mark.xdist_group(f"{file}{model}"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one epoch trained, to make mistakes in (`tests.mistakes`)."""
    from ppocr import cli
    from tests.mistakes import train
    from tests.system.project import make_project

    project = make_project(tmp_path_factory.mktemp("trained") / "project")
    assert cli.main(train, "", ["-c", str(project.config)]) == 0
    return project


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """Makes the environments of other programs."""
    from tests.environments import Environments

    found = Environments(tmp_path_factory.mktemp("environments"))
    yield found
    found.remove()


@pytest.fixture(scope="session")
def paddle2onnx_python(environments: Environments) -> str:
    """The interpreter PPOCR_PADDLE2ONNX_PYTHON names, or one made here: paddle2onnx needs an older onnx than we do."""
    packages = ["paddle2onnx==2.1.0", "onnx==1.17.0", "onnxoptimizer==0.3.13", "polygraphy"]
    named = os.environ.get("PPOCR_PADDLE2ONNX_PYTHON")
    return named or str(environments.python("paddle2onnx", packages, shared=True, alone=True))
