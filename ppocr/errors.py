"""The errors a user can cause: each is one line with a cause and a hint, and has an exit code."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 200  # characters of an error nobody foresaw

LONGEST_PART = 400  # characters of a message's place, key or text


class PpocrError(Exception):
    """A failure the user can fix; commands print it as one line and exit with `exit_code`.

    Args:
        message: what is wrong, naming the file, line or key.
        hint: what to do about it, or "".
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a configuration: where it stands, its key, what is wrong with it, and which kind that is."""

    where: str
    key: str
    text: str
    kind: str = ""

    def __str__(self) -> str:
        key = "" if self.where == f"-o {self.key}" else self.key  # an override's place is its key
        return ": ".join(one_line(part) for part in (self.where, key, self.text) if part)


def one_line(text: str) -> str:
    """Return a text that may come from a file as one line of printable characters, its middle cut where it is long."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return line if len(line) <= LONGEST_PART else f"{line[: LONGEST_PART - 60]} ... {line[-50:]}"


class ConfigError(PpocrError):
    """The configuration is wrong; carries every problem found, not the first only.

    Args:
        problems: the problems, or one message.
        hint: what to do about it, or "".
    """

    exit_code = 2

    def __init__(self, problems: Sequence[Problem] | str, hint: str = "") -> None:
        self.problems = [Problem("", "", problems)] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(map(str, self.problems)), hint)


class DataError(PpocrError):
    """The data set as a whole cannot be used: a file is missing or empty, or too many samples are bad."""


class CheckpointError(PpocrError):
    """A checkpoint is missing, damaged, malicious or belongs to another network."""


class SampleError(Exception):
    """One sample cannot be used; the data set counts it under `reason` and goes on.

    Args:
        reason: a short identifier used as the counter's name, e.g. "missing_file" or "too_long".
        detail: what was found in this sample, for the report.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple:
        return SampleError, (self.reason, self.detail)


@contextlib.contextmanager
def one_sample() -> Iterator[None]:
    """Make whatever reading or transforming a sample raises that sample's problem, whose reason is then "failed".

    Damaged files and hostile labels make libraries raise anything, and one sample must not end a run. What is wrong
    with the run itself, a PpocrError, is let through.

    Raises:
        SampleError: as raised inside, or "failed" with the error, its place, and the error itself as its cause.
    """
    try:
        yield
    except (PpocrError, SampleError):
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error}"[:_SHOWN]
        raise SampleError("failed", f"{said} ({Path(frame.filename).name}:{frame.lineno})") from error
