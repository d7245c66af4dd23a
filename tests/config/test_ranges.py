"""Every number a configuration can set has a range where it is declared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest

from ppocr import registry
from ppocr.config.ranges import Range
from ppocr.config.sections import GlobalSection, LoaderSection
from ppocr.config.types import Mismatch, annotation_text, convert

BARE = re.compile(r"\b(int|float)\b(?!, Range)")
# any number makes sense: the signs of hue are left and right on the colour circle, a mean of pixels may be any
FREE = {"ColorJitter.hue", "NormalizeImage.mean", "NormalizeImage.scale"}


def numbers() -> Iterator[tuple[str, str]]:
    """Yield the name and the annotation of every key that is not filled in by the builder."""
    for kind in [r for r in vars(registry).values() if isinstance(r, registry.Registry)]:
        kind.names()
        for cls in {cls for cls in kind._classes.values() if cls.__module__.startswith("ppocr.")}:
            for key, parameter in registry.parameters(cls)[0].items():
                if key not in kind.filled(cls):
                    yield f"{cls.__name__}.{key}", annotation_text(parameter.annotation)
    for section in (GlobalSection, LoaderSection):
        for field in dataclasses.fields(section):
            yield f"{section.__name__}.{field.name}", annotation_text(field.type)


def test_every_number_declares_its_range() -> None:
    found = dict(numbers())
    assert len(found) > 300
    bare = {name for name, annotation in found.items() if BARE.search(annotation)}
    assert bare <= FREE, sorted(bare - FREE)


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        ("Count", 0, "an int of at least 1"),
        ("Positive", 0, "a number above 0"),
        ("Decay", 1.0, "a number of at least 0 and below 1"),
        ("Annotated[int, Range(ge=2, le=4)]", 5, "an int of at least 2 and at most 4"),
        ("Count | None", -1, "an int of at least 1 or null"),
        ("Sequence[Side]", [1, 0], "a list of ints, each at least 1 and at most 65,536"),
        ("tuple[Positive, Positive]", [1, -1], "a list of 2 numbers, each above 0"),
        ("float", float("inf"), "a number, finite"),
        ("int", 10**15, "an int, not a number that large"),
    ],
)
def test_out_of_range_is_said(annotation: str, value: object, said: str) -> None:
    with pytest.raises(Mismatch, match=re.escape(f"expected {said}")):
        convert(value, annotation)


@pytest.mark.parametrize(
    ("annotation", "value"), [("Count", 1), ("Positive", 1e-9), ("Decay", 0), ("Pixels", 2**40), ("float", -1e9)]
)
def test_within_is_accepted(annotation: str, value: object) -> None:
    assert convert(value, annotation) == value


def test_a_range_without_a_bound_is_that_of_any_number() -> None:
    assert Range().holds(0.5) and not Range().holds(1e30) and not Range(gt=0).holds(float("nan"))
