"""How the tests are shared out among processes (`pytest -n`)."""

from __future__ import annotations

import os

import pytest

# The processes share the cores; set before Paddle loads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.setdefault("PPOCR_THREADS", "1")

# Those that take minutes begin first, so that no process ends long after the others.
LONGEST = ("tests/system/test_real_pages.py", "tests/pretrained/test_official.py", "tests/system/test_every_config.py")
SINGLY = ("tests/system/test_every_config.py", "tests/modeling/test_multi_networks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, and keep the tests of a file, or of one of its parameters, in one process."""

    def rank(item: pytest.Item) -> int:
        path = item.nodeid.partition("::")[0]
        return LONGEST.index(path) if path in LONGEST else len(LONGEST)

    items.sort(key=rank)
    for item in items:
        path = item.nodeid.partition("::")[0]
        callspec = getattr(item, "callspec", None)
        if path not in SINGLY:
            shared = callspec.id if callspec and path == LONGEST[1] else ""
            item.add_marker(pytest.mark.xdist_group(f"{path}{shared}"))
