"""Evaluation: counts, characters outside the dictionary, examples, and what it leaves unchanged."""

from types import SimpleNamespace

import paddle
import pytest

from ppocr.data.problems import SampleProblem
from ppocr.engine.evaluator import evaluate, report
from ppocr.errors import DataError
from ppocr.task import Task
from tests.engine.parts import Accuracy, ListLoader, Net, PostProcess


class Broken(ListLoader):
    """Leaves the first image of each batch out, as a loader does with one it cannot read."""

    def epoch(self, epoch, start_step=0):
        for batch in super().epoch(epoch, start_step):
            left = {k: v[1:] for k, v in batch.items() if k != "problems"}
            yield {**left, "problems": [SampleProblem("missing_file", "list.txt:1", "")]}


def make():
    paddle.seed(1)
    return Task(Net(), PostProcess(), metric=Accuracy())


def test_counts_add_up():
    found = evaluate(make(), Broken(9, 3, train=False))
    assert (found.total, found.used, found.skipped) == (9, 6, {"missing_file": 3})
    assert len(found.examples) == 3
    assert found.main == found.metrics["acc"]
    assert found.to_dict()["used"] == 6


def test_batches_left_empty_are_passed_over():
    assert evaluate(make(), Broken(5, 2, train=False)).used == 2


def test_nothing_to_measure_is_an_error():
    with pytest.raises(DataError, match="no image to evaluate.*missing_file: 2"):
        evaluate(make(), Broken(2, 1, train=False))


@pytest.mark.parametrize("training", [True, False])
def test_mode_of_the_network_comes_back(training):
    task = make()
    task.model.train() if training else task.model.eval()
    evaluate(task, ListLoader(4, 2, train=False))
    assert task.model.training is training


def test_mode_comes_back_after_a_failure():
    task = make()
    task.model.train()
    task.forward = lambda batch: 1 / 0
    with pytest.raises(ZeroDivisionError):
        evaluate(task, ListLoader(4, 2, train=False))
    assert task.model.training


def test_characters_outside_the_dictionary_are_counted(caplog):
    task = make()
    task.postprocess.codec = SimpleNamespace(unknown=lambda text: "".join(c for c in text if c == "3"))
    found = evaluate(task, ListLoader(9, 2, train=False))
    assert found.unknown == {"3": 2}


def test_labels_cannot_forge_log_lines(caplog, monkeypatch):
    from ppocr.engine.log import get_logger

    monkeypatch.setattr(get_logger(), "propagate", True)
    found = evaluate(make(), ListLoader(4, 2, train=False))
    found.examples = [("a\n[2026] ppocr INFO: acc 1\x1b[31m\u202e", "b", 0.5)]
    with caplog.at_level("INFO", "ppocr"):
        report(found)
    text = caplog.messages[-1]
    assert "\n" not in text and "\x1b" not in text and "\u202e" not in text
