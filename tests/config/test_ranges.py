"""Every number a configuration can set has a range where it is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from pydantic import Field

from ppocr import registry
from ppocr.config.ranges import Count, Decay, Pixels, Positive, Side
from ppocr.config.sections import GlobalSection, LoaderSection
from ppocr.config.types import Mismatch, convert

# any number makes sense: the signs of hue are left and right on the colour circle, a mean of pixels may be any
FREE = {"ColorJitter.hue", "NormalizeImage.mean", "NormalizeImage.scale"}


def numbers() -> Iterator[tuple[str, Any]]:
    """Yield the name and the type of every key that is not filled in by the builder."""
    for kind in [r for r in vars(registry).values() if isinstance(r, registry.Registry)]:
        kind.names()
        for cls in {cls for cls in kind._classes.values() if cls.__module__.startswith("ppocr.")}:
            for key, parameter in registry.parameters(cls)[0].items():
                if key not in kind.filled(cls):
                    yield f"{cls.__name__}.{key}", parameter.annotation
    for section in (GlobalSection, LoaderSection):
        for key, annotation in get_type_hints(section, include_extras=True).items():
            yield f"{section.__name__}.{key}", annotation


def is_bare(annotation: Any) -> bool:
    """Return whether a number inside a type has no range."""
    ranged = get_origin(annotation) is Annotated
    return annotation in (int, float) or not ranged and any(map(is_bare, get_args(annotation)))


def test_every_number_declares_its_range() -> None:
    found = dict(numbers())
    assert len(found) > 300
    bare = {name for name, annotation in found.items() if is_bare(annotation)}
    assert bare <= FREE, sorted(bare - FREE)


def test_every_annotation_says_something() -> None:
    assert not {name for name, annotation in numbers() if annotation is Any}


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (Count, 0, "an int of at least 1"),
        (Positive, 0, "a number above 0"),
        (Decay, 1.0, "a number of at least 0 and below 1"),
        (Annotated[int, Field(ge=2, le=4)], 5, "an int of at least 2 and at most 4"),
        (Count | None, -1, "an int of at least 1 or null"),
        (Sequence[Side], 1, "a list of ints, each at least 1 and at most 65,536"),
        (tuple[Positive, Positive], [1], "a list of 2 numbers, each above 0"),
        (float, float("inf"), "a number, finite"),
        (int, 10**15, "an int, not a number that large"),
    ],
)
def test_out_of_range_is_said(annotation: Any, value: object, said: str) -> None:
    with pytest.raises(Mismatch, match=re.escape(f"expected {said}")):
        convert(value, annotation)


@pytest.mark.parametrize(
    ("annotation", "value"), [(Count, 1), (Positive, 1e-9), (Decay, 0), (Pixels, 2**40), (float, -1e9)]
)
def test_within_is_accepted(annotation: Any, value: object) -> None:
    assert convert(value, annotation) == value


@pytest.mark.parametrize("value", [1e30, float("nan"), -float("inf"), "1e30"])
def test_a_bound_that_is_missing_is_the_widest_sensible(value: object) -> None:
    assert convert(0.5, float) == 0.5
    for annotation in (float, Annotated[float, Field(gt=-(10**9))]):
        with pytest.raises(Mismatch):
            convert(value, annotation)
