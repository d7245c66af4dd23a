"""The table of terms: names, comments, docstrings and messages use the words of the field, not a dialect of our own."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Words, matched in parts of names too, and what to write instead.
TERMS = {
    r"guide[ds]?|guiding": "auxiliary head or branch",
    r"told": "given, reported, teacher forcing",
    r"tells? \w+ classes apart": "has N classes",
    r"class numbers?": "class index, token id",
    r"regions?": "text instance, polygon, box, detection",
    r"spoil(ed|t|s)?": "non-finite, damaged",
    r"mend(ed|s)?": "repair",
    r"likeness": "similarity",
    r"cures?": "hint",
    r"keeper": "CheckpointManager",
    r"ledger": "LossMonitor",
    r"straightened": "rectified",
    r"squeezed": "resized without keeping the aspect ratio",
    r"by heart": "overfit",
    r"read by nothing|nothing reads|what there is": "unused",
    r"sheets?": "visualisation",
    r"flags?": "command-line argument",
}
# Names that official configurations, checkpoints, programs or libraries have, and those that users type.
OFFICIAL = "|".join(
    (
        "use_guide|guide_layer|guided training",
        r'--regions|"regions"|contact[ _]sheet|--sheet|^sheet$',
        r"^flags$|OpenCV's flag|FLAGS_\w+|[gs]et_flags",
    )
)
SOURCES = [path for folder in ("ppocr", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]


def words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line of the file's names, comments and strings, names as separate words."""
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type in (tokenize.NAME, tokenize.COMMENT, tokenize.STRING):
                for offset, line in enumerate(token.string.splitlines()):
                    yield token.start[0] + offset, line


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_words_are_those_of_the_field(path: Path) -> None:
    found = []
    for number, line in words_of(path):
        text = re.sub(OFFICIAL, "", line).replace("_", " ")
        for term, better in TERMS.items():
            if match := re.search(rf"\b(?:{term})\b", text, re.IGNORECASE):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]!r}: write {better}")
    assert not found
