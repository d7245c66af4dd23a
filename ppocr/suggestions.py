"""Suggesting the name that was meant for one that is unknown."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

NEAR = 0.6  # similarity from which a name is suggested


def similarity(name: str, choice: str) -> float:
    """Return how alike two names are, 0 to 1; capitals and underscores count little."""
    plain = difflib.SequenceMatcher(None, name, choice).ratio()
    folded = difflib.SequenceMatcher(None, name.lower().replace("_", ""), choice.lower().replace("_", "")).ratio()
    return max(plain, folded - 0.05)


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return ", did you mean X?" for the nearest choice, or "" when none is near.

    Of choices equally near, one with the same letters wins, then the first.
    """
    letters = Counter(name)
    best: tuple[float, int] = (0.0, 0)
    near = ""
    for choice in sorted(choices) if isinstance(choices, (set, frozenset)) else choices:
        score = (similarity(name, choice), sum((letters & Counter(choice)).values()))
        if score[0] >= NEAR and score > best:
            best, near = score, choice
    return f", did you mean {near}?" if near else ""
