"""Building a task logs what is odd about its dictionary."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ppocr.build import build_task
from ppocr.config.loader import load_config
from tests.system.project import make_project


@pytest.mark.parametrize(("mode", "times"), [("train", 1), ("eval", 1), ("infer", 0)])
def test_oddities_of_the_dictionary_are_logged_once(mode: str, times: int, tmp_path: Path, monkeypatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(logging.getLogger("ppocr"), "warning", lines.append)
    project = make_project(tmp_path / "p", lines=4)
    with (project.folder / "dict.txt").open("a", encoding="utf-8") as file:
        file.write("ab\n1\n")
    build_task(load_config(project.config, []), mode)
    for said in ("1 doubled entries; the last of each is used", "1 entries longer than one character"):
        assert sum(said in line for line in lines) == times
