"""Log lines, meters and the drawing that must never end a run."""

import logging
import sys

import numpy as np

from ppocr.engine.log import get_logger, log_into, set_up_logging, shown
from ppocr.engine.meters import Meters
from ppocr.engine.visual import VisualLog


def test_lines_go_to_stdout_and_file(tmp_path, capsys):
    set_up_logging()
    log_into(tmp_path)
    get_logger().info("first")
    set_up_logging()  # again, as a second run in one process does: no line twice
    log_into(tmp_path)
    get_logger().info("second")
    lines = (tmp_path / "train.log").read_text(encoding="utf-8").splitlines()
    assert [line.split("ppocr INFO: ")[1] for line in lines] == ["first", "second"]
    assert capsys.readouterr().out.count("second") == 1


def test_lines_are_held_until_there_is_a_file(tmp_path, capsys):
    set_up_logging(hold=True)
    get_logger().info("first")
    get_logger().error("bad")  # not even an error opens it
    assert "first" in capsys.readouterr().out and not list(tmp_path.iterdir())
    log_into(tmp_path)
    get_logger().info("second")
    lines = (tmp_path / "train.log").read_text(encoding="utf-8").splitlines()
    assert [line.split(": ")[1] for line in lines] == ["first", "bad", "second"]
    set_up_logging(hold=True)  # a start that fails: its lines go nowhere
    get_logger().info("third")
    set_up_logging()
    assert "third" not in (tmp_path / "train.log").read_text(encoding="utf-8")


def test_other_ranks_only_report_errors(capsys):
    set_up_logging(rank=1, hold=True)
    get_logger().info("hidden")
    get_logger().error("seen")
    captured = capsys.readouterr()
    assert "hidden" not in captured.out + captured.err and "seen" in captured.err
    logging.getLogger("ppocr").handlers.clear()


def test_shown_is_one_harmless_line():
    assert shown("a\r\n\x00\x1b]0;x\x07") == repr("a\r\n\x00\x1b]0;x\x07")
    assert "\u202e" not in shown("\u202eabc")
    assert shown("日本") == "'日本'"
    assert len(shown("x" * 500)) <= 60


def test_meters_resume():
    first = Meters(3)
    for value in (1, 2, 3, 4):
        first.update(loss=value)
    second = Meters(3)
    second.load(first.state())
    for meters in (first, second):
        meters.update(loss=5)
    assert first["loss"] == second["loss"] == 4


def test_visualdl_missing_or_broken_only_warns(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "visualdl", None)
    log = VisualLog(tmp_path, True)
    log.scalars("train", {"loss": 1.0}, 1)

    class Broken:
        def add_scalar(self, *args):
            raise OSError("disk full")

    log._writer = Broken()
    log.scalars("train", {"loss": 1.0}, 1)
    assert log._writer is None
    log.images("train", np.zeros((1, 3, 4, 4)), 1)
    log.close()
