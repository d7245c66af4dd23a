"""What a damaged or hostile input may lead to, and a runner that says which of it happened to each of many.

A fuzzer is a module with `cases(count, seed)`, which yields the same `Case`s for the same seed, and `check(case)`,
which does with the input what a command does, and raises `Wrong` where the result is not what it must be. `main` makes
it a command (`python -m tests.fuzz.fuzz_X --cases 500 --seed 1`); `classify` tries a single case in a test.
"""

from __future__ import annotations

import argparse
import contextlib
import enum
import multiprocessing
import resource
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ppocr.errors import ConfigError, PpocrError, SampleError

SECONDS = 60.0  # far above what any case needs, also on a busy machine
MEMORY = 1 << 30  # bytes by which one case may enlarge the process
ADDRESS_SPACE = 8 << 30  # bytes a process of `run_apart` may claim beyond what it starts with
LONGEST_LINE = 1200  # characters of a message


class Outcome(enum.Enum):
    """What became of one input."""

    RAN = "ran"
    REFUSED = "refused in a clear line"
    UNCLEAR = "refused, but not in a clear line"
    WRONG = "accepted with a wrong result"
    TRACEBACK = "traceback"
    MEMORY = "too much memory"
    HANG = "hang"
    CRASH = "the process died"

    @property
    def good(self) -> bool:
        """Whether a user could live with it."""
        return self in (Outcome.RAN, Outcome.REFUSED)


class Wrong(Exception):
    """An input was accepted, but what came of it is not what it must be."""


@dataclass(frozen=True)
class Case:
    """One input.

    Args:
        name: what was done to make it.
        data: whatever the fuzzer's `check` works on; can be pickled.
    """

    name: str
    data: Any = None


@dataclass(frozen=True)
class Finding:
    """What became of one case.

    Args:
        outcome: the kind.
        detail: the message, or the end of the traceback.
        seconds: how long it took.
    """

    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0


class _Hang(BaseException):
    """Raised by the alarm; no `except Exception` of the tried code takes it for its own."""


def clear(error: PpocrError | SampleError) -> bool:
    """Return whether an error is printed as whole lines of printable text that say something."""
    texts = [str(p) for p in error.problems] if isinstance(error, ConfigError) else [str(error)]
    return bool(texts) and all(t.strip() and t.isprintable() and len(t) <= LONGEST_LINE for t in texts)


def classify(action: Callable[[], Any], seconds: float = SECONDS, memory: int = MEMORY) -> Finding:
    """Run an action in this process and say what became of it.

    Args:
        action: raises PpocrError (or SampleError) to refuse its input, `Wrong` to report a wrong result.
        seconds: time after which it hangs; seen between two instructions of Python only, see `run_apart`.
        memory: bytes by which the process may grow.
    """
    _forget_peak()
    start, before = time.monotonic(), _peak()
    outcome, detail = Outcome.RAN, ""
    watched = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGALRM, _raise_hang) if watched else None
    try:
        if watched:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        action()
    except (PpocrError, SampleError) as error:
        outcome = Outcome.REFUSED if clear(error) else Outcome.UNCLEAR
        detail = str(error)
    except Wrong as error:
        outcome, detail = Outcome.WRONG, str(error)
    except _Hang:
        outcome, detail = Outcome.HANG, f"still running after {seconds:g} s: {_place()}"
    except (Exception, SystemExit) as error:
        outcome, detail = Outcome.TRACEBACK, f"{type(error).__name__}: {error} at {_place()}"
    finally:
        if watched:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
    grown = _peak() - before
    if outcome.good and grown > memory:
        outcome, detail = Outcome.MEMORY, f"{grown / 2**20:.0f} MB"
    return Finding(outcome, detail, time.monotonic() - start)


def _raise_hang(*_: Any) -> None:
    raise _Hang


def _forget_peak() -> None:
    """Let the peak begin at what is held now, so that a case is seen after another that took as much."""
    with contextlib.suppress(OSError):  # not allowed in every container: then only a new peak is seen
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """Return the most memory the process has held, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _place() -> str:
    """Return the innermost places of the exception that is being handled."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    return " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in reversed(frames[-3:]))


def run_apart(
    check: Callable[[Case], Any], cases: Iterable[Case], seconds: float = SECONDS, memory: int = MEMORY
) -> Iterator[tuple[Case, Finding]]:
    """Yield each case with its finding; a process of its own tries them, and is replaced when it dies or hangs.

    Args:
        check: a function of a module, so that another process can import it.
        cases: tried in their order.
        seconds: time after which a case hangs, whatever it is doing.
        memory: bytes by which a case may enlarge the process.
    """
    worker = None
    try:
        for case in cases:
            worker = worker or _Worker(check, seconds, memory)
            finding = worker.try_one(case, seconds)
            if finding.outcome in (Outcome.HANG, Outcome.CRASH):
                worker.end()
                worker = None
            yield case, finding
    finally:
        if worker:
            worker.end()


class _Worker:
    """A process that tries cases one after another."""

    def __init__(self, check: Callable[[Case], Any], seconds: float, memory: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, check, seconds, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.connection.recv()  # it has imported everything: the first case is not charged for that

    def try_one(self, case: Case, seconds: float) -> Finding:
        self.connection.send(case)
        try:
            if self.connection.poll(seconds + 5):
                return self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join(5)
            return Finding(Outcome.CRASH, f"exit code {self.process.exitcode}")
        return Finding(Outcome.HANG, f"still running after {seconds + 5:g} s, outside Python")

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def _serve(connection: Connection, check: Callable[[Case], Any], seconds: float, memory: int) -> None:
    """Try the cases that come through a connection until it is closed."""
    with open("/proc/self/statm", encoding="ascii") as file:
        claimed = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (claimed + ADDRESS_SPACE,) * 2)
    connection.send("ready")
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        connection.send(classify(lambda case=case: check(case), seconds, memory))


def main(
    description: str,
    cases: Callable[[int, int], Iterable[Case]],
    check: Callable[[Case], Any],
    arguments: list[str] | None = None,
    memory: int = MEMORY,
) -> int:
    """Run a fuzzer as a command: print how often each outcome came, and every failure; return the exit code.

    Args:
        description: for `--help`.
        cases: of the fuzzer.
        check: of the fuzzer.
        arguments: instead of those of the process.
        memory: bytes by which a case may enlarge the process.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cases", type=int, default=500, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same cases")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="after which a case hangs")
    parser.add_argument("--verbose", action="store_true", help="show every case")
    options = parser.parse_args(arguments)
    counts: Counter[Outcome] = Counter()
    slowest = 0.0
    for case, finding in run_apart(check, cases(options.cases, options.seed), options.seconds, memory):
        counts[finding.outcome] += 1
        slowest = max(slowest, finding.seconds)
        if options.verbose or not finding.outcome.good:
            print(f"{finding.outcome.value}: {case.name}: {finding.detail}", flush=True)
    summary = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.most_common())
    print(f"{sum(counts.values())} cases: {summary}; slowest {slowest:.1f} s")
    return int(any(not outcome.good for outcome in counts))
