"""What went wrong with single samples: records that travel with a batch, and their sums by reason."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ppocr.errors import DataError
from ppocr.utils.text import one_line

# The label is legible but this configuration cannot learn it: counted, but no sign of a broken data set.
LABEL_REASONS = frozenset({"too_long", "ctc_infeasible", "out_of_dictionary", "empty_label"})
_EXAMPLES = 5
_LONGEST = 400  # characters of a record that are shown
_MINIMUM = 1000  # samples asked for before a run is ended within an epoch


class SampleProblem(NamedTuple):
    """One thing wrong with one sample.

    Attributes:
        reason: the counter's name, e.g. "missing_file".
        where: "file:line", or "folder:key" in an LMDB.
        detail: what was found.
    """

    reason: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}: {self.detail}" if self.detail else f"{self.where}: {self.reason}"


class DataReport:
    """Counts of samples asked for, used, skipped and noted; can be summed over workers, ranks and epochs.

    `drawn == used + sum(skipped.values())` always. A skipped sample was replaced in training and left out
    in evaluation; a noted one was used all the same.
    """

    def __init__(self) -> None:
        self.drawn = 0
        self.skipped: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self.needed: dict[str, str] = {}
        self.examples: dict[str, list[SampleProblem]] = {}

    @property
    def used(self) -> int:
        """Samples that were used as they are."""
        return self.drawn - sum(self.skipped.values())

    @property
    def bad(self) -> int:
        """Samples whose file or line is broken, as against labels this configuration cannot learn."""
        return sum(n for reason, n in self.skipped.items() if reason not in LABEL_REASONS)

    def add(self, drawn: int, skipped: Iterable[SampleProblem] = (), noted: Iterable[SampleProblem] = ()) -> None:
        """Count one batch.

        Args:
            drawn: samples asked for.
            skipped: one record per sample that could not be used.
            noted: records about samples that were used.
        """
        self.drawn += drawn
        for counter, problems in ((self.skipped, skipped), (self.noted, noted)):
            for problem in problems:
                counter[problem.reason] += 1
                self._remember(problem)

    def _remember(self, problem: SampleProblem) -> None:
        kept = self.examples.setdefault(problem.reason, [])
        if len(kept) < _EXAMPLES:
            kept.append(problem)
        if problem.reason == "out_of_dictionary":
            self.characters.update(problem.detail)
        elif problem.reason in LABEL_REASONS:
            self.needed[problem.reason] = max(self.needed.get(problem.reason, ""), problem.detail, key=largest_number)

    def state(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "drawn": self.drawn,
            "skipped": dict(self.skipped),
            "noted": dict(self.noted),
            "characters": dict(self.characters),
            "needed": dict(self.needed),
            "examples": {reason: [list(p) for p in kept] for reason, kept in self.examples.items()},
        }

    def merge(self, states: Iterable[Mapping[str, Any]]) -> DataReport:
        """Add the counts of other reports, and return this one."""
        for state in states:
            self.drawn += state["drawn"]
            self.skipped.update(state["skipped"])
            self.noted.update(state["noted"])
            self.characters.update(state["characters"])
            for reason, detail in state["needed"].items():
                self.needed[reason] = max(self.needed.get(reason, ""), detail, key=largest_number)
            for reason, kept in state["examples"].items():
                mine = self.examples.setdefault(reason, [])
                mine += [SampleProblem(*p) for p in kept][: _EXAMPLES - len(mine)]
        return self

    def summary_lines(self) -> list[str]:
        """Return what a user should know about the data, or nothing when every sample was fine."""
        lines = []
        if self.skipped:
            counts = ", ".join(f"{reason} {n}" for reason, n in sorted(self.skipped.items()))
            lines.append(f"data: {self.used} of {self.drawn} samples used as they are; skipped: {counts}")
        for reason, kept in sorted(self.examples.items()):
            n = self.skipped[reason] or self.noted[reason]
            if reason == "out_of_dictionary":
                most = ", ".join(f"{c!r} {k}" for c, k in self.characters.most_common(20))
                lines.append(
                    f"data: {n} labels hold {len(self.characters)} characters outside the dictionary: {most}; "
                    f"first at {kept[0].where}"
                )
            elif reason in self.needed:
                lines.append(f"data: {reason} {n}: the longest {self.needed[reason]}; first at {kept[0].where}")
            else:
                lines.append(f"data: {reason} {n}: first {printable(kept[0])}")
        return [one_line(line) for line in lines]

    def check(
        self, max_bad_ratio: float, *, minimum: int = _MINIMUM, judge: Callable[[DataReport], None] | None = None
    ) -> None:
        """End the run when too many samples are broken, or those used leave nothing to learn.

        Args:
            max_bad_ratio: largest bearable share of broken samples among those asked for.
            minimum: do nothing before so many samples were asked for.
            judge: looks at the report once many samples were used, see `Pipeline.check_report`.

        Raises:
            DataError: too many, of which it names the first five; or what `judge` raises.
        """
        if judge is not None and self.used >= max(minimum, _MINIMUM):
            judge(self)
        refusal = self.refusal(max_bad_ratio, minimum=minimum)
        if refusal is not None:
            raise refusal

    def refusal(self, max_bad_ratio: float, *, minimum: int = _MINIMUM) -> DataError | None:
        """Return the error that more than a share of the samples is broken, or None; see `check`."""
        if not self.bad or self.drawn < minimum or self.bad <= max_bad_ratio * self.drawn:
            return None
        accepted = min(1.0, math.ceil(105 * self.bad / self.drawn) / 100)  # the share found, and a little more
        return DataError(
            f"{self.bad} of {self.drawn} samples ({100 * self.bad / self.drawn:.1f} %) cannot be used, "
            f"more than max_bad_ratio {100 * max_bad_ratio:g} %: {first_causes(self.all_examples())}",
            f"repair the data set, or train without them: -o Global.max_bad_ratio={accepted:g}",
        )

    def all_examples(self) -> list[SampleProblem]:
        """Return the kept records of broken samples, one of each reason first."""
        kept = [k for reason, k in self.examples.items() if reason not in LABEL_REASONS and self.skipped[reason]]
        return [k[i] for i in range(_EXAMPLES) for k in kept if i < len(k)]


def first_causes(problems: Iterable[SampleProblem], count: int = _EXAMPLES) -> str:
    """Return the first few records in one line."""
    return "; ".join(printable(p) for p in list(problems)[:count])


def printable(problem: SampleProblem) -> str:
    """Return a record in one line whatever a label or path holds."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(problem))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


def largest_number(text: str) -> float:
    """Return the largest whole number in a text, -1 without any: puts details such as "needs 34, has 25" in order."""
    return max(map(int, re.findall("[0-9]+", text)), default=-1)
