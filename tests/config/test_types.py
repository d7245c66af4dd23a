"""Values against annotations, whichever way these are written."""

from __future__ import annotations

import collections
import typing
from collections.abc import Sequence

import pytest

from ppocr.config.types import Mismatch, convert, resolved

NAMES = {**vars(collections), **vars(typing)}  # what a module with the annotations imports


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, "int", 1),
        (1, int, 1),
        (None, "int | None", None),
        (1, "int | None", 1),
        (None, "Optional[int]", None),
        (3, typing.Optional[int], 3),  # noqa: UP007, UP045 - a plug-in may write it so
        ("b", typing.Union[int, str], "b"),  # noqa: UP007
        (1, "float", 1),
        (1.5, "float", 1.5),
        ("3e-5", "float", 3e-5),
        ("3e-5", "float | None", 3e-5),
        ("3e-5", "float | str", "3e-5"),
        (True, "bool", True),
        ("a", "Literal['a', 'b']", "a"),
        ("a", typing.Literal["a", "b"], "a"),
        ([1, 2], "list[int]", [1, 2]),
        ([1, 2], list[int], [1, 2]),
        ([1, 2], "tuple[int, int]", [1, 2]),
        ([1, 2, 3], "tuple[int, ...]", [1, 2, 3]),
        ([1, 2, 3], tuple[int, ...], [1, 2, 3]),
        ([[1, 2], [3]], "list[list[int]]", [[1, 2], [3]]),
        (["1e-3", 2], "list[float]", [1e-3, 2]),
        (["a"], Sequence[str], ["a"]),
        ("a", "str | Sequence[str]", "a"),
        ([], "list", []),
        ({"a": 1}, "dict[str, Any]", {"a": 1}),
        ({"a": 1}, "Mapping", {"a": 1}),
        ([{"a": 1}], "list[dict[str, Any]]", [{"a": 1}]),
        (5, "Any", 5),
        (5, "np.ndarray", 5),
        (5, "not an annotation", 5),
        ([5], "list[Unknown] | None", [5]),
        (2, "'int'", 2),
        (2, "Union[int, 'str']", 2),
        (None, "Union[int, None]", None),
        (5, "Callable[[int], str]", 5),
        ([1], "List[int]", [1]),
        ([1], "typing.Iterable[int]", [1]),
        (["a"], "Collection[str]", ["a"]),
        ([1], "set[int]", [1]),
        ([1], "frozenset[int]", [1]),
        ([1, "a"], "Tuple[int, str]", [1, "a"]),
        ({"a": 1}, "Dict[str, int]", {"a": 1}),
        ({"a": 1}, "OrderedDict", {"a": 1}),
    ],
)
def test_fits(value, annotation, expected):
    found = convert(value, resolved(annotation, NAMES))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation", "said"),
    [
        ("x", "int", "expected an int"),
        (1.5, "int", "expected an int"),
        (True, "int", "expected an int"),
        (True, "float", "expected a number"),
        ("x", "float", "expected a number"),
        ("inf", "float", "expected a number"),
        (1, "bool", "expected true or false"),
        ("true", "bool", "expected true or false"),
        (1, "str", "expected a string"),
        (None, "str", "expected a string"),
        (None, "int", "expected an int"),
        ("x", "int | None", "expected an int or null"),
        ("x", "Optional[float]", "expected a number or null"),
        ("c", "Literal['a', 'b']", "expected 'a' or 'b'"),
        ([1], "tuple[int, int]", "expected a list of 2 ints"),
        (3, "tuple[int, ...]", "expected a list of ints"),
        ("x", "list[float] | float", "expected a list of numbers or a number"),
        (3, "list[list[int]]", "expected a list of a list of ints"),
        (3, "list", "expected a list"),
        ([], "dict[str, int]", "expected a mapping"),
        ([], "dict", "expected a mapping"),
        (["a"], "tuple[str, int]", "expected a list of 2 strings"),
        ("x", "list[bool]", "expected a list of bools"),
        (None, "list[str]", "expected a list of strings"),
        ("x", "Union[int, float]", "expected an int or a number"),
        ([1], "float", "expected a number"),
        *((3, f"{name}[int]", "expected a list of ints") for name in ("List", "Iterable", "Collection", "set")),
        *((3, f"{name}[str, int]", "expected a mapping") for name in ("Mapping", "Dict", "OrderedDict")),
    ],
)
def test_does_not_fit(value, annotation, said):
    with pytest.raises(Mismatch) as caught:
        convert(value, resolved(annotation, NAMES))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("value", "annotation", "place", "said"),
    [
        ([1, "x"], "list[int]", (1,), "expected an int, got a string 'x'"),
        (["x"], "tuple[int, ...] | None", (0,), "expected an int, got a string 'x'"),
        ([1, "x"], "tuple[str, int]", (0,), "expected a string, got an int 1"),
        ([[2], [3, True]], "list[list[int]]", (1, 1), "expected an int, got a bool True"),
        ({"a": 1, "b": "x"}, "dict[str, int]", ("b",), "expected an int, got a string 'x'"),
        ([{"a": [None]}], "list[dict[str, list[str]]]", (0, "a", 0), "expected a string, got null None"),
        ([1, [1]], "list[int | str]", (1,), "expected an int or a string, got a list [1]"),
        (["x"], "list[int] | int", (), "expected a list of ints or an int, got a list ['x']"),
        ([1, 2], "tuple[int, int, int]", (), "expected a list of 3 ints, got a list [1, 2]"),
    ],
)
def test_the_element_that_does_not_fit_is_named(value, annotation, place, said):
    with pytest.raises(Mismatch) as caught:
        convert(value, resolved(annotation, NAMES))
    assert (caught.value.place, caught.value.with_value) == (place, said)


def test_the_nearest_choice_is_suggested():
    with pytest.raises(Mismatch) as caught:
        convert("ltt", typing.Literal["ltr", "visual"] | None)
    assert caught.value.with_value == "expected 'ltr' or 'visual' or null, got a string 'ltt', did you mean ltr?"


def test_override_of_a_text_keeps_what_was_written():
    assert convert(7, str, "007") == "007"
    assert convert(True, str | None, "yes") == "yes"
    assert convert(None, str | None, "null") is None
    assert convert(7, int | str, "007") == 7
    with pytest.raises(Mismatch):
        convert([1], str, "[1]")
    with pytest.raises(Mismatch):
        convert(None, str, "null")
