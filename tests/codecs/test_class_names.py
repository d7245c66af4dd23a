"""Names of classes and their indices, both ways, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.codecs.class_names import ClassNames
from ppocr.errors import ConfigError, SampleError


def test_round_trip() -> None:
    names = ClassNames(["0", "180", "upside down"])
    assert [names.encode(name) for name in names.classes] == [0, 1, 2]
    assert names.num_outputs == 3
    assert names.decode(np.array([2, 0]), np.array([0.5, 1])) == [("upside down", 0.5), ("0", 1.0)]


@pytest.mark.parametrize("label", ["90", "", 0, ["0"], None])
def test_labels_that_are_no_class_are_a_problem_of_the_sample(label: object) -> None:
    with pytest.raises(SampleError, match="is none of 0, 180") as caught:
        ClassNames(["0", "180"]).encode(label)
    assert caught.value.reason == "unknown_label"


def test_lists_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ConfigError, match="label_list is empty"):
        ClassNames([])
    with pytest.raises(ConfigError, match="names 'b' twice: a, b, b"):
        ClassNames(["a", "b", "b"])
