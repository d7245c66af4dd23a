"""How much memory may still be taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.utils import memory


def test_free_memory_is_the_least_of_machine_container_and_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   4 kB\n")
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1500\n")
    (tmp_path / "memory.stat").write_text("anon 1000\nfile 500\nkernel 3\n")
    machine = memory._of_machine(str(tmp_path / "meminfo"))
    container = memory._of_container(str(tmp_path))
    assert (machine, container) == (4096, 2000)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._of_container(str(tmp_path)) is None
    assert memory._of_machine(str(tmp_path / "none")) is None
    monkeypatch.setattr(memory, "_SOURCES", (lambda: 4096, lambda: None, lambda: 2000))
    assert memory.available_bytes() == 2000
    monkeypatch.setattr(memory, "_SOURCES", (lambda: None,))
    assert memory.available_bytes() is None
