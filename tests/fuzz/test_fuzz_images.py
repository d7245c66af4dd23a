"""A fixed share of the damaged images and hostile labels, and proof that the fuzzer sees what it is for."""

from __future__ import annotations

import pytest

from ppocr.utils import image_io
from tests.fuzz import fuzz_images as fuzz
from tests.fuzz.outcomes import Case, Outcome, classify, run_apart


def test_damaged_images_and_labels_are_refused_or_harmless() -> None:
    found = {case.name: finding for case, finding in run_apart(fuzz.check, fuzz.cases(48, seed=9), 30, fuzz.MEMORY)}
    assert not {name: finding for name, finding in found.items() if not finding.outcome.good}
    assert {finding.outcome for finding in found.values()} == {Outcome.RAN, Outcome.REFUSED}


def test_the_same_seed_makes_the_same_cases() -> None:
    assert list(fuzz.cases(40, seed=1)) == list(fuzz.cases(40, seed=1)) != list(fuzz.cases(40, seed=2))


@pytest.mark.parametrize("kind", sorted(fuzz.originals()))
def test_sound_images_are_read(kind: str) -> None:
    outcome = classify(lambda: fuzz.check(Case("", ("image", fuzz.originals()[kind], 1)))).outcome
    assert outcome is (Outcome.REFUSED if kind in ("avif", "exr", "dds", "TIFF F ") else Outcome.RAN)


def test_an_image_read_unlike_it_was_measured_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "image_size", lambda data: (5, 5))
    assert classify(lambda: fuzz.check(Case("", ("image", fuzz.originals()["png"], 1)))).outcome is Outcome.WRONG


def test_memory_beyond_the_cap_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_io, "check_size", lambda size, cap: None)
    wide = fuzz.originals()["pgm"].replace(b"57 62", b"20000 20000", 1) + bytes(20000 * 20000)
    found = classify(lambda: image_io.decode_image(wide), memory=fuzz.MEMORY)
    assert found.outcome is Outcome.MEMORY, found
