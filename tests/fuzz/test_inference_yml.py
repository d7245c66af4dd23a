"""A fixed share of the damaged `inference.yml`, and those that once ended in a traceback."""

from __future__ import annotations

import pytest

from tests.fuzz import fuzz_inference_yml as fuzz
from tests.fuzz.outcomes import Case, Outcome, classify

DECODE = "DecodeImage:\n      img_mode: BGR\n      channel_first: false"


def test_damaged_files_are_refused_or_harmless() -> None:
    found = {case.name: classify(lambda case=case: fuzz.check(case)) for case in fuzz.cases(60, seed=20)}
    assert not {name: finding for name, finding in found.items() if not finding.outcome.good}
    assert {finding.outcome for finding in found.values()} == {Outcome.RAN, Outcome.REFUSED}, (
        "nothing ran, or nothing was refused"
    )


def test_the_same_seed_makes_the_same_cases() -> None:
    assert list(fuzz.cases(20, seed=1)) == list(fuzz.cases(20, seed=1)) != list(fuzz.cases(20, seed=2))


@pytest.mark.parametrize(
    ("kind", "old", "new", "says"),
    [
        ("rec", "  model_name: exported", "- 1", "Global: expected a section, got a list"),
        ("rec", "  - a\n", "  - !!int ''\n", "character_dict.10: '' cannot be read as int"),
        ("rec", "  - a\n", "  - 12\n", "character_dict.10: an int is not text"),
        ("rec", "use_space_char: true", "use_space_char: !!float ''", "'' cannot be read as float"),
        ("rec", "    img_mode: BGR\n", "", ""),
        ("rec", DECODE, "DecodeImage: 1", "DecodeImage: expected the transform's keys, got an int"),
        ("rec", "      - 100\n", "      - .nan\n", "image_shape.2: expected an int of at least -1"),
        ("rec", "      - 100\n", "      - 1000000000000\n", "image_shape.2: expected an int of at least -1 and"),
        ("rec", "      - 100\n", "      - 100000000\n", "image_shape.2: expected an int of at least -1"),
        ("rec", "      - 3\n", "      - 2\n", "1 or 3 channels"),
        ("rec", "    - -1\n", "    - .inf\n", "Model.inputs.0.shape.0: expected -1 or an int of at least 1, finite"),
        ("rec", "dtype: float32", "dtype: object", "Model.inputs.0.dtype: expected 'float32', 'float16'"),
        ("rec", "  - RecResizeImg:", "  - RecConAug:", "RecConAug"),
        ("rec", "name: CTCLabelDecode", "name: {a: 1}", "PostProcess.name: expected the name of a post-processing"),
        ("rec", "use_space_char: true", "use_space_char: 7", "use_space_char: expected true or false, got an int 7"),
        ("rec", "- KeepKeys", "- &a KeepKeys", ""),
        ("det", "mean:\n", "mean: 5\n      x:\n", "NormalizeImage.mean: expected a list of 3 numbers"),
        ("det", "scale: 1./255.", "scale: 1./0", "neither a number nor a quotient"),
        ("det", "limit_side_len: 96", "limit_side_len: 900000000", "limit_side_len: expected an int of at least 1"),
        ("det", "unclip_ratio: 1.5", "unclip_ratio: .inf", "PostProcess.unclip_ratio: expected a number above 0, f"),
        ("det", "      - shape\n", "", "PostProcess needs 'shape'"),
        ("cls", "  - '180'\n", "  - 2001-02-30\n", "names of the classes"),
        ("cls", "  - '180'\n", "  - '0'\n", "'0' twice"),
    ],
)  # fmt: skip
def test_sites_of_former_tracebacks(kind: str, old: str, new: str, says: str) -> None:
    text = (fuzz.models()[kind].exported / fuzz.NAME).read_text(encoding="utf-8")
    assert old in text
    finding = classify(lambda: fuzz.check(Case("", (kind, text.replace(old, new, 1).encode("utf-8")))))
    assert finding.outcome is (Outcome.REFUSED if says else Outcome.RAN), finding
    assert says in finding.detail, finding
